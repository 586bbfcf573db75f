"""How an index is searched: everything that decides what is returned, nothing that is stored."""

from dataclasses import dataclass, field, replace
from typing import Any

from chunkers import ContentType
from indexers.bm25 import SparseVector
from indexers.filters import Filters
from indexers.located import Located, choose, construct
from indexers.relevance import Relevance
from indexers.store import Search
from indexers.store.base import Vector


@dataclass(frozen=True, kw_only=True)
class Convex:
    """A weighted mean of cosines and of BM25 as a share of what is attainable (after Bruch et
    al., 2023, "An Analysis of Fusion Functions for Hybrid Retrieval").

    `dense` weighs the cosine with the chunk, `unit` the cosine with its best unit.
    """

    dense: float = 0.2
    unit: float = 0.4
    sparse: float = 0.4

    def __post_init__(self) -> None:
        weights = (self.dense, self.unit, self.sparse)
        if min(weights) < 0 or not sum(weights):
            raise ValueError("'dense', 'unit' and 'sparse' are weights of 0 or more, not all 0")


@dataclass(frozen=True, kw_only=True)
class Rrf:
    """Reciprocal rank fusion of the dense and the sparse ranking, by 1 / (k + rank), rank from 1
    (Cormack et al., 2009), as a share of the most that a hit can have.
    """

    k: int = 60

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError("'k' is 1 or more")


FUSIONS: dict[str, type[Any]] = {"convex": Convex, "rrf": Rrf}
"""Every way to bring the scores of a hit together."""

STRATEGIES = {name: name for name in ("hybrid", "dense", "sparse")}
"""Which vectors find hits."""


@dataclass(frozen=True, kw_only=True)
class SearchSpec:
    """How one index is searched.

    `candidates` are found by each vector, and as many of all found are kept. `min_relevance` is
    the threshold where a query gives none. `unit_share` cuts a hit down to its units that score
    at least this share of the query's best unit; None returns whole chunks. `near_duplicate`
    drops a hit whose triples of words have this Jaccard similarity with a better one's; None
    keeps even exact copies. `max_hits` takes that many at most, None all.
    """

    strategy: str = "hybrid"
    fusion: Convex | Rrf = field(default_factory=Convex)
    candidates: int = 50
    relevance: Relevance = field(
        default_factory=lambda: Relevance(intercept=-8.45, fused=17.31, crowd=-13.08, terms=1.57)
    )
    min_relevance: float = 0.1
    unit_share: float | None = None
    near_duplicate: float | None = 0.9
    max_hits: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.candidates <= 1000:
            raise ValueError("'candidates' is a whole number from 1 to 1000")
        if not 0 <= self.min_relevance <= 1:
            raise ValueError("'min_relevance' is a number from 0 to 1")
        if self.unit_share is not None and not 0 < self.unit_share <= 1:
            raise ValueError("'unit_share' is a number above 0, up to 1, or nothing")
        if self.near_duplicate is not None and not 0 < self.near_duplicate <= 1:
            raise ValueError("'near_duplicate' is a number above 0, up to 1, or nothing")
        if self.max_hits is not None and self.max_hits < 1:
            raise ValueError("'max_hits' is 1 or more, or nothing")

    def to_search(self, dense: Vector, sparse: SparseVector, filters: Filters) -> Search:
        """The store's search for a query's two vectors."""
        return Search(
            dense=None if self.strategy == "sparse" else dense,
            sparse=None if self.strategy == "dense" else sparse,
            limit=self.candidates,
            filters=filters,
        )


_ANSWERS_WHOLE = SearchSpec(
    fusion=Convex(dense=0.9, unit=0.0, sparse=0.1),
    relevance=Relevance(intercept=-9.09, fused=18.45, crowd=-12.62, terms=0.65),
)
_CUTS_UNITS = SearchSpec(unit_share=0.7)
DEFAULTS: dict[ContentType, SearchSpec] = {
    ContentType.ARTICLE: _CUTS_UNITS,
    ContentType.PDF: _CUTS_UNITS,
    ContentType.FAQ: _ANSWERS_WHOLE,
    ContentType.SNIPPET: _ANSWERS_WHOLE,
}
"""The search of an index whose catalog says nothing of it, chosen on development sets alone: the
weights by nDCG@10, the coefficients by `python -m benchmarks calibrate`, the threshold between the
answers that it costs and the questions of others that it lets in; the unit's share as the highest
in steps of .05 that loses less than a point of token recall on any set. See docs/benchmarks.md.
Relevance is fitted to its fusion: other weights need another fit."""


def parse_search(content_type: ContentType, where: Located) -> SearchSpec:
    """The SearchSpec that a mapping describes, over the content type's default.

    Raises:
        LocatedError: an unknown key or choice, or a value out of range.
    """
    default = DEFAULTS[content_type]
    if "strategy" in where:
        choose(where, "strategy", STRATEGIES)
    fusion = default.fusion
    if "fusion" in where:
        mapping = where.mapping("fusion")
        fusion = construct(choose(mapping, "kind", FUSIONS, "convex"), mapping)
    relevance = default.relevance
    if "relevance" in where:
        relevance = construct(Relevance, where.mapping("relevance"), aside=())
    parts = {"fusion": fusion, "relevance": relevance}
    given = construct(SearchSpec, where, aside=parts, **parts)
    spec = replace(default, **{name: getattr(given, name) for name in (*where, *parts)})
    fitted = (spec.strategy, spec.fusion) == (default.strategy, default.fusion)
    if not fitted and "relevance" not in where and spec.min_relevance > 0:
        raise where.error(
            "relevance is fitted to the default strategy and fusion; with others, give "
            "'relevance' (python -m benchmarks calibrate fits it), or 'min_relevance: 0' to "
            "return hits by their rank alone",
            "strategy" if spec.strategy != default.strategy else "fusion",
        )
    return spec
