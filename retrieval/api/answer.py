"""POST /answer: a question answered with citations, at once or as server-sent events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json

from generation.pieces import Restarted, Text
from retrieval.api.answer_schemas import AnswerRequest, AnswerResponse, to_answer
from retrieval.api.auth import Keys
from retrieval.api.errors import ERRORS, UNANSWERED, unanswered
from retrieval.api.limits import request_id_of
from retrieval.api.schemas import ErrorResponse, to_response
from retrieval.engine import Engine
from retrieval.query import Retrieved
from retrieval.reply import Event, reply, whole_reply
from retrieval.writers import Writers

Result = TypeVar("Result")

_LEFT = 499
"""The status for whoever has hung up, who never sees it; nginx logs it so."""


def add_answer(app: FastAPI, engine: Engine, writers: Writers, keys: Keys) -> None:
    """Give an app POST /answer."""

    @app.post("/answer", response_model=AnswerResponse, responses=ERRORS, tags=["answers"])
    async def answer(body: AnswerRequest, request: Request) -> Response:
        """The answer to a question, from the passages that answer it, with citations that were
        checked against them.

        With nothing relevant, or where the passages do not answer, the answer is still 200, with
        `answerable: false` and a `reason`. With `stream` it comes as server-sent events:
        `retrieved` (the body of /retrieve), `delta` (`text`, to be added to what came before),
        `restart` (what came before is to be forgotten, and the `reason`), and at the end `answer`
        (the body of an answer that is not streamed) or `error`. Hanging up ends the writing.
        """
        tenant, id_ = keys.tenant(request), request_id_of(request)
        answerer = writers.answerer(body.answerer)
        query = body.to_query(tenant=tenant, request_id=id_)
        if body.stream:
            events = reply(engine, writers, query, answerer)
            first = await anext(events)  # What is wrong by then has a status of its own.
            return StreamingResponse(_sent(id_, first, events), media_type="text/event-stream")
        whole = await _unless_left(request, whole_reply(engine, writers, query, answerer))
        if whole is None:
            return Response(status_code=_LEFT)
        return Response(to_json(to_answer(id_, whole)), media_type="application/json")


async def _unless_left(request: Request, work: Coroutine[Any, Any, Result]) -> Result | None:
    """What the work leads to, or None where the client hangs up before, which ends the work."""
    task = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((task, left), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        left.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _sent(
    request_id: str, first: Event, events: AsyncGenerator[Event, None]
) -> AsyncIterator[bytes]:
    async with aclosing(events):
        yield _event(request_id, first)
        try:
            async for event in events:
                yield _event(request_id, event)
        except UNANSWERED as exc:
            error = ErrorResponse(request_id=request_id, errors=[unanswered(exc)])
            yield _framed("error", error.model_dump())


def _event(request_id: str, event: Event) -> bytes:
    if isinstance(event, Retrieved):
        return _framed("retrieved", to_response(request_id, event))
    if isinstance(event, Text):
        return _framed("delta", {"text": event.text})
    if isinstance(event, Restarted):
        return _framed("restart", {"reason": event.reason})
    return _framed("answer", to_answer(request_id, event))


def _framed(name: str, data: dict[str, Any]) -> bytes:
    """A server-sent event as the HTML standard has them; JSON on one line has no line break."""
    return b"event: " + name.encode() + b"\ndata: " + to_json(data) + b"\n\n"
