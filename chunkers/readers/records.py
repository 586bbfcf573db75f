"""JSON records: one FAQ, snippet or article to a line of a `.jsonl` file."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from chunkers.document import JSON, BlockKind, Content, ContentType, Document, Format
from chunkers.errors import ExtractError
from chunkers.readers.builder import TextBuilder
from chunkers.readers.html import read_html
from chunkers.readers.markdown import markdown_blocks, read_markdown
from chunkers.readers.text import clean, decode, read_text

Record = Mapping[str, JSON]

_BODIES: dict[str, tuple[Format, Callable[[Content], Document]]] = {
    "html": (Format.HTML, read_html),
    "markdown": (Format.MARKDOWN, read_markdown),
    "text": (Format.TEXT, read_text),
}
_COMMON = frozenset({"id", "title", "url", "locale", "updated_at", "metadata"})


def read_record(content: Content) -> Document:
    """Read one JSON object by its content type. Raises ExtractError that names the bad field.

    The content's own title, URL, locale, date and metadata go before the record's. Fields that
    no content type knows join the metadata.
    """
    record = _parsed(content.data)
    readers: dict[ContentType, Callable[[Content, Record], Document]] = {
        ContentType.ARTICLE: _article,
        ContentType.FAQ: _faq,
        ContentType.SNIPPET: _snippet,
    }
    return readers[content.content_type](content, record)


def _parsed(data: bytes) -> Record:
    text = decode(data)
    try:
        record = json.loads(text)
    except json.JSONDecodeError as exc:
        raise ExtractError(f"not valid JSON at character {exc.pos}: {exc.msg}") from exc
    except ValueError as exc:  # A number of 5,000 digits.
        raise ExtractError(f"not readable JSON: {exc}") from exc
    except RecursionError as exc:
        raise ExtractError("not readable JSON: nested too deeply") from exc
    if not isinstance(record, dict):
        raise ExtractError(f"a JSON object is needed, not {type(record).__name__}")
    return cast(Record, record)


def _article(content: Content, record: Record) -> Document:
    bodies = [name for name in _BODIES if record.get(name) is not None]
    if len(bodies) != 1:
        given = " and ".join(bodies) or "none"
        raise ExtractError(f"exactly one of html, markdown, text is needed; given: {given}")
    body = bodies[0]
    form, read = _BODIES[body]
    data = _required(record, body).encode()
    return read(replace(_filled(content, record, {body}), format=form, data=data))


def _faq(content: Content, record: Record) -> Document:
    question, answer = _required(record, "question").strip(), _required(record, "answer")
    variants = _strings(record, "variants")
    content = _filled(content, record, {"question", "answer", "variants"})
    text = f"{question}\n\n"
    builder = TextBuilder()
    builder.add(BlockKind.HEADING, question, level=1)
    answer_blocks = (
        replace(block, start=block.start + len(text), end=block.end + len(text))
        for block in markdown_blocks(answer)
    )
    return Document(
        id=content.id,
        content_type=content.content_type,
        text=text + answer,
        blocks=(*builder.blocks, *answer_blocks),
        revision=content.revision,
        title=question,
        questions=(question, *variants),
        url=content.url,
        locale=content.locale,
        updated_at=content.updated_at,
        metadata=content.metadata,
    )


def _snippet(content: Content, record: Record) -> Document:
    text = _required(record, "text")
    tags = _strings(record, "tags")
    content = _filled(content, record, {"text", "tags"})
    return Document(
        id=content.id,
        content_type=content.content_type,
        text=text,
        blocks=markdown_blocks(text),
        revision=content.revision,
        title=content.title,
        url=content.url,
        locale=content.locale,
        updated_at=content.updated_at,
        metadata={**({"tags": tags} if tags else {}), **content.metadata},
    )


def _filled(content: Content, record: Record, body: set[str]) -> Content:
    """Fill what the content leaves open from the record."""
    metadata = record.get("metadata")
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, Mapping):
        raise ExtractError("field metadata must be an object")
    others = {name: value for name, value in record.items() if name not in _COMMON | body}
    return replace(
        content,
        title=content.title or _string(record, "title") or "",
        url=content.url or _string(record, "url"),
        locale=content.locale or _string(record, "locale"),
        updated_at=content.updated_at or _string(record, "updated_at"),
        metadata={**others, **metadata, **content.metadata},
    )


def _required(record: Record, name: str) -> str:
    value = _string(record, name)
    if value is None:
        raise ExtractError(f"field {name} is missing")
    if not value.strip():
        raise ExtractError(f"field {name} is empty")
    return value


def _string(record: Record, name: str) -> str | None:
    value = record.get(name)
    if value is not None and not isinstance(value, str):
        raise ExtractError(f"field {name} must be a string, not {type(value).__name__}")
    return None if value is None else clean(value)


def _strings(record: Record, name: str) -> list[str]:
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ExtractError(f"field {name} must be a list of strings")
    return [clean(item).strip() for item in value if item.strip()]
