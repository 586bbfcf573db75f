"""The values of a query's way: Query in, Hits on the way, Retrieved out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, overload


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked, of which indexes, and within which limits.

    `conversation` holds the messages before the question, oldest first. `indexes` empty means all.
    `filters` maps a declared filter field to a value, a list of values or bounds. `max_tokens`
    counts cl100k_base tokens of all passages together. `min_relevance` None takes each index's own
    threshold. `tenant` and `request_id` go into the costs and records of what a model is asked.
    """

    text: str
    conversation: tuple[Turn, ...] = ()
    indexes: tuple[str, ...] = ()
    filters: Mapping[str, Any] = field(default_factory=dict)
    max_passages: int = 8
    max_tokens: int = 1500
    min_relevance: float | None = None
    deadline_ms: int = 2000
    explain: bool = False
    tenant: str = ""
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """`document.text[start:end]`, in Python characters."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInfo:
    """The document that a passage comes from, for a citation."""

    id: str
    title: str
    url: str | None = None
    locale: str | None = None
    updated_at: str | None = None


class Unit(NamedTuple):
    """A sentence, or another whole, of a hit: `hit.text[start:end]`, with its score as a share of
    the best unit's of all the query's hits in the index."""

    start: int
    end: int
    share: float


class Units(Sequence[Unit]):
    """The units of a stored chunk, made when they are looked at: most hits are dropped before."""

    __slots__ = ("_shares", "_spans")

    def __init__(self, spans: Sequence[tuple[int, int]], shares: Sequence[float]) -> None:
        """Units from their spans in the chunk's text and their shares, of equal length."""
        self._spans = spans
        self._shares = shares

    def __len__(self) -> int:
        return len(self._spans)

    @overload
    def __getitem__(self, place: int) -> Unit: ...

    @overload
    def __getitem__(self, place: slice) -> "Units": ...

    def __getitem__(self, place: int | slice) -> "Unit | Units":
        if isinstance(place, slice):
            return Units(self._spans[place], self._shares[place])
        start, end = self._spans[place]
        return Unit(start, end, self._shares[place])

    def __iter__(self) -> Iterator[Unit]:
        return (Unit(*span, share) for span, share in zip(self._spans, self._shares, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A stored chunk that a search found, with its scores.

    `ordinal` is the chunk's place in its document, from 0; `gap` is the document's text between
    this chunk and the next one, None after the last. `revision` tells two versions of a document
    apart that a search found while one replaced the other. `relevance` is the calibrated
    probability, from 0 to 1, that the chunk answers the query.
    """

    id: str
    index: str
    content_type: str
    document: DocumentInfo
    revision: str
    ordinal: int
    span: Span
    text: str
    gap: str | None
    tokens: int
    page: int | None
    heading_path: tuple[str, ...]
    units: Sequence[Unit]
    scores: Mapping[str, float]
    relevance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of one document to put into a prompt: one chunk, or neighbours merged.

    `span` cuts exactly `text` out of the document. `id` is the best chunk's.
    """

    id: str
    rank: int
    index: str
    content_type: str
    text: str
    relevance: float
    tokens: int
    heading_path: tuple[str, ...]
    page: int | None
    span: Span
    document: DocumentInfo
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A hit that was found and not returned, and the reason."""

    id: str
    index: str
    document_id: str
    relevance: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Degraded:
    """Something that was asked for and not done, so that the answer may be less than it could."""

    stage: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The answer to a query.

    `rewritten` is the question that was searched for, where a follow-up was made one that stands
    by itself. `answerable` is whether there are passages; when not, `reason` says why. `ranked`
    holds the hits, best first, before anything was dropped: all that were found where the query
    asks to `explain`, else those at or above their index's threshold and each index's best one.
    """

    answerable: bool
    reason: str | None
    passages: tuple[Passage, ...]
    dropped: tuple[Dropped, ...]
    degraded: tuple[Degraded, ...]
    builds: Mapping[str, str]
    timings_ms: Mapping[str, float]
    ranked: tuple[Hit, ...]
    rewritten: str | None = None
