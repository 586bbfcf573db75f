"""From ranked hits to passages: threshold, duplicates, budget, trimming, neighbours merged."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from chunkers import count_cl100k
from retrieval.duplicates import Seen, fingerprint
from retrieval.query import Dropped, Hit, Passage, Span

_SMALLEST_HOLE = 1
"""Units left out between two neighbours that are not worth a break in the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How an index's hits are cut: below `min_relevance` they go, after `max_hits` too, and so do
    those that say the same as one taken, from `near_duplicate` on; and where `unit_share` is set,
    the units at their ends that score less than this share of the query's best unit. None cuts
    nothing."""

    min_relevance: float
    near_duplicate: float | None = None
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


@dataclass(frozen=True)
class _Group:
    """Neighbouring pieces of one document, in its order; together one stretch of `text`."""

    pieces: tuple[_Piece, ...]
    text: str

    @cached_property
    def tokens(self) -> int:
        """Of the text; counting them takes longer than all else here, so it is done last."""
        first = self.pieces[0].hit
        return first.tokens if self.text == first.text else count_cl100k(self.text)

    @property
    def least_tokens(self) -> int:
        """A bound from below that is quick to tell: no token spans two words."""
        return len(self.text.split())

    @cached_property
    def start(self) -> int:
        """Where the text starts in the document."""
        return self.pieces[0].hit.span.start + self.pieces[0].start

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def best(self) -> Hit:
        return max((piece.hit for piece in self.pieces), key=lambda hit: hit.relevance)


@dataclass(slots=True)
class _Selection:
    limits: Limits
    groups: list[_Group] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    seen: Seen = field(default_factory=Seen)
    revisions: dict[tuple[str, str], str] = field(default_factory=dict)

    def refusal(self, hit: Hit) -> str | None:
        """Take a hit, or say why not."""
        cut = self.limits.cuts[hit.index]
        unfit = self._unfit(hit, cut)
        if unfit is not None:
            return unfit
        piece = _trimmed(hit, cut.unit_share)
        if piece is None:
            return f"nothing in it scores {cut.unit_share:g} of the best"
        others, merged = self._merged(_group([piece]))
        if len(others) >= self.limits.max_passages:
            return self._no_room()
        left = self.limits.max_tokens - sum(group.tokens for group in others)
        if merged.least_tokens > left or merged.tokens > left:
            return f"max_tokens {self.limits.max_tokens} reached"
        text = fingerprint(hit.text)  # Last, since it takes longest and most hits find no room.
        same = cut.near_duplicate and self.seen.duplicates(text, cut.near_duplicate)
        if same:
            return f"{same} duplicate of a better passage"
        self.groups = [*others, merged]
        self.taken[hit.index] += 1
        self.revisions[_document(hit)] = hit.revision
        self.seen.add(text)
        return None

    def _unfit(self, hit: Hit, cut: Cut) -> str | None:
        """Why a hit is not to be looked at more closely, where that is so."""
        if hit.relevance < cut.min_relevance:
            return f"relevance below {cut.min_relevance:g}"
        if cut.max_hits is not None and self.taken[hit.index] >= cut.max_hits:
            return f"max_hits {cut.max_hits} reached"
        revision = self.revisions.get(_document(hit))
        # With no more room there is only what lies beside a hit that was taken.
        if revision is None and len(self.groups) >= self.limits.max_passages:
            return self._no_room()
        if revision not in (None, hit.revision):
            return "another version of a document that is being replaced"
        return None

    def _no_room(self) -> str:
        return f"max_passages {self.limits.max_passages} reached"

    def _merged(self, merged: _Group) -> tuple[list[_Group], _Group]:
        """The groups that a new one leaves as they are, and the new one with all others."""
        others = self.groups
        # Again, since what is merged may reach further than what was beside it.
        while beside := [group for group in others if _beside(group, merged)]:
            others = [group for group in others if group not in beside]
            merged = _group([one for group in (merged, *beside) for one in group.pieces])
        return others, merged


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


def _document(hit: Hit) -> tuple[str, str]:
    return hit.index, hit.document.id


def _trimmed(hit: Hit, share: float | None) -> _Piece | None:
    """The hit without the units at its ends that score too little; None if all do."""
    kept = [i for i, unit in enumerate(hit.units) if share is None or unit.share >= share]
    return _Piece(hit, kept[0], kept[-1]) if kept else None


def _beside(one: _Group, other: _Group) -> bool:
    """Whether two groups are neighbours, or overlap as some chunkers' chunks do."""
    mine, its = one.pieces[0].hit, other.pieces[0].hit
    if mine.document.id != its.document.id or mine.index != its.index:
        return False
    if one.start < other.end and other.start < one.end:
        return True
    return _follows(one.pieces[-1], other.pieces[0]) or _follows(other.pieces[-1], one.pieces[0])


def _follows(one: _Piece, other: _Piece) -> bool:
    if other.hit.ordinal - one.hit.ordinal != 1:
        return False
    return len(one.hit.units) - 1 - one.last + other.first <= _SMALLEST_HOLE


def _group(pieces: Iterable[_Piece]) -> _Group:
    """Pieces of one document as one stretch of text, without the holes between them."""
    pieces = sorted(pieces, key=lambda piece: piece.hit.ordinal)
    whole = len(pieces) - 1
    stretched = tuple(
        _Piece(
            one.hit,
            one.first if place == 0 else 0,
            one.last if place == whole else len(one.hit.units) - 1,
        )
        for place, one in enumerate(pieces)
    )
    return _Group(stretched, _joined(stretched))


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
    return Passage(
        id=best.id,
        rank=rank,
        index=best.index,
        content_type=best.content_type,
        text=group.text,
        relevance=best.relevance,
        tokens=group.tokens,
        heading_path=first.hit.heading_path,
        page=first.hit.page,
        span=Span(start=group.start, end=group.end),
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
