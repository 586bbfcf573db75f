"""Spans and their contexts in, chunks out."""

from collections.abc import Sequence
from typing import NamedTuple

from chunkers.document import Chunk, Context, Document, chunk_id
from chunkers.tokens import count_cl100k_batch


class Cut(NamedTuple):
    """Where a chunk lies, and what goes with it."""

    start: int
    end: int
    context: Context
    page: int | None = None


def chunks_of(document: Document, build: str, cuts: Sequence[Cut]) -> list[Chunk]:
    """Cut the chunks out of a document's text."""
    texts = [document.text[item.start : item.end] for item in cuts]
    return [
        Chunk(
            id=chunk_id(build, document.id, item.start, item.end),
            document_id=document.id,
            start=item.start,
            end=item.end,
            text=text,
            context=item.context,
            tokens=tokens,
            page=item.page,
        )
        for item, text, tokens in zip(cuts, texts, count_cl100k_batch(texts), strict=True)
    ]
