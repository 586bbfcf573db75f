"""Plain text, and what every text format shares: the decoding, and what text cannot hold."""

import re

from chunkers.document import Block, BlockKind, Content, Document
from chunkers.errors import ExtractError

# JSON, YAML and a few encodings can spell it: NUL, and halves of surrogate pairs.
_UNTEXTUAL = re.compile("[\x00\ud800-\udfff]")
_PARAGRAPH = re.compile(r"\S(?:.*\S)?(?:[^\S\n]*\n[^\S\n]*\S(?:.*\S)?)*")


def read_text(content: Content) -> Document:
    """Read plain text as it stands; its blocks are the paragraphs between blank lines."""
    text = decode(content.data)
    blocks = text_blocks(text)
    if not blocks:
        raise ExtractError("the file holds only white space")
    return Document(
        id=content.id,
        content_type=content.content_type,
        text=text,
        blocks=blocks,
        revision=content.revision,
        title=content.title,
        url=content.url,
        locale=content.locale,
        updated_at=content.updated_at,
        metadata=content.metadata,
    )


def decode(data: bytes) -> str:
    """Decode UTF-8, with or without a byte order mark; anything else is an ExtractError."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ExtractError("the text is UTF-16; save it as UTF-8")
    nul = data.find(b"\x00")
    if nul >= 0:
        raise ExtractError(f"byte {nul} is NUL: this is binary data, not text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ExtractError(f"byte {exc.start} is not valid UTF-8; save the file as UTF-8") from exc


def clean(value: str) -> str:
    """Replace by U+FFFD each character that text cannot hold: no tokenizer takes it, no store."""
    return _UNTEXTUAL.sub("\ufffd", value)


def text_blocks(text: str, start: int = 0, end: int | None = None) -> tuple[Block, ...]:
    """Return the paragraphs of `text[start:end]` as blocks."""
    last = len(text) if end is None else end
    spans = (match.span() for match in _PARAGRAPH.finditer(text, start, last))
    return tuple(Block(kind=BlockKind.PARAGRAPH, start=a, end=b) for a, b in spans)
