"""From a document's chunks to the points that are stored."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from chunkers.document import Chunk, Context, Document
from chunkers.units import unit_spans
from indexers.bm25 import Bm25Encoder
from indexers.catalog import IndexBuild
from indexers.embedding import Spans
from indexers.embedding_cache import Embedded
from indexers.errors import DocumentError
from indexers.filters import FilterType, check_value
from indexers.store.base import Point, Schema
from indexers.units import to_payload

LAYOUT_VERSION = "2"
"""Changes whenever points of the same chunks would be stored differently."""


def schema(build: IndexBuild) -> Schema:
    """The layout of the collection that a build is stored in."""
    return Schema(dimension=build.embedder.dimension, filters=dict(build.filters))


def indexed_text(chunk: Chunk) -> str:
    """What is embedded and weighed for a chunk: its context, then its text."""
    return "\n".join(part for part in (*context_lines(chunk.context), chunk.text) if part)


def indexed_units(document: Document, chunk: Chunk) -> Spans:
    """The spans of a chunk's units in its indexed text, which ends with the chunk's text."""
    before = len(indexed_text(chunk)) - len(chunk.text)
    return [(before + start, before + end) for start, end in unit_spans(document, chunk)]


def context_lines(context: Context) -> list[str]:
    """The title, the heading path and the questions of a chunk, each once."""
    path = [heading for heading in context.heading_path if heading != context.title]
    questions = [question for question in context.questions if question != context.title]
    return [context.title, " > ".join(path), *questions]


def make_points(
    document: Document,
    chunks: Sequence[Chunk],
    embedded: Sequence[Embedded],
    sparse: Bm25Encoder,
    filters: Mapping[str, FilterType],
) -> list[Point]:
    """Points of one document's chunks, whose vectors are given in the same order."""
    common = _document_payload(document, filters)
    points = []
    for ordinal, (chunk, vectors) in enumerate(zip(chunks, embedded, strict=True)):
        following = chunks[ordinal + 1] if ordinal + 1 < len(chunks) else None
        points.append(
            Point(
                id=chunk.id,
                dense=vectors.vector,
                sparse=sparse.encode_document(indexed_text(chunk)),
                payload={
                    **common,
                    **_chunk_payload(document, chunk, ordinal, following),
                    "units": [list(span) for span in unit_spans(document, chunk)],
                    "unit_vectors": to_payload(vectors.units),
                },
            )
        )
    return points


def filter_values(document: Document, filters: Mapping[str, FilterType]) -> dict[str, Any]:
    """What a document can be filtered by: its values of the declared fields.

    Raises:
        DocumentError: a value is not of its field's type.
    """
    values = {**document.metadata, **{name: getattr(document, name) for name in _FIELDS}}
    found = {name: values[name] for name in filters if values.get(name) is not None}
    for name, value in found.items():
        try:
            check_value(filters[name], value)
        except ValueError as exc:
            raise DocumentError(f"filter field {name} {exc}") from exc
    return found


def _document_payload(document: Document, filters: Mapping[str, FilterType]) -> dict[str, Any]:
    shown = {name: getattr(document, name) for name in _FIELDS}
    return {
        "document_id": document.id,
        "revision": document.revision,
        "content_type": document.content_type.value,
        "document": {**shown, "title": document.title or PurePosixPath(document.id).stem},
        "filters": filter_values(document, filters),
    }


_FIELDS = ("title", "url", "locale", "updated_at")


def _chunk_payload(
    document: Document, chunk: Chunk, ordinal: int, following: Chunk | None
) -> dict[str, Any]:
    # The text up to the next chunk lets neighbours be joined exactly without the document.
    gap = None if following is None else document.text[chunk.end : following.start]
    return {
        "ordinal": ordinal,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "gap": gap,
        "tokens": chunk.tokens,
        "page": chunk.page,
        "heading_path": list(chunk.context.heading_path),
    }
