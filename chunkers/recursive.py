"""The recursive splitter of most retrieval tutorials, as a baseline for benchmarks."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from chunkers.document import Chunk, Context, Document, TokenCounter
from chunkers.emit import Cut, chunks_of
from chunkers.tokens import count_cl100k_batch
from chunkers.validation import check_range

_SEPARATORS = ("\n\n", "\n", ".", "?", "!", " ")

_Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecursiveSplitter:
    """Splits at the first separator that the text has, merges what is small up to `chunk_size`
    tokens of cl100k_base, and splits what is still too long at the next separator.

    The separators, and that each goes with the text behind it, are those of "Recursive" in
    Chroma's evaluation (Smith and Troynikov, 2024, "Evaluating Chunking Strategies for
    Retrieval"), so that its published figures can be compared with. The context is the title.
    """

    chunk_size: int = 200

    def __post_init__(self) -> None:
        check_range("chunk_size", self.chunk_size, 8, 8192)

    def chunk(self, document: Document, *, build: str, count: TokenCounter) -> list[Chunk]:
        """Cut a document into chunks, in order; `count` is not used."""
        spans = self._split(document.text, (0, len(document.text)), _SEPARATORS)
        context = Context(title=document.title)
        stripped = (_stripped(document.text, span) for span in spans)
        cuts = [Cut(start, end, context) for start, end in stripped if start < end]
        return chunks_of(document, build, cuts)

    def _split(self, text: str, span: _Span, separators: tuple[str, ...]) -> Iterator[_Span]:
        start, end = span
        used = next((s for s in separators if s in text[start:end]), None)
        finer = separators[separators.index(used) + 1 :] if used else ()
        pieces = _cut(text, span, used)
        open_from, size = start, 0
        for piece, tokens in zip(pieces, _tokens(text, pieces), strict=True):
            too_long = tokens >= self.chunk_size
            if size and (too_long or size + tokens > self.chunk_size):
                yield open_from, piece[0]
                size = 0
            if too_long and used:
                yield from self._split(text, piece, finer)
            elif not size:
                open_from, size = piece[0], tokens
            else:
                size += tokens
        if size:
            yield open_from, end


def _cut(text: str, span: _Span, separator: str | None) -> list[_Span]:
    """The span in pieces, each from one separator to the next; in characters without one."""
    start, end = span
    if separator is None:
        return [(place, place + 1) for place in range(start, end)]
    found = re.compile(re.escape(separator)).finditer(text, start, end)
    places = [start, *(match.start() for match in found if match.start() > start), end]
    return [(a, b) for a, b in itertools.pairwise(places) if a < b]


def _tokens(text: str, pieces: list[_Span]) -> list[int]:
    return count_cl100k_batch([text[start:end] for start, end in pieces])


def _stripped(text: str, span: _Span) -> _Span:
    piece = text[slice(*span)]
    start = span[0] + len(piece) - len(piece.lstrip())
    return start, max(start, span[0] + len(piece.rstrip()))
