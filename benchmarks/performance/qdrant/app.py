"""The requests that the stand-in answers, at the paths of Qdrant's REST protocol."""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any

import qdrant_edge as edge
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from benchmarks.performance.qdrant.asked import Asked, Refused, only, unknown
from benchmarks.performance.qdrant.collections import Collections
from benchmarks.performance.qdrant.points import (
    filter_of,
    point_id,
    point_of,
    query_of,
    record_json,
    scroll_of,
)
from indexers.store.base import DENSE, SPARSE, Schema
from indexers.store.edge_requests import shard_config

_INDEX_TYPES = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "integer": edge.PayloadSchemaType.Integer,
    "float": edge.PayloadSchemaType.Float,
    "bool": edge.PayloadSchemaType.Bool,
    "datetime": edge.PayloadSchemaType.Datetime,
}

_DEMANDED = {
    "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000},
    "optimizer_config": {"default_segment_number": 0, "flush_interval_sec": 5},
}
"""What clients demand in each configuration: a server's defaults, which have no effect here."""

Handler = Callable[[Collections, Asked], Any]
Endpoint = Callable[[Request], Awaitable[Response]]


def make_app(collections: Collections) -> Starlette:
    """The stand-in over its collections; it closes them as it stops."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        collections.close()

    routes = [
        Route(path, _endpoint(handler, collections), methods=[method])
        for (method, path), handler in _HANDLERS.items()
    ]
    unmatched = dict.fromkeys((HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED), _unmatched)
    return Starlette(
        routes=[Route("/readyz", _readyz), *routes],
        exception_handlers=unmatched,
        lifespan=lifespan,
    )


async def _readyz(_: Request) -> Response:
    return PlainTextResponse("all shards are ready")


async def _unmatched(request: Request, _: Exception) -> Response:
    refused = unknown(f"{request.method} {request.url.path}")
    return _json(refused.status, {"status": {"error": str(refused)}, "time": 0.0})


def _endpoint(handler: Handler, collections: Collections) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(_answer, handler, collections, request, body)

    return endpoint


def _answer(handler: Handler, collections: Collections, request: Request, body: bytes) -> Response:
    started = time.perf_counter()
    status, answer = HTTPStatus.OK, dict[str, Any](status="ok")
    try:
        with _translated():
            answer["result"] = handler(collections, Asked.read(request, body))
    except Refused as exc:
        status, answer = exc.status, {"status": {"error": str(exc)}}
    return _json(status, {**answer, "time": time.perf_counter() - started})


def _json(status: HTTPStatus, content: dict[str, Any]) -> Response:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str)
    return Response(text, status, media_type="application/json")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError) as exc:
        raise Refused(HTTPStatus.BAD_REQUEST, f"Format error in JSON body: {exc!r}") from exc
    except Exception as exc:
        if type(exc) is not Exception:  # The engine raises that one for everything of its own.
            raise
        if str(exc).startswith("Service"):
            error = f"Service internal error: {exc}"
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, error) from exc
        raise Refused(HTTPStatus.BAD_REQUEST, f"Wrong input: {exc}") from exc


def _names(collections: Collections, asked: Asked) -> dict[str, Any]:
    return {"collections": [{"name": name} for name in collections.names()]}


def _exists(collections: Collections, asked: Asked) -> dict[str, Any]:
    return {"exists": asked.name in {*collections.names(), *collections.aliases}}


def _params(dense: dict[str, Any]) -> dict[str, Any]:
    return {"vectors": dense, "sparse_vectors": {SPARSE: {"modifier": "idf"}}}


def _create(collections: Collections, asked: Asked) -> bool:
    size = asked.body.get("vectors", {}).get(DENSE, {}).get("size")
    if asked.body != _params({DENSE: {"size": size, "distance": "Cosine"}}):
        raise unknown(f"the configuration {asked.body}")
    collections.create(asked.name, shard_config(Schema(dimension=size)))
    return True


def _info(collections: Collections, asked: Asked) -> dict[str, Any]:
    info = collections.shard(asked.name).info()
    return {
        "status": "green",
        "optimizer_status": "ok",
        "indexed_vectors_count": info.indexed_vectors_count,
        "points_count": info.points_count,
        "segments_count": info.segments_count,
        "config": {"params": _params(collections.vectors(asked.name)), **_DEMANDED},
        "payload_schema": {
            field: {"data_type": str(index.data_type).split(".")[1].lower(), "points": index.points}
            for field, index in info.payload_schema.items()
        },
    }


def _drop(collections: Collections, asked: Asked) -> bool:
    return collections.drop(asked.name)


def _index(collections: Collections, asked: Asked) -> dict[str, Any]:
    body = only(asked.body, "field_name", "field_schema")
    if body["field_schema"] not in _INDEX_TYPES:
        raise unknown(f"the index {body['field_schema']}")
    kind = _INDEX_TYPES[body["field_schema"]]
    operation = edge.UpdateOperation.create_field_index(body["field_name"], kind)
    return _update(collections, asked, operation)


def _upsert(collections: Collections, asked: Asked) -> dict[str, Any]:
    points = [*map(point_of, only(asked.body, "points")["points"])]
    return _update(collections, asked, edge.UpdateOperation.upsert_points(points))


def _delete(collections: Collections, asked: Asked) -> dict[str, Any]:
    matching = filter_of(only(asked.body, "filter")["filter"])
    return _update(collections, asked, edge.UpdateOperation.delete_points_by_filter(matching))


def _update(
    collections: Collections, asked: Asked, operation: edge.UpdateOperation
) -> dict[str, Any]:
    shard = collections.shard(asked.name)
    shard.update(operation)
    if asked.wait:
        shard.flush()
    return {"operation_id": None, "status": "completed" if asked.wait else "acknowledged"}


def _count(collections: Collections, asked: Asked) -> dict[str, Any]:
    exact = only(asked.body, "exact").get("exact", True)
    return {"count": collections.shard(asked.name).count(edge.CountRequest(exact=exact))}


def _retrieve(collections: Collections, asked: Asked) -> list[dict[str, Any]]:
    body = only(asked.body, "ids", "with_payload", "with_vector")
    ids = [*map(point_id, body["ids"])]
    wanted = body.get("with_payload", True), body.get("with_vector", False)
    return [*map(record_json, collections.shard(asked.name).retrieve(ids, *wanted))]


def _scroll(collections: Collections, asked: Asked) -> dict[str, Any]:
    records, after = collections.shard(asked.name).scroll(scroll_of(asked.body))
    return {"points": [*map(record_json, records)], "next_page_offset": after}


def _query(collections: Collections, asked: Asked) -> list[dict[str, Any]]:
    requests = [*map(query_of, only(asked.body, "searches")["searches"])]
    answers = collections.shard(asked.name).query_batch(edge.QueryBatchRequest(requests))
    return [{"points": [*map(record_json, points)]} for points in answers]


def _aliases(collections: Collections, asked: Asked) -> dict[str, Any]:
    pairs = collections.aliases.items()
    return {"aliases": [{"alias_name": a, "collection_name": to} for a, to in pairs]}


def _change_aliases(collections: Collections, asked: Asked) -> bool:
    collections.change_aliases(only(asked.body, "actions")["actions"])
    return True


_HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "/collections"): _names,
    ("GET", "/collections/{name}/exists"): _exists,
    ("PUT", "/collections/{name}"): _create,
    ("GET", "/collections/{name}"): _info,
    ("DELETE", "/collections/{name}"): _drop,
    ("PUT", "/collections/{name}/index"): _index,
    ("PUT", "/collections/{name}/points"): _upsert,
    ("POST", "/collections/{name}/points/delete"): _delete,
    ("POST", "/collections/{name}/points/count"): _count,
    ("POST", "/collections/{name}/points"): _retrieve,
    ("POST", "/collections/{name}/points/scroll"): _scroll,
    ("POST", "/collections/{name}/points/query/batch"): _query,
    ("GET", "/aliases"): _aliases,
    ("POST", "/collections/aliases"): _change_aliases,
}
