"""Markdown: the text is the source itself, the blocks come from the parser's source map."""

import re
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from chunkers.document import JSON, Block, BlockKind, Content, Document
from chunkers.errors import ExtractError
from chunkers.headings import plain_heading
from chunkers.readers.callouts import joined_callouts
from chunkers.readers.front_matter import split_front_matter
from chunkers.readers.text import decode, text_blocks

_KINDS: dict[str, BlockKind] = {
    "heading_open": BlockKind.HEADING,
    "bullet_list_open": BlockKind.LIST,
    "ordered_list_open": BlockKind.LIST,
    "table_open": BlockKind.TABLE,
    "blockquote_open": BlockKind.QUOTE,
    "fence": BlockKind.CODE,
    "code_block": BlockKind.CODE,
}
_HTML_KINDS: dict[str, BlockKind] = {
    "table": BlockKind.TABLE,
    "ul": BlockKind.LIST,
    "ol": BlockKind.LIST,
    "dl": BlockKind.LIST,
    "pre": BlockKind.CODE,
    "blockquote": BlockKind.QUOTE,
    "aside": BlockKind.QUOTE,
    "call-out": BlockKind.QUOTE,
}
_HTML_TAG = re.compile(r"\s*<([a-zA-Z][\w-]*)")
_HTML_HEADING = re.compile(r"<h([1-6])[\s>][^\n]*</h\1>$", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n?|\n")


def _block_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


_PARSER = _block_parser()


def read_markdown(content: Content) -> Document:
    """Read CommonMark with tables and YAML front matter; the text is the source without the YAML.

    The content's own title, URL, locale and date go before the front matter's; the rest of the
    front matter joins the metadata. HTML and template tags stay in the text as they are.
    """
    front, text = split_front_matter(decode(content.data))
    blocks = markdown_blocks(text)
    if not blocks:
        raise ExtractError("nothing but front matter and white space in the file")
    return Document(
        id=content.id,
        content_type=content.content_type,
        text=text,
        blocks=blocks,
        revision=content.revision,
        title=content.title or _taken(front, "title") or _first_h1(text, blocks),
        url=content.url or _taken(front, "url"),
        locale=content.locale or _taken(front, "locale", "lang"),
        updated_at=content.updated_at or _taken(front, "updated_at", "date"),
        metadata={**front, **content.metadata},
    )


def _taken(front: dict[str, JSON], *names: str) -> str | None:
    """Take the named fields out of the front matter; return the first that says anything."""
    values = [front.pop(name, None) for name in names]
    return next((str(value) for value in values if isinstance(value, str | int) and value), None)


def _first_h1(text: str, blocks: Iterable[Block]) -> str:
    heads = (block for block in blocks if block.level == 1)
    return next((plain_heading(text[head.start : head.end]) for head in heads), "")


def markdown_blocks(text: str) -> tuple[Block, ...]:
    """Return the top-level blocks of Markdown; text that makes no block is a paragraph."""
    parsed = joined_callouts(text, list(_parsed_blocks(text)))
    return tuple(_gaps_filled(text, parsed))


def _parsed_blocks(text: str) -> Iterator[Block]:
    starts = [0, *(match.end() for match in _LINE_END.finditer(text)), len(text)]
    done = 0
    for token in _PARSER.parse(text):
        if token.level or not token.map or token.nesting < 0:
            continue
        first, last = (starts[min(line, len(starts) - 1)] for line in token.map)
        start, end = _trimmed(text, max(first, done), last)
        if start < end:
            yield _block(text, token, start, end)
            done = end


def _block(text: str, token: Token, start: int, end: int) -> Block:
    source = text[start:end]
    kind = _KINDS.get(token.type, BlockKind.PARAGRAPH)
    level = int(token.tag[1]) if kind is BlockKind.HEADING else 0
    if token.type == "html_block":
        heading = _HTML_HEADING.match(source)
        tag = _HTML_TAG.match(source)
        kind = _HTML_KINDS.get(tag[1].lower() if tag else "", BlockKind.PARAGRAPH)
        if heading:
            kind, level = BlockKind.HEADING, int(heading[1])
    return Block(kind=kind, start=start, end=end, level=level)


def _gaps_filled(text: str, blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield the blocks, and as paragraphs what the parser reads silently: link definitions."""
    done = 0
    for block in blocks:
        yield from text_blocks(text, done, block.start)
        yield block
        done = block.end
    yield from text_blocks(text, done, len(text))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())
