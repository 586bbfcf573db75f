"""What every request gets before its route: an id, and a limit on its body."""

import json
import uuid
from collections.abc import Mapping, Sequence

from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retrieval.api.schemas import ErrorDetail, ErrorResponse

MAX_BODY_BYTES = 1_000_000
MAX_DOCUMENT_BYTES = 20_000_000
"""Of a document that is put, which may be a PDF."""


def request_id_of(request: Request) -> str:
    """The id that the answer carries, in the body and as `x-request-id`."""
    id_: str = request.scope["state"]["request_id"]
    return id_


def error_response(
    request_id: str,
    status: int,
    errors: Sequence[ErrorDetail],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer for `errors`, each with its code, field and valid choices."""
    body = ErrorResponse(request_id=request_id, errors=list(errors))
    # In ASCII, since a bad request is quoted in it that may not be text.
    text = json.dumps(body.model_dump())
    return Response(text, status, headers, media_type="application/json")


class RequestId:
    """Gives each request the caller's `x-request-id`, or a new one, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification, version 3."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = dict(scope["headers"]).get(b"x-request-id", b"")[:128].decode("latin-1")
        id_ = given if given.isascii() and given.isprintable() and given else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = id_

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", id_.encode())]
            await send(message)

        return await self._app(scope, receive, send_with_id)


class BodyLimit:
    """Refuses bodies over their limit with 413, before they are held in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification, version 3."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        limit = MAX_DOCUMENT_BYTES if _puts_document(scope) else MAX_BODY_BYTES
        messages: list[Message] = []
        size = 0
        while not messages or messages[-1].get("more_body"):
            messages.append(await receive())
            size += len(messages[-1].get("body", b""))
            if size > limit:
                return await _too_large(limit, scope, receive, send)
        queue = iter(messages)

        async def replay() -> Message:
            message = next(queue, None)
            return message if message is not None else await receive()

        return await self._app(scope, replay, send)


def _puts_document(scope: Scope) -> bool:
    return scope["method"] == "PUT" and str(scope["path"]).startswith("/indexes/")


async def _too_large(limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    detail = ErrorDetail(code="body_too_large", message=f"a body holds at most {limit} bytes")
    answer = error_response(scope["state"]["request_id"], 413, [detail])
    await answer(scope, receive, send)
