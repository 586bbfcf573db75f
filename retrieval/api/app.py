"""The HTTP API: POST /retrieve and what stands around it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from pydantic_core import to_json

from indexers.jobs.service import Service
from retrieval.api.answer import add_answer
from retrieval.api.auth import Keys
from retrieval.api.errors import ERRORS, UNANSWERED, add_error_handlers, unanswered
from retrieval.api.jobs import add_jobs
from retrieval.api.leaving import unless_left
from retrieval.api.limits import BodyLimit, RequestId, request_id_of
from retrieval.api.metrics import Timed, add_metrics
from retrieval.api.schemas import (
    BatchRequest,
    BatchResponse,
    ErrorResponse,
    HealthResponse,
    IndexesResponse,
    IndexModel,
    RetrieveRequest,
    RetrieveResponse,
    to_response,
)
from retrieval.engine import Engine
from retrieval.errors import InvalidQueryError
from retrieval.pipeline import retrieve
from retrieval.query import Query
from retrieval.rewriting import Rewriter
from retrieval.writers import Writers

_log = logging.getLogger("uvicorn.error")  # The log that says that the server has started.

_DESCRIPTION = """\
Returns only the passages that answer a question, each with a calibrated relevance and the exact
span of the document that it was cut from, or says that nothing answers.
"""


def make_app(
    engine: Engine,
    service: Service | None = None,
    writers: Writers | None = None,
    on_stop: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The API over an engine, which the app warms when it starts and closes when it stops, after
    `on_stop`; the writers as well. With a service, indexes can be re-indexed through it. Without
    writers, answers are extracted.

    Raises:
        SettingsError: the keys in the environment are not valid.
    """
    writers, keys = writers or Writers(), Keys.from_env()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(engine.warm)
        for reason in engine.problems().values():
            _log.warning("%s", reason)
        yield
        await asyncio.to_thread(on_stop)
        await asyncio.to_thread(writers.close)
        engine.close()

    app = FastAPIOffline(
        title="Passages", version="0.1.0", description=_DESCRIPTION, lifespan=lifespan
    )
    app.state.engine = engine
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestId)
    app.add_middleware(Timed)
    add_error_handlers(app)
    _add_retrieve(app, engine, writers.rewriter, keys)
    add_answer(app, engine, writers, keys)
    _add_indexes(app, engine)
    _add_health(app, engine)
    add_metrics(app)
    if service is not None:
        add_jobs(app, service)
    return app


def _add_retrieve(app: FastAPI, engine: Engine, rewriter: Rewriter | None, keys: Keys) -> None:
    @app.post(
        "/retrieve",
        response_model=RetrieveResponse,
        responses=ERRORS,
        tags=["retrieval"],
        openapi_extra=keys.security(),
    )
    async def retrieve_passages(body: RetrieveRequest, request: Request) -> Response:
        """The passages that answer a question.

        With nothing relevant the answer is still 200, with `answerable: false` and a `reason`.
        """
        query = body.to_query(tenant=keys.tenant(request), request_id=request_id_of(request))
        found = _retrieved(engine, rewriter, query)
        # Only a rewriting takes long enough, and costs enough, to look whether somebody waits.
        return _json(await (unless_left(request, found) if query.conversation else found))

    @app.post(
        "/retrieve/batch",
        response_model=BatchResponse,
        responses=ERRORS,
        tags=["retrieval"],
        dependencies=keys.documented(),
    )
    async def retrieve_batch(body: BatchRequest, request: Request) -> Response:
        """Several questions at once, answered in order.

        One that is not valid fails all; one that cannot be answered now has its error in its place.
        """
        tenant, id_ = keys.tenant(request), request_id_of(request)
        queries = [
            one.to_query(tenant=tenant, request_id=f"{id_}-{number}")
            for number, one in enumerate(body.requests)
        ]
        answers = [_in_batch(engine, rewriter, one, n) for n, one in enumerate(queries)]
        together = asyncio.gather(*answers)
        asks = any(query.conversation for query in queries)
        return _json({"responses": await (unless_left(request, together) if asks else together)})


def _json(answer: dict[str, Any]) -> Response:
    # FastAPI would check the answer against its model first, which takes as long as HTTP itself;
    # the tests do that instead.
    return Response(to_json(answer), media_type="application/json")


async def _retrieved(engine: Engine, rewriter: Rewriter | None, query: Query) -> dict[str, Any]:
    return to_response(query.request_id or "", await retrieve(engine, query, rewriter))


async def _in_batch(
    engine: Engine, rewriter: Rewriter | None, query: Query, number: int
) -> dict[str, Any]:
    try:
        return await _retrieved(engine, rewriter, query)
    except InvalidQueryError as exc:
        field = f"requests.{number}.{exc.field}"
        raise InvalidQueryError(str(exc), field=field, valid=exc.valid) from exc
    except UNANSWERED as exc:
        error = ErrorResponse(request_id=query.request_id or "", errors=[unanswered(exc)])
        return error.model_dump()


def _add_indexes(app: FastAPI, engine: Engine) -> None:
    @app.get("/indexes", response_model=IndexesResponse, tags=["indexes"])
    def indexes() -> IndexesResponse:
        """Every index of the catalog, with the build that searches see now."""
        return IndexesResponse(indexes=[IndexModel(**row) for row in engine.describe()])


def _add_health(app: FastAPI, engine: Engine) -> None:
    @app.get("/healthz", response_model=HealthResponse, tags=["health"])
    async def healthz() -> HealthResponse:
        """The process is up and answers."""
        return HealthResponse(status="ok")

    @app.get(
        "/readyz",
        response_model=HealthResponse,
        responses={503: {"model": HealthResponse}},
        tags=["health"],
    )
    def readyz() -> JSONResponse:
        """Every index can be searched; 503 and the reasons where one cannot."""
        problems = engine.problems()
        body = HealthResponse(status="not ready" if problems else "ready", indexes=problems)
        return JSONResponse(body.model_dump(), status_code=503 if problems else 200)
