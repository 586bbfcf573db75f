"""Qdrant's JSON of points, conditions and queries, as its embedded engine takes and gives them."""

import uuid
from typing import Any

import numpy as np
import qdrant_edge as edge

from benchmarks.performance.qdrant.asked import only, unknown

_PointId = int | uuid.UUID | str


def point_id(raw: int | str) -> _PointId:
    """A number or a UUID."""
    return raw if isinstance(raw, int) else uuid.UUID(raw)


def point_of(raw: dict[str, Any]) -> edge.Point:
    """A point to store."""
    only(raw, "id", "vector", "payload")
    vectors = {name: _vector(value) for name, value in raw["vector"].items()}
    return edge.Point(point_id(raw["id"]), vectors, raw["payload"])


def _vector(raw: Any) -> Any:
    if isinstance(raw, dict):
        return edge.SparseVector(**only(raw, "indices", "values"))
    return np.array(raw, np.float32)  # The engine reads it faster than a list.


def query_of(raw: dict[str, Any]) -> edge.QueryRequest:
    """A query for what is nearest to a vector."""
    only(raw, "query", "using", "filter", "limit", "with_payload", "with_vector")
    vector = _vector(only(raw["query"], "nearest")["nearest"])
    return edge.QueryRequest(
        limit=raw.get("limit", 10),
        query=edge.Query.Nearest(vector, using=raw["using"]),
        filter=filter_of(raw["filter"]) if "filter" in raw else None,
        with_payload=raw.get("with_payload", False),
        with_vector=raw.get("with_vector", False),
    )


def scroll_of(raw: dict[str, Any]) -> edge.ScrollRequest:
    """A request for the points from an id on."""
    only(raw, "offset", "limit", "with_payload", "with_vector")
    return edge.ScrollRequest(
        offset=point_id(raw["offset"]) if "offset" in raw else None,
        limit=raw.get("limit", 10),
        with_payload=raw.get("with_payload", True),
        with_vector=raw.get("with_vector", False),
    )


def filter_of(raw: dict[str, Any]) -> edge.Filter:
    """What only the points that meet all clauses pass."""
    parts = only(raw, "must", "should", "must_not").items()
    clauses: dict[str, Any] = {name: [*map(_condition, part)] for name, part in parts}
    return edge.Filter(**clauses)


def _condition(raw: dict[str, Any]) -> edge.HasIdCondition | edge.FieldCondition | edge.Filter:
    if raw.keys() == {"has_id"}:
        return edge.HasIdCondition({*map(point_id, raw["has_id"])})
    if raw.keys() == {"key", "match"}:
        value = only(raw["match"], "value")["value"]
        # Of True the engine makes the number 1, which is not what the payload has.
        exactly: Any = np.bool_(value) if isinstance(value, bool) else value
        return edge.FieldCondition(key=raw["key"], match=edge.MatchValue(exactly))
    if raw.keys() == {"key", "range"}:
        return edge.FieldCondition(key=raw["key"], range=_range(raw["range"]))
    if "key" in raw:
        raise unknown(f"the condition {raw}")
    return filter_of(raw)


def _range(raw: dict[str, Any]) -> edge.RangeFloat | edge.RangeDateTime:
    bounds = only(raw, "gt", "gte", "lt", "lte")
    dated = any(isinstance(bound, str) for bound in bounds.values())
    return edge.RangeDateTime(**bounds) if dated else edge.RangeFloat(**bounds)


def record_json(record: edge.Record | edge.ScoredPoint) -> dict[str, Any]:
    """A point that was found, with its score where it was scored."""
    found: dict[str, Any] = {"id": record.id}
    if isinstance(record, edge.ScoredPoint):
        found |= {"version": record.version, "score": record.score}
    if record.payload is not None:
        found["payload"] = record.payload
    vectors: Any = record.vector
    if vectors is not None:
        found["vector"] = {name: _vector_json(vector) for name, vector in vectors.items()}
    return found


def _vector_json(vector: Any) -> Any:
    sparse = isinstance(vector, edge.SparseVector)
    return {"indices": vector.indices, "values": vector.values} if sparse else vector
