"""Chunks of articles: sections packed to a budget, their headings kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from chunkers.context import ContextBudget
from chunkers.document import Chunk, Document, TokenCounter
from chunkers.emit import Cut, chunks_of
from chunkers.headings import Outline, Section, sections
from chunkers.packing import Pack, held, pack, span_of
from chunkers.sentences import sentence_spans
from chunkers.splitting import Costs, Piece, block_piece, cut
from chunkers.validation import check_range


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleChunker:
    """Packs the blocks of a section up to `max_tokens` of the embedder's tokens.

    A chunk never crosses a heading, but for sections under `min_tokens`: these join their own
    subsection, and their next sibling where that is as small. A heading stays with its text.
    Tables, lists and code are not torn where they fit; else a table is cut between rows, a list
    between items, code between lines, a paragraph between sentences, a sentence between words, a
    word between characters. Rows cut from a table have its header cells as the last element of
    their heading path.

    `overlap_tokens` at most of whole sentences are repeated from the chunk before in the same
    section, within `max_tokens`. Title and heading path take `context_tokens` at most, besides
    `max_tokens`; the path loses its middle first.
    """

    max_tokens: int = 200
    overlap_tokens: int = 0
    context_tokens: int = 40
    min_tokens: int = 40

    def __post_init__(self) -> None:
        check_range("max_tokens", self.max_tokens, 8, 8192)
        check_range("overlap_tokens", self.overlap_tokens, 0, self.max_tokens // 2)
        check_range("context_tokens", self.context_tokens, 0, 8192)
        check_range("min_tokens", self.min_tokens, 0, 8192)

    def chunk(self, document: Document, *, build: str, count: TokenCounter) -> list[Chunk]:
        """Cut a document into chunks, in order; `count` counts the embedder's tokens."""
        costs = Costs(count, self.max_tokens)
        parts = sections(document)
        outline = Outline.of(parts)
        contexts = ContextBudget(self.context_tokens, count)
        contexts.price([document.title, *(label for part in parts for label in part.path)])
        cuts = []
        for item in self._packs(document.text, parts, costs):
            page = outline.at(item.start)[1]
            path = outline.at(item.anchor)[0]
            # A table's header cells head the columns of the rows that were cut from it.
            headed = (*path, item.lead) if item.lead else path
            context = contexts.headed(document.title, headed)
            cuts.append(Cut(item.start, item.end, context, page))
        return chunks_of(document, build, cuts)

    def _packs(self, text: str, parts: Sequence[Section], costs: Costs) -> list[Pack]:
        limit = self.max_tokens - self.overlap_tokens
        spans: list[Pack] = []
        openings: set[int] = set()
        for group in self._grouped(text, parts, limit, costs):
            openings.add(group[0].start)
            spans.extend(span_of(run) for run in pack(group, limit))
        return self._overlapped(text, held(text, spans, limit, costs), openings, costs)

    def _grouped(
        self, text: str, parts: Sequence[Section], limit: int, costs: Costs
    ) -> Iterator[list[Piece]]:
        """Yield the pieces of the sections that may share chunks."""
        pieces = cut(
            text,
            [block_piece(text, block) for part in parts for block in part.blocks],
            limit,
            costs,
        )
        group: list[Piece] = []
        top: Section | None = None
        for part, own in zip(parts, _dealt(pieces, parts), strict=True):
            if top is not None and not self._joins(top, group, part, own, limit):
                yield group
                group, top = [], None
            top = top or part
            group = [*group, *own]
        if group:
            yield group

    def _joins(
        self, top: Section, group: list[Piece], part: Section, own: list[Piece], limit: int
    ) -> bool:
        """Whether a section shares chunks with the group before it, which `top` began."""
        before, size = _cost(group), _cost(own)
        if before >= self.min_tokens:
            return False
        if part.path[: len(top.path)] == top.path:
            return True
        # Siblings join only where both are small: a large one is found better by itself.
        sibling = part.path[:-1] == top.path[:-1]
        return sibling and size < self.min_tokens and before + size <= limit

    def _overlapped(
        self, text: str, spans: list[Pack], openings: set[int], costs: Costs
    ) -> list[Pack]:
        """Start each span a little earlier, but for those that open a group of sections."""
        if not self.overlap_tokens:
            return spans
        starts = [
            item.start if item.start in openings else self._overlap_start(text, before, item, costs)
            for before, item in pairwise(spans)
        ]
        return [
            replace(item, start=start)
            for item, start in zip(spans, [spans[0].start, *starts], strict=True)
        ]

    def _overlap_start(self, text: str, before: Pack, item: Pack, costs: Costs) -> int:
        sentences = sentence_spans(text[before.start : before.end])
        prices = costs([text[before.start + a : before.start + b] for a, b in sentences])
        room, start = self.overlap_tokens, item.start
        for (first, _), price in zip(reversed(sentences[1:]), reversed(prices[1:]), strict=True):
            room -= price
            if room < 0:
                break
            start = before.start + first
        whole = costs([text[start : item.end]])[0] if start < item.start else 0
        return item.start if whole > self.max_tokens else start


def _dealt(pieces: Sequence[Piece], parts: Sequence[Section]) -> Iterator[list[Piece]]:
    """Yield the pieces of each section in turn."""
    index = 0
    for part in parts:
        first = index
        while index < len(pieces) and pieces[index].start < part.blocks[-1].end:
            index += 1
        yield list(pieces[first:index])


def _cost(pieces: Sequence[Piece]) -> int:
    return sum(piece.cost for piece in pieces)
