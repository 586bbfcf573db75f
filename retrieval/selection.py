"""From ranked hits to passages: threshold, duplicates, budget, trimming, neighbours merged."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from chunkers import count_cl100k
from retrieval.query import Dropped, Hit, Passage, Span

_NEAR_DUPLICATE = 0.9
"""The Jaccard similarity of word triples from which two texts say the same."""

_SMALLEST_HOLE = 1
"""Units left out between two neighbours that are not worth a break in the text."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How an index's hits are cut: below `min_relevance` they go, after `max_hits` too, and where
    `unit_share` is set so do the units at their ends that score less than this share of the
    query's best unit. None cuts nothing."""

    min_relevance: float
    unit_share: float | None = None
    max_hits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What may be returned; tokens are cl100k_base. `cuts` has one for each index."""

    cuts: Mapping[str, Cut]
    max_passages: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """The units of a hit from `first` up to `last`, both included."""

    hit: Hit
    first: int
    last: int

    @property
    def start(self) -> int:
        return self.hit.units[self.first].start

    @property
    def end(self) -> int:
        return self.hit.units[self.last].end


@dataclass(frozen=True, slots=True)
class _Group:
    """Neighbouring pieces of one document, in its order; together one stretch of text."""

    pieces: tuple[_Piece, ...]
    tokens: int

    @property
    def best(self) -> Hit:
        return max((piece.hit for piece in self.pieces), key=lambda hit: hit.relevance)


@dataclass(slots=True)
class _Selection:
    limits: Limits
    groups: list[_Group] = field(default_factory=list)
    considered: Counter[str] = field(default_factory=Counter)
    texts: set[str] = field(default_factory=set)
    shingles: list[frozenset[tuple[str, ...]]] = field(default_factory=list)

    def refusal(self, hit: Hit) -> str | None:
        """Take a hit, or say why not."""
        cut = self.limits.cuts[hit.index]
        if hit.relevance < cut.min_relevance:
            return f"relevance below {cut.min_relevance:g}"
        self.considered[hit.index] += 1
        if cut.max_hits is not None and self.considered[hit.index] > cut.max_hits:
            return f"not among the {cut.max_hits} best of its index"
        piece = _trimmed(hit, cut.unit_share)
        if piece is None:
            return f"nothing in it scores {cut.unit_share:g} of the best"
        words = _WORD.findall(hit.text.casefold())
        text, shingles = " ".join(words), frozenset(zip(words, words[1:], words[2:], strict=False))
        if text in self.texts:
            return "exact duplicate of a better passage"
        if any(_jaccard(shingles, taken) >= _NEAR_DUPLICATE for taken in self.shingles):
            return "near duplicate of a better passage"
        refusal = self._take(piece)
        if refusal is None:
            self.texts.add(text)
            self.shingles.append(shingles)
        return refusal

    def _take(self, piece: _Piece) -> str | None:
        beside = [group for group in self.groups if _beside(group, piece)]
        if not beside and len(self.groups) >= self.limits.max_passages:
            return f"max_passages {self.limits.max_passages} reached"
        merged = _merged(piece, beside)
        others = [group for group in self.groups if group not in beside]
        if sum(group.tokens for group in others) + merged.tokens > self.limits.max_tokens:
            return f"max_tokens {self.limits.max_tokens} reached"
        self.groups = [*others, merged]
        return None


def select(hits: Iterable[Hit], limits: Limits) -> tuple[list[Passage], list[Dropped]]:
    """Choose among hits that come best first.

    A hit beside one that was taken, in the same document, lengthens that passage instead of
    making a new one. A hit too long for what is left of the budget is passed over, and shorter
    ones behind it still have their chance. Passages are ranked by their best hit's relevance.
    """
    selection = _Selection(limits)
    dropped = []
    for hit in hits:
        reason = selection.refusal(hit)
        if reason is not None:
            dropped.append(_dropped(hit, reason))
    best_first = sorted(selection.groups, key=lambda group: -group.best.relevance)
    return [_passage(group, rank) for rank, group in enumerate(best_first, start=1)], dropped


def _trimmed(hit: Hit, share: float | None) -> _Piece | None:
    """The hit without the units at its ends that score too little; None if all do."""
    kept = [i for i, unit in enumerate(hit.units) if share is None or unit.share >= share]
    return _Piece(hit, kept[0], kept[-1]) if kept else None


def _beside(group: _Group, piece: _Piece) -> bool:
    first, last = group.pieces[0], group.pieces[-1]
    return _follows(last, piece) or _follows(piece, first)


def _follows(one: _Piece, other: _Piece) -> bool:
    same = one.hit.index == other.hit.index and one.hit.document.id == other.hit.document.id
    if not same or other.hit.ordinal - one.hit.ordinal != 1:
        return False
    return len(one.hit.units) - 1 - one.last + other.first <= _SMALLEST_HOLE


def _merged(piece: _Piece, beside: Sequence[_Group]) -> _Group:
    pieces = sorted(
        [piece, *(one for group in beside for one in group.pieces)], key=lambda p: p.hit.ordinal
    )
    whole = len(pieces) - 1
    stretched = tuple(
        _Piece(
            one.hit,
            one.first if place == 0 else 0,
            one.last if place == whole else len(one.hit.units) - 1,
        )
        for place, one in enumerate(pieces)
    )
    return _Group(stretched, count_cl100k(_joined(stretched)))


def _joined(pieces: Sequence[_Piece]) -> str:
    """The document's text from the first piece's start to the last one's end."""
    if len(pieces) == 1:
        return pieces[0].hit.text[pieces[0].start : pieces[0].end]
    text = pieces[0].hit.text[pieces[0].start :]
    for before, piece in pairwise(pieces):
        end = piece.end if piece is pieces[-1] else len(piece.hit.text)
        overlap = max(0, before.hit.span.end - piece.hit.span.start)
        text += (before.hit.gap or "") + piece.hit.text[overlap:end]
    return text


def _passage(group: _Group, rank: int) -> Passage:
    best, first = group.best, group.pieces[0]
    text = _joined(group.pieces)
    start = first.hit.span.start + first.start
    return Passage(
        id=best.id,
        rank=rank,
        index=best.index,
        content_type=best.content_type,
        text=text,
        relevance=best.relevance,
        tokens=group.tokens,
        heading_path=first.hit.heading_path,
        page=first.hit.page,
        span=Span(start=start, end=start + len(text)),
        document=best.document,
        scores=best.scores,
    )


def _dropped(hit: Hit, reason: str) -> Dropped:
    return Dropped(
        id=hit.id,
        index=hit.index,
        document_id=hit.document.id,
        relevance=hit.relevance,
        reason=reason,
    )


def _jaccard(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    if not one or not other:
        return 0.0
    return len(one & other) / len(one | other)
