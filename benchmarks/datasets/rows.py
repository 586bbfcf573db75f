"""Rows of a data set's files, and what is made of them, with errors that say where."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.datasets.base import Span
from benchmarks.datasets.spec import DatasetSpec
from benchmarks.errors import DatasetError
from chunkers.document import Content, ContentType, Format
from indexers.sources.base import revision_of

Row = Mapping[str, Any]


def json_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Each line's object, with the file and line for messages; blank lines are passed over.

    Raises:
        DatasetError: the file is missing, or a line is not a JSON object.
    """
    for where, line in lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as exc:
            raise DatasetError(f"{where}: not JSON: {exc}") from exc
        if not isinstance(row, dict):
            raise DatasetError(f"{where}: must be a JSON object, not {type(row).__name__}")
        yield where, row


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each line without its end, with the file and line for messages.

    Raises:
        DatasetError: the file is missing, or is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                yield f"{path}:{number}", line.rstrip("\r\n")
    except OSError as exc:
        raise DatasetError(f"{path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise DatasetError(f"{path}: not UTF-8 text: {exc.reason}") from exc


def text_of(row: Row, key: str, where: str, *, default: str | None = None) -> str:
    """The text under `key`.

    Raises:
        DatasetError: it is missing and has no default, or is not text.
    """
    value = row.get(key, default)
    if not isinstance(value, str):
        has = ", ".join(map(str, row))
        raise DatasetError(f"{where}: {key!r} must be text, not {value!r}; the row has: {has}")
    return value


def list_of(row: Row, key: str, where: str) -> list[Row]:
    """The list of objects under `key`.

    Raises:
        DatasetError: it is missing or something else.
    """
    value = row.get(key)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise DatasetError(f"{where}: {key!r} must be a list of JSON objects")
    return value


def answers_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Reference answers, each once; a blank one is none."""
    return tuple(dict.fromkeys(text for text in texts if text.strip()))


def content_of(spec: DatasetSpec, document_id: str, title: str, text: str) -> Content:
    """A row of a corpus as its content type takes it.

    An article or snippet's extracted text is `text`, to the character; a FAQ asks `title` and
    answers `text`.
    """
    kind, form = spec.content_type, spec.format
    if kind is ContentType.FAQ:
        form = Format.JSON
        faq = {"id": document_id, "question": title, "answer": text}
        data = json.dumps(faq, ensure_ascii=False).encode()
    else:
        # Readers drop one byte order mark: this one, and not one that offsets count.
        data = text.encode("utf-8-sig")
    revision = revision_of(title.encode() + b"\n" + data)
    return Content(
        id=document_id, content_type=kind, format=form, data=data, revision=revision, title=title
    )


def span_of(document_id: str, text: str, reference: Row, where: str) -> Span:
    """The span of `{"content", "start_index", "end_index"}`, checked to cut out its content.

    Raises:
        DatasetError: an index is missing, or what it cuts is something else.
    """
    start, end = reference.get("start_index"), reference.get("end_index")
    if not isinstance(start, int) or not isinstance(end, int):
        raise DatasetError(f"{where}: a reference needs whole numbers start_index and end_index")
    content = text_of(reference, "content", where)
    if text[start:end] != content:
        cut = text[start:end][:60]
        raise DatasetError(
            f"{where}: {start} to {end} of {document_id!r} is {cut!r}, not {content[:60]!r}"
        )
    return Span(document_id=document_id, start=start, end=end)
