"""The smallest stretches of a chunk that still say something whole."""

from bisect import bisect_right

from chunkers.document import Block, BlockKind, Chunk, Document
from chunkers.sentences import sentence_spans

_WHOLE = frozenset({BlockKind.LIST, BlockKind.TABLE, BlockKind.CODE})
_SHORT = 25
"""Characters below which a sentence is taken together with the next one."""


def unit_spans(document: Document, chunk: Chunk) -> list[tuple[int, int]]:
    """The spans, in `chunk.text`, of its units: in order, and holding all that is not blank.

    A sentence is a unit. So are the part of a list, a table or a code block that lies in the
    chunk, since half of one misleads; and a heading belongs to what it stands over.
    """
    spans: list[tuple[int, int]] = []
    open_from: int | None = None
    for block in _blocks_of(document, chunk):
        start = max(block.start, chunk.start) - chunk.start
        end = min(block.end, chunk.end) - chunk.start
        for unit_start, unit_end in _units(chunk.text, block.kind, start, end):
            first = unit_start if open_from is None else open_from
            if block.kind is BlockKind.HEADING or unit_end - first < _SHORT:
                open_from = first
            else:
                spans.append((first, unit_end))
                open_from = None
    if open_from is not None:
        spans.append((open_from, len(chunk.text.rstrip())))
    return spans


def _blocks_of(document: Document, chunk: Chunk) -> list[Block]:
    starts = [block.start for block in document.blocks]
    first = max(0, bisect_right(starts, chunk.start) - 1)
    last = bisect_right(starts, chunk.end - 1)
    return [block for block in document.blocks[first:last] if block.end > chunk.start]


def _units(text: str, kind: BlockKind, start: int, end: int) -> list[tuple[int, int]]:
    if kind in _WHOLE or kind is BlockKind.HEADING:
        return [(start, end)]
    return [(start + a, start + b) for a, b in sentence_spans(text[start:end])]
