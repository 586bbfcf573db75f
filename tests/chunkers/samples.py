"""Contents, a token counter and invariants that the tests of chunkers share."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from chunkers import Chunk, Content, ContentType, Document, Format, extract

SHARED = Path(__file__).parents[3] / "shared" / "data"

needs_shared_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the evaluation data is not beside the repository"
)

_PIECE = re.compile(r"[^\W_]{1,4}|[^\w\s]|_")


def word_pieces(texts: Sequence[str]) -> list[int]:
    """Count as WordPiece does: punctuation alone, words in pieces, white space free."""
    return [len(_PIECE.findall(text)) for text in texts]


def content(
    data: str | bytes,
    form: Format,
    kind: ContentType = ContentType.ARTICLE,
    *,
    id: str = "help/pause-plan.md",
    title: str = "",
    url: str | None = None,
) -> Content:
    """Return a content as a source would."""
    raw = data.encode() if isinstance(data, str) else data
    return Content(
        id=id, content_type=kind, format=form, data=raw, revision="r1", title=title, url=url
    )


def html(page: str) -> Document:
    """Read a page."""
    return extract(content(page, Format.HTML))


def markdown(source: str) -> Document:
    """Read Markdown."""
    return extract(content(source, Format.MARKDOWN))


def block_texts(document: Document) -> list[tuple[str, str]]:
    """Return each block's kind and text."""
    return [(block.kind.value, document.text[block.start : block.end]) for block in document.blocks]


def assert_blocks_tile(document: Document) -> None:
    """Blocks are in order and apart, never empty, with only white space between them."""
    edges = [0]
    for block in document.blocks:
        assert block.start < block.end
        assert document.text[block.start : block.end].strip()
        assert (1 <= block.level <= 6) == (block.kind == "heading")
        edges += [block.start, block.end]
    edges.append(len(document.text))
    assert edges == sorted(edges)
    for gap_start, gap_end in zip(edges[::2], edges[1::2], strict=True):
        assert not document.text[gap_start:gap_end].strip()


def assert_sound(document: Document, chunks: Sequence[Chunk], *, overlap: bool = False) -> None:
    """Spans are exact and in order, and together lose nothing; ids are unique."""
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    covered = bytearray(len(document.text))
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.text.strip()
        assert chunk.document_id == document.id
        covered[chunk.start : chunk.end] = b"\x01" * len(chunk.text)
    for before, after in pairwise(chunks):
        assert before.start < after.start
        assert before.end < after.end
        assert overlap or before.end <= after.start
    lost = [i for i, letter in enumerate(document.text) if not letter.isspace() and not covered[i]]
    assert not lost
