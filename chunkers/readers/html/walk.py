"""Walks an element and yields its blocks in reading order."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from bs4 import Tag
from bs4.element import PageElement

from chunkers.document import BlockKind
from chunkers.readers.html.inline import inline_text, joined, word
from chunkers.readers.html.noise import is_callout, is_noise
from chunkers.readers.html.tables import is_layout, table_text

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    """
    p div section article main header footer body html address figure figcaption fieldset center
    hr details form table thead tbody tfoot tr td th caption colgroup li dd dt legend hgroup
    search
    """.split()  # noqa: SIM905 - a list of literals would run to pages
)
# Lists and quotes nest by recursion down to here; whatever lies deeper is read as flat text.
_DEEPEST = 24


class Part(NamedTuple):
    """One block of the page, before it has a place in the document."""

    kind: BlockKind
    text: str
    level: int = 0


def parts_of(root: Tag, depth: int = 0) -> Iterator[Part]:
    """Yield the parts under an element; the stack stands for recursion, for pages nest deep."""
    words: list[str] = []
    stack: list[tuple[Tag, Iterator[PageElement]]] = [(root, iter(root.contents))]
    while stack:
        tag, children = stack[-1]
        node = next(children, None)
        if node is None:
            stack.pop()
            if _is_block(tag):
                yield from _flushed(words)
        elif not isinstance(node, Tag):
            words.append(word(node))
        elif not is_noise(node):
            render = _renderer(node, depth)
            if render or _is_block(node):
                yield from _flushed(words)
            if render:
                yield from render(node, depth + 1)
                continue
            words.append(word(node))
            stack.append((node, iter(node.contents)))
    yield from _flushed(words)


def _flushed(words: list[str]) -> Iterator[Part]:
    text = joined(words)
    words.clear()
    if text:
        yield Part(BlockKind.PARAGRAPH, text)


def _is_block(tag: Tag) -> bool:
    return tag.name in _BLOCKS


Renderer = Callable[[Tag, int], Iterator[Part]]


def _renderer(tag: Tag, depth: int) -> Renderer | None:
    if tag.name in _HEADINGS:
        return _heading
    if tag.name == "table" and is_layout(tag):
        return None
    if tag.name in _RENDERERS and depth < _DEEPEST:
        return _RENDERERS[tag.name]
    return _quote if depth < _DEEPEST and is_callout(tag) and tag.name != "span" else None


def _heading(tag: Tag, depth: int) -> Iterator[Part]:
    level = _HEADINGS[tag.name]
    text = inline_text(tag).replace("\n", " ")
    if text:
        yield Part(BlockKind.HEADING, f"{'#' * level} {text}", level)


def _summary(tag: Tag, depth: int) -> Iterator[Part]:
    text = inline_text(tag).replace("\n", " ")
    if text:
        yield Part(BlockKind.PARAGRAPH, f"**{text}**")


def _list(tag: Tag, depth: int) -> Iterator[Part]:
    text = "\n".join(_items(tag, depth))
    if text:
        yield Part(BlockKind.LIST, text)


def _items(tag: Tag, depth: int) -> Iterator[str]:
    number = _start(tag)
    for child in tag.children:
        if not isinstance(child, Tag):
            text = word(child).strip()
            if text:
                yield text
        elif child.name in {"ul", "ol"} and depth < _DEEPEST:  # not allowed there, and common
            yield from ("  " + line for line in _items(child, depth + 1) if line)
        elif not is_noise(child):
            marker = f"{number}. " if tag.name == "ol" else "- "
            number += 1
            yield from _marked(marker, list(parts_of(child, depth)))


def _marked(marker: str, parts: list[Part]) -> Iterator[str]:
    """Yield an item's lines: its marker, and everything after under its text."""
    body = "\n".join(_in_item(part) for part in parts)
    if body:
        indent = " " * len(marker)
        yield marker + body.replace("\n", "\n" + indent)


def _in_item(part: Part) -> str:
    return part.text.lstrip("# ") if part.kind is BlockKind.HEADING else part.text


def _start(tag: Tag) -> int:
    start = tag.get("start")
    return int(start) if isinstance(start, str) and start.isdecimal() and len(start) < 7 else 1


def _definitions(tag: Tag, depth: int) -> Iterator[Part]:
    lines: list[str] = []
    for child in tag.find_all(["dt", "dd"]):
        if child.find_parent("dl") is not tag or is_noise(child):
            continue
        if child.name == "dt":
            lines.append(f"- {inline_text(child)}:")
            continue
        body = "\n".join(part.text for part in parts_of(child, depth))
        joint = " " if lines and lines[-1].endswith(":") and "\n" not in body else "\n  "
        lines[-1:] = [(lines[-1] if lines else "-") + joint + body.replace("\n", "\n  ")]
    yield Part(BlockKind.LIST, "\n".join(lines))


def _code(tag: Tag, depth: int) -> Iterator[Part]:
    text = tag.get_text().strip("\n")
    if text.strip():
        fence = "```" if "```" not in text else "~~~"
        yield Part(BlockKind.CODE, f"{fence}{_language(tag)}\n{text}\n{fence}")


def _language(tag: Tag) -> str:
    """Return the language that highlighters note in a class, on <pre> or on its <code>."""
    inner = tag.find("code")
    for holder in [tag, *([inner] if inner else [])]:
        for name in holder.get("class") or []:
            prefix, _, language = name.partition("-")
            if prefix in {"language", "lang", "highlight", "brush"} and language:
                return language
    return ""


def _quote(tag: Tag, depth: int) -> Iterator[Part]:
    text = "\n\n".join(_in_item(part) for part in parts_of(tag, depth))
    if text:
        lines = (f"> {line}".rstrip() for line in text.split("\n"))
        yield Part(BlockKind.QUOTE, "\n".join(lines))


def _table(tag: Tag, depth: int) -> Iterator[Part]:
    caption = tag.find("caption")
    if caption:
        yield from _summary(caption, depth)
    yield Part(BlockKind.TABLE, table_text(tag))


_RENDERERS: dict[str, Renderer] = {
    "ul": _list,
    "ol": _list,
    "menu": _list,
    "dl": _definitions,
    "pre": _code,
    "blockquote": _quote,
    "summary": _summary,
    "table": _table,
}
