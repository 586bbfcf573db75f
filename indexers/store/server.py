"""A Qdrant server or cluster, through qdrant-client."""

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

import httpx
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

from indexers.bm25 import SparseVector
from indexers.errors import CollectionNotFoundError, StoreError
from indexers.filters import AnyOf, Condition, Filters, FilterType, Scalar
from indexers.store.base import DENSE, SPARSE, Candidate, Point, Schema, Search, unseen_idf

_INDEX_TYPES = {
    FilterType.KEYWORD: models.PayloadSchemaType.KEYWORD,
    FilterType.INTEGER: models.PayloadSchemaType.INTEGER,
    FilterType.FLOAT: models.PayloadSchemaType.FLOAT,
    FilterType.BOOL: models.PayloadSchemaType.BOOL,
    FilterType.DATETIME: models.PayloadSchemaType.DATETIME,
}

_TIMEOUT_S = 30
"""Storing a batch may take the server seconds; a query's own deadline is far shorter."""

_ALIASES_FRESH_S = 1.0
"""How long a search may go on with the aliases it knows after another process has switched one."""


class ServerStore:
    """A VectorStore on a Qdrant server; any number of processes may share it."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        """Connect to `url`; ":memory:" is qdrant-client's own slow imitation, for tests.

        Raises:
            StoreError: nothing that speaks Qdrant's protocol answers there.
        """
        where: dict[str, Any] = {"location": url} if url == ":memory:" else {"url": url}
        self._aliases: tuple[float, dict[str, str]] = (float("-inf"), {})
        try:
            self._client = QdrantClient(
                **where, api_key=api_key, check_compatibility=False, timeout=_TIMEOUT_S
            )
        except ValueError as exc:  # What is no URL is a ValueError of one kind or another.
            raise StoreError(f"{url!r} is not the URL of a Qdrant server: {exc}") from exc
        with _translated():
            self._client.get_collections()

    def create(self, collection: str, schema: Schema) -> None:
        """See `VectorStore.create`."""
        with _translated():
            if not self._client.collection_exists(collection):
                self._create(collection, schema)
            fields = {f"filters.{name}": kind for name, kind in schema.filters.items()}
            for name, kind in {"document_id": FilterType.KEYWORD, **fields}.items():
                self._client.create_payload_index(collection, name, _INDEX_TYPES[kind], wait=True)

    def drop(self, collection: str) -> None:
        """See `VectorStore.drop`."""
        with _translated():
            self._client.delete_collection(collection)

    def collections(self) -> list[str]:
        """See `VectorStore.collections`."""
        with _translated():
            return sorted(item.name for item in self._client.get_collections().collections)

    def aliases(self, *, fresh: bool = False) -> dict[str, str]:
        """See `VectorStore.aliases`."""
        asked, known = self._aliases
        if fresh or time.monotonic() - asked > _ALIASES_FRESH_S:
            with _translated():
                answer = self._client.get_aliases().aliases
            known = {item.alias_name: item.collection_name for item in answer}
            self._aliases = (time.monotonic(), known)
        return dict(known)

    def switch(self, alias: str, collection: str) -> None:
        """See `VectorStore.switch`."""
        # It takes the place of the alias of before. Deleting that first, in the same request, would
        # leave none where the collection is missing: the server undoes no action of a request.
        create = models.CreateAlias(collection_name=collection, alias_name=alias)
        operation = models.CreateAliasOperation(create_alias=create)
        with _translated(collection):
            self._client.update_collection_aliases(change_aliases_operations=[operation])
        self._aliases = (float("-inf"), {})

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        """See `VectorStore.upsert`."""
        if not points:
            return
        with _translated(collection):
            self._client.upsert(collection, [*map(_point, points)], wait=True)

    def delete_document(self, collection: str, document_id: str, keep: Iterable[str] = ()) -> None:
        """See `VectorStore.delete_document`."""
        kept: list[int | str | uuid.UUID] = [*keep]
        match = models.MatchValue(value=document_id)
        matching = models.Filter(
            must=[models.FieldCondition(key="document_id", match=match)],
            must_not=[models.HasIdCondition(has_id=kept)] if kept else None,
        )
        with _translated(collection):
            self._client.delete(collection, models.FilterSelector(filter=matching), wait=True)

    def count(self, collection: str) -> int:
        """See `VectorStore.count`."""
        with _translated(collection):
            return self._client.count(collection, exact=True).count

    def retrieve(self, collection: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """See `VectorStore.retrieve`."""
        with _translated(collection):
            found = self._client.retrieve(collection, [*ids], with_payload=True)
        return {str(record.id): record.payload or {} for record in found}

    def page(
        self, collection: str, limit: int, after: str | None = None
    ) -> dict[str, Mapping[str, Any]]:
        """See `VectorStore.page`."""
        offset = None if after is None else str(uuid.UUID(int=uuid.UUID(after).int + 1))
        with _translated(collection):
            records, _ = self._client.scroll(collection, limit=limit, offset=offset)
        return {str(record.id): record.payload or {} for record in records}

    def shape(self, collection: str) -> tuple[int, str]:
        """See `VectorStore.shape`."""
        with _translated(collection):
            vectors: Any = self._client.get_collection(collection).config.params.vectors
        return int(vectors[DENSE].size), str(vectors[DENSE].distance.value).lower()

    def search(self, collection: str, search: Search) -> list[Candidate]:
        """See `VectorStore.search`."""
        queries = _queries(search)
        matching = _filter(search.filters)
        found = self._query(collection, queries, search.limit, matching, with_payload=True)
        payloads = {point.id: point.payload or {} for points in found for point in points}
        if not payloads:
            return []
        among = models.Filter(must=[models.HasIdCondition(has_id=[*payloads])])
        scored = self._query(collection, queries, len(payloads), among, with_payload=False)
        scores: dict[Any, dict[str, float]] = {id_: dict.fromkeys(queries, 0.0) for id_ in payloads}
        for name, points in zip(queries, scored, strict=True):
            for point in points:
                scores[point.id][name] = point.score
        return [
            Candidate(id=str(id_), payload=payload, scores=scores[id_])
            for id_, payload in payloads.items()
        ]

    def inverse_document_frequency(self, collection: str, terms: Sequence[int]) -> dict[int, float]:
        """See `VectorStore.inverse_document_frequency`."""
        # A term's score in any point is its weight there times what is asked for.
        requests = [
            models.QueryRequest(
                query=models.SparseVector(indices=[term], values=[1.0]),
                using=SPARSE,
                limit=1,
                with_vector=[SPARSE],
            )
            for term in terms
        ]
        with _translated(collection):
            answers = self._client.query_batch_points(collection, requests) if requests else []
        known = all(answer.points for answer in answers)
        unseen = 0.0 if known else unseen_idf(self.count(collection))
        return {
            term: answer.points[0].score / _weight(answer.points[0], term)
            if answer.points
            else unseen
            for term, answer in zip(terms, answers, strict=True)
        }

    def optimize(self, collection: str) -> None:
        """Nothing: the server optimizes by itself."""

    def close(self) -> None:
        """See `VectorStore.close`."""
        self._client.close()

    def _create(self, collection: str, schema: Schema) -> None:
        dense = models.VectorParams(size=schema.dimension, distance=models.Distance.COSINE)
        try:
            self._client.create_collection(
                collection,
                vectors_config={DENSE: dense},
                sparse_vectors_config={
                    SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)
                },
            )
        except UnexpectedResponse as exc:
            if exc.status_code != httpx.codes.CONFLICT:  # Another process was quicker.
                raise

    def _query(
        self,
        collection: str,
        queries: Mapping[str, Any],
        limit: int,
        matching: models.Filter | None,
        *,
        with_payload: bool,
    ) -> list[list[models.ScoredPoint]]:
        requests = [
            models.QueryRequest(
                query=query, using=name, limit=limit, filter=matching, with_payload=with_payload
            )
            for name, query in queries.items()
        ]
        with _translated(collection):
            answers = self._client.query_batch_points(collection, requests)
        return [answer.points for answer in answers]


@contextmanager
def _translated(collection: str = "") -> Iterator[None]:
    try:
        yield
    except UnexpectedResponse as exc:
        if exc.status_code == httpx.codes.NOT_FOUND and collection:
            raise CollectionNotFoundError(f"no collection {collection!r}") from exc
        raise StoreError(f"Qdrant server: {exc}") from exc
    except (JSONDecodeError, AssertionError) as exc:  # The client takes its answer for granted.
        raise StoreError("Qdrant server: what answers there is no Qdrant server") from exc
    except ValueError as exc:
        # The in-memory imitation's way to say the same.
        if "not found" in str(exc):
            raise CollectionNotFoundError(f"no collection {collection!r}") from exc
        raise
    except (ApiException, ResourceExhaustedResponse, httpx.HTTPError, OSError) as exc:
        raise StoreError(f"Qdrant server: {exc}") from exc


def _point(point: Point) -> models.PointStruct:
    vectors: dict[str, Any] = {DENSE: point.dense.tolist(), SPARSE: _sparse(point.sparse)}
    return models.PointStruct(id=point.id, vector=vectors, payload=dict(point.payload))


def _sparse(vector: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=list(vector.indices), values=list(vector.values))


def _queries(search: Search) -> dict[str, Any]:
    queries: dict[str, Any] = {}
    if search.dense is not None:
        queries[DENSE] = search.dense.tolist()
    if search.sparse is not None:
        queries[SPARSE] = _sparse(search.sparse)
    return queries


def _weight(point: models.ScoredPoint, term: int) -> float:
    vectors: Any = point.vector
    sparse = vectors[SPARSE]
    return float(sparse.values[sparse.indices.index(term)])


def _filter(filters: Filters) -> models.Filter | None:
    if not filters:
        return None
    return models.Filter(must=[_condition(f"filters.{name}", c) for name, c in filters.items()])


def _condition(key: str, condition: Condition) -> models.FieldCondition | models.Filter:
    if isinstance(condition, AnyOf):
        return models.Filter(should=[_equals(key, value) for value in condition.values])
    bounds = {name: getattr(condition, name) for name in ("gt", "gte", "lt", "lte")}
    dated = any(isinstance(bound, str) for bound in bounds.values())
    range_ = models.DatetimeRange(**bounds) if dated else models.Range(**bounds)
    return models.FieldCondition(key=key, range=range_)


def _equals(key: str, value: Scalar) -> models.FieldCondition:
    if isinstance(value, float):  # The protocol matches exact values of other types only.
        return models.FieldCondition(key=key, range=models.Range(gte=value, lte=value))
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))
