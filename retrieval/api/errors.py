"""Every error as one shape: what was wrong, in which field, what is valid."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from indexers.errors import IndexersError
from retrieval.api.limits import error_response, request_id_of
from retrieval.api.schemas import (
    BatchRequest,
    ErrorDetail,
    RetrieveRequest,
    Turn,
)
from retrieval.errors import DeadlineExceededError, InvalidQueryError, NotReadyError


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error of the API as an ErrorResponse."""
    app.add_exception_handler(RequestValidationError, _invalid_body)
    app.add_exception_handler(InvalidQueryError, _invalid_query)
    app.add_exception_handler(NotReadyError, _not_ready)
    app.add_exception_handler(DeadlineExceededError, _too_late)
    app.add_exception_handler(IndexersError, _not_ready)
    app.add_exception_handler(Exception, _failed)
    app.add_exception_handler(HTTPException, _http)


async def _invalid_body(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    batch = request.url.path.endswith("/batch")
    errors = [_detail(error, BatchRequest if batch else RetrieveRequest) for error in exc.errors()]
    broken = any(error.code == "json_invalid" for error in errors)
    return error_response(request_id_of(request), 400 if broken else 422, errors)


async def _invalid_query(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, InvalidQueryError)
    detail = ErrorDetail(code="invalid", message=str(exc), field=exc.field, valid=list(exc.valid))
    return error_response(request_id_of(request), 422, [detail])


async def _not_ready(request: Request, exc: Exception) -> Response:
    return error_response(
        request_id_of(request), 503, [ErrorDetail(code="not_ready", message=str(exc))]
    )


async def _too_late(request: Request, exc: Exception) -> Response:
    detail = ErrorDetail(code="deadline_exceeded", message=str(exc), field="deadline_ms")
    return error_response(request_id_of(request), 504, [detail])


async def _failed(request: Request, exc: Exception) -> Response:
    """A defect of ours: the log has the traceback, the caller the id to find it by."""
    detail = ErrorDetail(code="internal", message="the request failed; the server's log says why")
    return error_response(request_id_of(request), 500, [detail])


async def _http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    detail = ErrorDetail(code="http", message=str(exc.detail))
    return error_response(request_id_of(request), exc.status_code, [detail], exc.headers)


def _detail(error: dict[str, Any], body: type[BaseModel]) -> ErrorDetail:
    path = [str(part) for part in error["loc"] if part != "body"]
    code, valid = str(error["type"]), []
    if code == "json_invalid":
        return ErrorDetail(code=code, message=f"the body is not JSON: {error['ctx']['error']}")
    if code == "extra_forbidden":
        parents = [_NESTED[part] for part in path[:-1] if part in _NESTED]
        valid = sorted((parents[-1] if parents else body).model_fields)
    if code == "literal_error":
        valid = [part.strip(" '") for part in error["ctx"]["expected"].split(" or ")]
    return ErrorDetail(
        code=code, message=str(error["msg"]), field=".".join(path) or None, valid=valid
    )


_NESTED: dict[str, type[BaseModel]] = {"conversation": Turn, "requests": RetrieveRequest}
