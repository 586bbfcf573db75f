"""POST /answer: a question answered with citations, at once or as server-sent events."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from generation.pieces import Restarted, Text
from retrieval.api.answer_schemas import AnswerRequest, AnswerResponse, to_answer
from retrieval.api.auth import Keys
from retrieval.api.errors import ERRORS, FAILED, UNANSWERED, unanswered
from retrieval.api.leaving import unless_left
from retrieval.api.limits import request_id_of
from retrieval.api.schemas import ErrorDetail, ErrorResponse, to_response
from retrieval.engine import Engine
from retrieval.query import Retrieved
from retrieval.reply import Event, reply, whole_reply
from retrieval.writers import Writers

_log = logging.getLogger("uvicorn.error")

_UNBUFFERED = {"cache-control": "no-cache", "x-accel-buffering": "no"}
"""What a proxy has to be told, nginx among them."""


def add_answer(app: FastAPI, engine: Engine, writers: Writers, keys: Keys) -> None:
    """Give an app POST /answer."""

    @app.post(
        "/answer",
        response_model=AnswerResponse,
        responses={200: {"content": {"text/event-stream": {}}}, **ERRORS},
        tags=["answers"],
        dependencies=keys.documented(),
    )
    async def answer(body: AnswerRequest, request: Request) -> Response:
        """The answer to a question, from the passages that answer it, with citations that were
        checked against them.

        With nothing relevant, or where the passages do not answer, the answer is still 200, with
        `answerable: false` and a `reason`. With `stream` it comes as server-sent events:
        `retrieved` (the body of /retrieve), `delta` (`text`, to be added to what came before),
        `restart` (what came before is to be forgotten), and at the end `answer` (the body of an
        answer that is not streamed) or `error`. Hanging up ends the writing.
        """
        tenant, id_ = keys.tenant(request), request_id_of(request)
        answerer = writers.answerer(body.answerer)
        query = body.to_query(tenant=tenant, request_id=id_)
        if body.stream:
            events = reply(engine, writers, query, answerer)
            # What is wrong before anything comes has a status of its own.
            first = await unless_left(request, anext(events))
            return StreamingResponse(
                _sent(id_, first, events), media_type="text/event-stream", headers=_UNBUFFERED
            )
        whole = await unless_left(request, whole_reply(engine, writers, query, answerer))
        return Response(to_json(to_answer(id_, whole)), media_type="application/json")


async def _sent(
    request_id: str, first: Event, events: AsyncGenerator[Event, None]
) -> AsyncIterator[bytes]:
    async with aclosing(events):
        yield _event(request_id, first)
        try:
            async for event in events:
                yield _event(request_id, event)
        except UNANSWERED as exc:
            yield _failed(request_id, unanswered(exc))
        except Exception:  # noqa: BLE001  A defect, whose traceback the log has; its status is sent.
            _log.exception("request %s failed in the midst of its answer", request_id)
            yield _failed(request_id, FAILED)


def _event(request_id: str, event: Event) -> bytes:
    if isinstance(event, Retrieved):
        return _framed("retrieved", to_response(request_id, event))
    if isinstance(event, Text):
        return _framed("delta", {"text": event.text})
    if isinstance(event, Restarted):
        return _framed("restart", {})  # Why is in the record, since it may name accounts.
    return _framed("answer", to_answer(request_id, event))


def _failed(request_id: str, error: ErrorDetail) -> bytes:
    return _framed("error", ErrorResponse(request_id=request_id, errors=[error]).model_dump())


def _framed(name: str, data: dict[str, Any]) -> bytes:
    """A server-sent event as the HTML standard has them; JSON on one line has no line break."""
    return b"event: " + name.encode() + b"\ndata: " + to_json(data) + b"\n\n"
