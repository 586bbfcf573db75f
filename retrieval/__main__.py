"""The chatbot engineer's door: python -m retrieval."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

import httpx
from pydantic import ValidationError
from rich.console import Console

from generation.errors import ConfigurationError, GenerationError
from generation.settings import add_generation
from indexers.catalog import CatalogFile, load_catalog
from indexers.client import running_server
from indexers.errors import CatalogError, IndexersError, StoreInUseError
from indexers.leaving import leave
from indexers.settings import add_places, open_state, open_store, settings_from_env
from retrieval.engine import Engine
from retrieval.errors import InvalidQueryError, NotReadyError, RetrievalError
from retrieval.show import show_answer

NOT_ANSWERED = 1
"""Nothing answers the question."""

WRONG = 2
"""The command, the catalog or the query is not valid."""

BROKEN = 3
"""The store, the state or a model cannot be used, or an index was never indexed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, NOT_ANSWERED, WRONG or BROKEN."""
    args = _parser().parse_args(arguments)
    try:
        return int(args.command(args))
    except (CatalogError, ConfigurationError, InvalidQueryError) as exc:
        valid = getattr(exc, "valid", ())
        print(f"error: {exc}" + (f"; valid: {', '.join(valid)}" if valid else ""), file=sys.stderr)
        return WRONG
    except (GenerationError, IndexersError, RetrievalError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return BROKEN


def _serve(args: argparse.Namespace) -> int:
    from indexers.jobs.service import Service
    from indexers.jobs.worker import Worker
    from retrieval.api.serve import serve
    from retrieval.writers import open_writers

    settings = settings_from_env(args.data_dir)
    catalog = CatalogFile(args.catalog)
    catalog.current()
    store, state = open_store(settings), open_state(settings)
    # One process owns the embedded store, so the jobs run in it; a Qdrant server is for workers.
    embedded = settings.qdrant_url is None
    worker = Worker(store, state, catalog, yields=True) if embedded else None
    service = Service(catalog, lambda: store, state, worker.wake if worker else lambda: None)
    engine, writers = Engine(catalog, store, state), open_writers(args.generation, args.data_dir)
    serve(engine, service, worker, writers, host=args.host, port=args.port, data_dir=args.data_dir)
    return 0


def _query(args: argparse.Namespace) -> int:
    try:
        answer = _ask_here(args)
    except StoreInUseError:
        answer = _ask_server(args)
    if args.json:
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        show_answer(answer, Console())
    return 0 if answer["answerable"] else NOT_ANSWERED


def _ask_here(args: argparse.Namespace) -> dict[str, Any]:
    from retrieval.api.schemas import RetrieveResponse, to_response
    from retrieval.pipeline import retrieve

    request = _request(args)
    engine = _engine(args)
    try:
        engine.warm()
        retrieved = asyncio.run(retrieve(engine, request.to_query()))
    finally:
        engine.close()
    answer = RetrieveResponse.model_validate(to_response("-", retrieved), from_attributes=True)
    return answer.model_dump()


def _ask_server(args: argparse.Namespace) -> dict[str, Any]:
    """Ask the server that owns the embedded store."""
    url = running_server(args.data_dir)
    if url is None:
        raise StoreInUseError(f"{args.data_dir} is in use by a process that is not a server")
    try:
        answer = httpx.post(f"{url}/retrieve", json=_request(args).model_dump(), timeout=60)
    except httpx.HTTPError as exc:
        raise NotReadyError(f"the server at {url} does not answer (yet): {exc}") from exc
    body: dict[str, Any] = answer.json()
    if answer.is_client_error:
        error = body["errors"][0]
        raise InvalidQueryError(error["message"], field=error["field"] or "", valid=error["valid"])
    if answer.is_error:
        raise RetrievalError(body["errors"][0]["message"])
    return body


def _request(args: argparse.Namespace) -> Any:
    from retrieval.api.schemas import RetrieveRequest

    given = {
        "query": args.text,
        "indexes": args.index,
        "filters": dict(args.filter),
        "max_passages": args.max_passages,
        "max_tokens": args.max_tokens,
        "min_relevance": args.min_relevance,
        "explain": args.explain,
        "deadline_ms": 30_000,
    }
    try:
        return RetrieveRequest.model_validate(given)
    except ValidationError as exc:
        error = exc.errors()[0]
        field = ".".join(str(part) for part in error["loc"])
        raise InvalidQueryError(f"{field}: {error['msg']}", field=field) from exc


def _engine(args: argparse.Namespace) -> Engine:
    catalog = load_catalog(args.catalog)
    settings = settings_from_env(args.data_dir)
    return Engine(catalog, open_store(settings), open_state(settings))


def _filter(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIELD=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return port


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m retrieval", description="Answer queries over HTTP or from a terminal."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="start the API",
        epilog="example: python -m retrieval serve --catalog samples/catalog.yaml --port 8000",
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    serve.add_argument("--port", type=_port, default=8000, help="0 to 65535; default 8000")
    add_generation(serve)
    serve.set_defaults(command=_serve)
    query = commands.add_parser(
        "query",
        help="answer one question, by the running server where there is one",
        epilog='example: python -m retrieval query "how do I pause my plan?" --filter locale=en',
    )
    query.add_argument("text", metavar="QUESTION")
    query.add_argument("--index", action="append", default=[], metavar="NAME", help="repeatable")
    query.add_argument(
        "--filter",
        action="append",
        default=[],
        type=_filter,
        metavar="FIELD=VALUE",
        help="a declared field and its value, as text or JSON; repeatable",
    )
    query.add_argument("--max-passages", type=int, default=3, metavar="N", help="default 3")
    query.add_argument(
        "--max-tokens", type=int, default=1500, metavar="N", help="of all passages; default 1500"
    )
    query.add_argument(
        "--min-relevance", type=float, metavar="P", help="from 0 to 1; each index has its default"
    )
    query.add_argument("--explain", action="store_true", help="show what was dropped, and why")
    query.add_argument("--json", action="store_true", help="print JSON for a program")
    query.set_defaults(command=_query)
    for command in (serve, query):
        add_places(command)
    return parser


if __name__ == "__main__":
    leave(main())
