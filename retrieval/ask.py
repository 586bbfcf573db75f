"""A question from a terminal: answered by the server that owns the store, or else here."""

import argparse
import asyncio
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from indexers.catalog import load_catalog
from indexers.client import authorization, running_server
from indexers.errors import StoreInUseError
from indexers.settings import open_state, open_store, settings_from_env
from retrieval.api.answer_schemas import AnswerRequest, AnswerResponse, to_answer
from retrieval.api.schemas import RetrieveRequest, RetrieveResponse, to_response
from retrieval.engine import Engine
from retrieval.errors import InvalidQueryError, NotReadyError, RetrievalError, UnauthorizedError
from retrieval.pipeline import retrieve
from retrieval.reply import whole_reply
from retrieval.writers import open_writers

Body = TypeVar("Body", bound=RetrieveRequest)

API_KEY = "PASSAGES_API_KEY"
"""The environment variable with the key of who asks a server that wants one."""

_DEADLINE_MS = 30_000
"""A person waits for a model that has still to be loaded."""


def passages_for(args: argparse.Namespace) -> dict[str, Any]:
    """The passages that answer, as /retrieve returns them.

    Raises:
        InvalidQueryError: an argument is not valid. CatalogError: nor is the catalog.
        RetrievalError, IndexersError: it cannot be answered now.
    """
    request = _request(RetrieveRequest, args, explain=args.explain)
    try:
        engine = _engine(args)
    except StoreInUseError:
        return _ask_server(args.data_dir, "/retrieve", request)
    with closing(engine):
        engine.warm()
        retrieved = asyncio.run(retrieve(engine, request.to_query()))
    found = RetrieveResponse.model_validate(to_response("-", retrieved), from_attributes=True)
    return found.model_dump()


def answer_to(args: argparse.Namespace) -> dict[str, Any]:
    """The answer, as /answer returns it.

    Raises as `passages_for` does, and ConfigurationError where the gateway's is not valid.
    """
    request = _request(AnswerRequest, args, answerer=args.answerer)
    try:
        engine = _engine(args)
    except StoreInUseError:
        if args.generation:
            print("note: a server answers, by its own --generation", file=sys.stderr)
        return _ask_server(args.data_dir, "/answer", request)
    with closing(engine), closing(open_writers(args.generation, args.data_dir)) as writers:
        answerer = writers.answerer(request.answerer)
        engine.warm()
        reply = asyncio.run(whole_reply(engine, writers, request.to_query(), answerer))
    found = AnswerResponse.model_validate(to_answer("-", reply), from_attributes=True)
    return found.model_dump()


def _ask_server(data_dir: Path, path: str, request: RetrieveRequest) -> dict[str, Any]:
    """Ask the server that owns the embedded store."""
    url = running_server(data_dir)
    if url is None:
        raise StoreInUseError(f"{data_dir} is in use by a process that is not a server")
    try:
        answer = httpx.post(
            url + path, json=request.model_dump(), headers=authorization(API_KEY), timeout=120
        )
    except httpx.HTTPError as exc:
        raise NotReadyError(f"the server at {url} does not answer (yet): {exc}") from exc
    body: dict[str, Any] = answer.json()
    if answer.is_success:
        return body
    error = body["errors"][0]
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise UnauthorizedError(f"{error['message']}: set {API_KEY}")
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        raise InvalidQueryError(error["message"], field=error["field"] or "", valid=error["valid"])
    raise RetrievalError(error["message"])


def _request(kind: type[Body], args: argparse.Namespace, **more: Any) -> Body:
    given = {
        "query": args.text,
        "indexes": args.index,
        "filters": dict(args.filter),
        "max_passages": args.max_passages,
        "max_tokens": args.max_tokens,
        "min_relevance": args.min_relevance,
        "deadline_ms": _DEADLINE_MS,
        **more,
    }
    try:
        return kind.model_validate(given)
    except ValidationError as exc:
        error = exc.errors()[0]
        field = ".".join(str(part) for part in error["loc"])
        raise InvalidQueryError(f"{field}: {error['msg']}", field=field) from exc


def _engine(args: argparse.Namespace) -> Engine:
    catalog = load_catalog(args.catalog)
    settings = settings_from_env(args.data_dir)
    return Engine(catalog, open_store(settings), open_state(settings))
