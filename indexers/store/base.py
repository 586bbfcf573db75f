"""What a vector store does for Passages, whichever engine stands behind it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from indexers.bm25 import SparseVector
from indexers.filters import Filters, FilterType

Vector = npt.NDArray[np.float32]

DENSE = "dense"
SPARSE = "sparse"
"""The names of each point's two vectors, and of a candidate's two scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What a collection's points look like.

    `dimension` is that of the dense vectors, compared by cosine. `filters` are payload fields
    under `filters.`; each gets an index of its type before the first point is stored.
    """

    dimension: int
    filters: Mapping[str, FilterType] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A stored chunk: its dense vector of shape (dimension,), its sparse one, its payload."""

    id: str
    dense: Vector
    sparse: SparseVector
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Find the `limit` best points by each vector given, then score all found by both.

    A vector that is None finds nothing and scores nothing.
    """

    dense: Vector | None
    sparse: SparseVector | None
    limit: int
    filters: Filters = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A found point with its exact score by each vector of the search, none missing.

    The dense score is the cosine; the sparse one is BM25, 0 where no term is shared.
    """

    id: str
    payload: Mapping[str, Any]
    scores: Mapping[str, float]


def unseen_idf(points: int) -> float:
    """The inverse document frequency of a term that no point has: ln(1 + (n + .5) / .5)."""
    return math.log1p((points + 0.5) / 0.5)


class VectorStore(Protocol):
    """Collections of points, and aliases that name the live one of each index.

    Every method raises StoreError where the engine fails, and CollectionNotFoundError for a
    collection that is not there.
    """

    def create(self, collection: str, schema: Schema) -> None:
        """Make an empty collection; one that exists already is left as it is."""
        ...

    def drop(self, collection: str) -> None:
        """Delete a collection and its points; one that does not exist is no error."""
        ...

    def collections(self) -> list[str]:
        """The names of all collections, sorted."""
        ...

    def aliases(self, *, fresh: bool = False) -> dict[str, str]:
        """The live collection of each alias; who writes asks for what is so now, while searches
        may be a second behind another process."""
        ...

    def switch(self, alias: str, collection: str) -> None:
        """Let `alias` name `collection`, in one step that searches see whole or not at all."""
        ...

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        """Store points, replacing those of the same id; durable when it returns."""
        ...

    def delete_document(self, collection: str, document_id: str, keep: Iterable[str] = ()) -> None:
        """Delete the points of a document, apart from the ids in `keep`."""
        ...

    def count(self, collection: str) -> int:
        """The exact number of points."""
        ...

    def retrieve(self, collection: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The payloads of those of `ids` that exist, by id."""
        ...

    def page(
        self, collection: str, limit: int, after: str | None = None
    ) -> dict[str, Mapping[str, Any]]:
        """The payloads of the first `limit` points by id, of those behind the id `after`."""
        ...

    def shape(self, collection: str) -> tuple[int, str]:
        """The dimension of the dense vectors, and the name of their distance, in lower case."""
        ...

    def search(self, collection: str, search: Search) -> list[Candidate]:
        """The points found, in no particular order."""
        ...

    def inverse_document_frequency(self, collection: str, terms: Sequence[int]) -> dict[int, float]:
        """The weight that BM25 gives each term in this collection, rarer terms more."""
        ...

    def optimize(self, collection: str) -> None:
        """Build what makes searches fast; may take seconds, and searches go on meanwhile."""
        ...

    def close(self) -> None:
        """Release everything; the store is not used again."""
        ...
