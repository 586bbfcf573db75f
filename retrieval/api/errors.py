"""Every error as one shape: what was wrong, in which field, what is valid."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from indexers.errors import (
    CatalogError,
    ConflictError,
    DocumentError,
    DocumentNotFoundError,
    IndexersError,
    IndexNotFoundError,
    JobNotFoundError,
    SignatureError,
)
from retrieval.api.answer_schemas import AnswerRequest
from retrieval.api.limits import error_response, request_id_of
from retrieval.api.schemas import (
    BatchRequest,
    ErrorDetail,
    ErrorResponse,
    ReindexRequest,
    RetrieveRequest,
    Turn,
)
from retrieval.errors import (
    DeadlineExceededError,
    InvalidQueryError,
    NotReadyError,
    UnauthorizedError,
)

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": description}
    for status, description in {
        400: "The body is not JSON",
        401: "The key is missing or wrong",
        413: "The body is too large",
        422: "A field is not valid; the answer names it and what is valid",
        503: "An index asked for cannot be searched now",
        504: "No index answered within the deadline",
    }.items()
}
"""What is documented of a question that has no answer."""

UNANSWERED = (NotReadyError, DeadlineExceededError, IndexersError)
"""What a valid query may end in through no fault of its own."""


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error of the API as an ErrorResponse."""
    app.add_exception_handler(RequestValidationError, _invalid_body)
    app.add_exception_handler(InvalidQueryError, _invalid_query)
    for error in UNANSWERED:
        app.add_exception_handler(error, _unanswered)
    for refused in _REFUSED:
        app.add_exception_handler(refused, _refused)
    app.add_exception_handler(Exception, _failed)
    app.add_exception_handler(HTTPException, _http)


async def _invalid_body(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    path = request.url.path
    body = next((body for end, body in _BODIES.items() if path.endswith(end)), None)
    errors = [_detail(error, body) for error in exc.errors()]
    broken = any(error.code == "json_invalid" for error in errors)
    return error_response(request_id_of(request), 400 if broken else 422, errors)


async def _invalid_query(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, InvalidQueryError)
    detail = ErrorDetail(code="invalid", message=str(exc), field=exc.field, valid=list(exc.valid))
    return error_response(request_id_of(request), 422, [detail])


_REFUSED: dict[type[Exception], tuple[int, str]] = {
    UnauthorizedError: (401, "unauthorized"),
    SignatureError: (401, "signature"),
    IndexNotFoundError: (404, "index_not_found"),
    JobNotFoundError: (404, "job_not_found"),
    DocumentNotFoundError: (404, "document_not_found"),
    ConflictError: (409, "conflict"),
    CatalogError: (422, "catalog"),
    DocumentError: (422, "document"),
}
"""What was asked of re-indexing and cannot be done: the status and the code of each."""


async def _refused(request: Request, exc: Exception) -> Response:
    status, code = _REFUSED[type(exc)]
    return error_response(
        request_id_of(request), status, [ErrorDetail(code=code, message=str(exc))]
    )


async def _unanswered(request: Request, exc: Exception) -> Response:
    status = 504 if isinstance(exc, DeadlineExceededError) else 503
    return error_response(request_id_of(request), status, [unanswered(exc)])


def unanswered(exc: Exception) -> ErrorDetail:
    """Why a valid query has no answer: one of UNANSWERED was raised."""
    if isinstance(exc, DeadlineExceededError):
        return ErrorDetail(code="deadline_exceeded", message=str(exc), field="deadline_ms")
    return ErrorDetail(code="not_ready", message=str(exc))


FAILED = ErrorDetail(code="internal", message="the request failed; the server's log says why")
"""What the caller is told of a defect of ours."""


async def _failed(request: Request, exc: Exception) -> Response:
    """A defect of ours: the log has the traceback, the caller the id to find it by."""
    id_ = request_id_of(request)
    # Starlette answers a defect outside of every middleware, so also outside of RequestId.
    return error_response(id_, 500, [FAILED], {"x-request-id": id_})


async def _http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    detail = ErrorDetail(code="http", message=str(exc.detail))
    if isinstance(exc.__cause__, UnicodeDecodeError):
        detail = ErrorDetail(code="json_invalid", message="the body is not JSON: it is not UTF-8")
    return error_response(request_id_of(request), exc.status_code, [detail], exc.headers)


def _detail(error: dict[str, Any], body: type[BaseModel] | None) -> ErrorDetail:
    path = [str(part) for part in error["loc"] if part != "body"]
    code, valid = str(error["type"]), []
    if code == "json_invalid":
        return ErrorDetail(code=code, message=f"the body is not JSON: {error['ctx']['error']}")
    if code == "model_attributes_type" and not path:
        message = "the body must be a JSON object, sent with 'content-type: application/json'"
        return ErrorDetail(code=code, message=message)
    if code == "extra_forbidden":
        parents = [_NESTED[part] for part in path[:-1] if part in _NESTED]
        parent = parents[-1] if parents else body
        valid = sorted(parent.model_fields) if parent else []
    if code == "literal_error":
        valid = [part.strip(" '") for part in error["ctx"]["expected"].split(" or ")]
    return ErrorDetail(
        code=code, message=str(error["msg"]), field=".".join(path) or None, valid=valid
    )


_BODIES: dict[str, type[BaseModel]] = {
    "/batch": BatchRequest,
    "/retrieve": RetrieveRequest,
    "/answer": AnswerRequest,
    "/reindex": ReindexRequest,
}
_NESTED: dict[str, type[BaseModel]] = {"conversation": Turn, "requests": RetrieveRequest}
