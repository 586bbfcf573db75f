"""What the embedded store asks of Qdrant Edge, in the engine's own terms."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import qdrant_edge as edge

from indexers.bm25 import SparseVector
from indexers.filters import AnyOf, Condition, Filters, FilterType, Scalar
from indexers.store.base import DENSE, SPARSE, Point, Schema, Search

_INDEX_TYPES = {
    FilterType.KEYWORD: edge.PayloadSchemaType.Keyword,
    FilterType.INTEGER: edge.PayloadSchemaType.Integer,
    FilterType.FLOAT: edge.PayloadSchemaType.Float,
    FilterType.BOOL: edge.PayloadSchemaType.Integer,
    FilterType.DATETIME: edge.PayloadSchemaType.Datetime,
}


def shard_config(schema: Schema) -> edge.EdgeConfig:
    """How a collection's vectors and payloads are kept."""
    dense = edge.EdgeVectorParams(size=schema.dimension, distance=edge.Distance.Cosine)
    sparse = edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)
    return edge.EdgeConfig(
        vectors={DENSE: dense},
        sparse_vectors={SPARSE: sparse},
        # By default each payload's first reading waits for the disk: 7 ms a search, not 3.
        payload_memory=edge.Memory.Cached,
    )


def field_indexes(schema: Schema) -> list[edge.UpdateOperation]:
    """What makes the fields that are filtered by quick to look up."""
    fields = {f"filters.{name}": kind for name, kind in schema.filters.items()}
    return [
        edge.UpdateOperation.create_field_index(name, _INDEX_TYPES[kind])
        for name, kind in {"document_id": FilterType.KEYWORD, **fields}.items()
    ]


def chunks_of(document_id: str, keep: Iterable[str]) -> edge.Filter:
    """What a document's points pass, apart from those to keep."""
    kept: set[int | uuid.UUID | str] = {uuid.UUID(id_) for id_ in keep}
    return edge.Filter(
        must=[edge.FieldCondition(key="document_id", match=edge.MatchValue(document_id))],
        must_not=[edge.HasIdCondition(kept)] if kept else None,
    )


def edge_point(point: Point) -> edge.Point:
    """A point as the engine stores it."""
    vectors: dict[str, Any] = {DENSE: point.dense, SPARSE: _sparse(point.sparse)}
    filters = {name: _stored(value) for name, value in point.payload["filters"].items()}
    return edge.Point(uuid.UUID(point.id), vectors, {**point.payload, "filters": filters})


def _stored(value: Any) -> Any:
    # The engine takes True in a condition for the number 1, so that is what is stored.
    if isinstance(value, list):
        return [_stored(item) for item in value]
    return int(value) if isinstance(value, bool) else value


def _sparse(vector: SparseVector) -> edge.SparseVector:
    return edge.SparseVector(list(vector.indices), list(vector.values))


def vector_queries(search: Search) -> dict[str, edge.Query]:
    """A query for each vector that a search gives, by the vector's name."""
    queries = {}
    if search.dense is not None:
        vector: Any = search.dense  # The engine reads numpy arrays, which its stubs do not say.
        queries[DENSE] = edge.Query.Nearest(vector, using=DENSE)
    if search.sparse is not None:
        queries[SPARSE] = edge.Query.Nearest(_sparse(search.sparse), using=SPARSE)
    return queries


def term_requests(terms: Sequence[int]) -> list[edge.QueryRequest]:
    """A request for each term: the best point that holds it, with its sparse vector."""
    return [
        edge.QueryRequest(
            limit=1,
            query=edge.Query.Nearest(edge.SparseVector([term], [1.0]), using=SPARSE),
            with_vector=[SPARSE],
        )
        for term in terms
    ]


def payload_filter(filters: Filters) -> edge.Filter | None:
    """What only the points that meet all conditions pass; None where there are none."""
    if not filters:
        return None
    return edge.Filter(must=[_condition(f"filters.{name}", c) for name, c in filters.items()])


def _condition(key: str, condition: Condition) -> edge.FieldCondition | edge.Filter:
    if isinstance(condition, AnyOf):
        return edge.Filter(should=[_equals(key, value) for value in condition.values])
    bounds = {name: getattr(condition, name) for name in ("gt", "gte", "lt", "lte")}
    dated = any(isinstance(bound, str) for bound in bounds.values())
    range_ = edge.RangeDateTime(**bounds) if dated else edge.RangeFloat(**bounds)
    return edge.FieldCondition(key=key, range=range_)


def _equals(key: str, value: Scalar) -> edge.FieldCondition:
    if isinstance(value, float):  # The engine matches exact values of other types only.
        return edge.FieldCondition(key=key, range=edge.RangeFloat(gte=value, lte=value))
    return edge.FieldCondition(key=key, match=edge.MatchValue(_stored(value)))
