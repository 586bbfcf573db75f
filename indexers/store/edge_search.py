"""What the embedded store finds in a shard of Qdrant Edge, and what a term is worth there."""

from collections.abc import Mapping, Sequence
from typing import Any

import qdrant_edge as edge

from indexers.store.base import SPARSE, Candidate, Search, unseen_idf
from indexers.store.edge_requests import payload_filter, term_requests, vector_queries

_Scores = dict[Any, dict[str, float]]
"""The scores of each point by the vectors' names."""


def candidates(shard: edge.EdgeShard, search: Search) -> list[Candidate]:
    """See `VectorStore.search`; what the engine raises is raised as it is."""
    queries = vector_queries(search)
    scores = _found(shard, queries, search)
    _complete(shard, queries, scores)
    # Payloads take most of the time: each is read once, also where both vectors found it.
    records = shard.retrieve([*scores], True, False) if scores else []
    return [
        Candidate(id=str(id_), payload=record.payload or {}, scores=scores[id_])
        for record in records
        for id_ in (record.id,)  # Each look at an id makes it anew.
    ]


def inverse_document_frequency(shard: edge.EdgeShard, terms: Sequence[int]) -> dict[int, float]:
    """See `VectorStore.inverse_document_frequency`; what the engine raises is raised as it is."""
    # A term's score in any point is its weight there times what is asked for.
    answers = shard.query_batch(edge.QueryBatchRequest(term_requests(terms)))
    # The exact count takes a millisecond, three times as long as everything before.
    roughly = edge.CountRequest(exact=False)
    unseen = 0.0 if all(answers) else unseen_idf(shard.count(roughly))
    return {
        term: points[0].score / _weight(points[0], term) if points else unseen
        for term, points in zip(terms, answers, strict=True)
    }


def _found(shard: edge.EdgeShard, queries: Mapping[str, edge.Query], search: Search) -> _Scores:
    """The best points by each vector, with the scores that found them."""
    matching = payload_filter(search.filters)
    requests = {
        name: edge.QueryRequest(limit=search.limit, query=query, filter=matching)
        for name, query in queries.items()
    }
    scores: _Scores = {}
    _note(shard, requests, scores)
    return scores


def _complete(shard: edge.EdgeShard, queries: Mapping[str, edge.Query], scores: _Scores) -> None:
    """Score by each vector what only another one found; 0 where it shares no term."""
    requests = {}
    for name, query in queries.items():
        unscored = {id_ for id_, own in scores.items() if name not in own}
        if unscored:
            among = edge.Filter(must=[edge.HasIdCondition(unscored)])
            requests[name] = edge.QueryRequest(limit=len(unscored), query=query, filter=among)
    if requests:
        _note(shard, requests, scores)
    for own in scores.values():
        for name in queries:
            own.setdefault(name, 0.0)


def _note(
    shard: edge.EdgeShard, requests: Mapping[str, edge.QueryRequest], scores: _Scores
) -> None:
    answers = shard.query_batch(edge.QueryBatchRequest([*requests.values()]))
    for name, points in zip(requests, answers, strict=True):
        for point in points:
            scores.setdefault(point.id, {})[name] = point.score


def _weight(point: edge.ScoredPoint, term: int) -> float:
    vectors: Any = point.vector
    sparse = vectors[SPARSE]
    return float(sparse.values[sparse.indices.index(term)])
