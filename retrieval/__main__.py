"""The chatbot engineer's door: python -m retrieval."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console

from generation.commands.output import Printer, print_json, written
from generation.errors import ConfigurationError, GenerationError, PromptError
from generation.settings import add_generation
from indexers.catalog import CatalogFile
from indexers.errors import CatalogError, IndexersError
from indexers.leaving import leave
from indexers.settings import add_places, open_state, open_store, settings_from_env
from retrieval.engine import Engine
from retrieval.errors import InvalidQueryError, RetrievalError, SettingsError, UnauthorizedError
from retrieval.show import show_answer, show_passages

Show = Callable[[Mapping[str, Any], Console], None]

NOT_ANSWERED = 1
"""Nothing answers the question."""

WRONG = 2
"""The command, the catalog, the query or a key is not valid."""

BROKEN = 3
"""The store, the state or a model cannot be used, or an index was never indexed."""

INTERRUPTED = 130
"""By Ctrl-C, as a shell counts it."""

_MISTAKES = (
    CatalogError,
    ConfigurationError,
    InvalidQueryError,
    PromptError,
    SettingsError,
    UnauthorizedError,
)
"""Of whoever gave the command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, NOT_ANSWERED, WRONG, BROKEN or INTERRUPTED."""
    args = _parser().parse_args(arguments)
    try:
        return int(args.command(args))
    except _MISTAKES as exc:
        valid = getattr(exc, "valid", ())
        print(f"error: {exc}" + (f"; valid: {', '.join(valid)}" if valid else ""), file=sys.stderr)
        return WRONG
    except (GenerationError, IndexersError, RetrievalError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return BROKEN
    except KeyboardInterrupt:
        return INTERRUPTED


def _serve(args: argparse.Namespace) -> int:
    from indexers.jobs.service import Service
    from indexers.jobs.worker import Worker
    from retrieval.api.auth import Keys
    from retrieval.api.serve import serve
    from retrieval.writers import open_writers

    settings = settings_from_env(args.data_dir)
    catalog = CatalogFile(args.catalog)
    catalog.current()
    Keys.from_env()  # What is wrong is said before a worker takes up jobs.
    writers = open_writers(args.generation, args.data_dir)
    store, state = open_store(settings), open_state(settings)
    # One process owns the embedded store, so the jobs run in it; a Qdrant server is for workers.
    embedded = settings.qdrant_url is None
    worker = Worker(store, state, catalog, yields=True) if embedded else None
    service = Service(catalog, lambda: store, state, worker.wake if worker else lambda: None)
    engine = Engine(catalog, store, state)
    serve(engine, service, worker, writers, host=args.host, port=args.port, data_dir=args.data_dir)
    return 0


def _query(args: argparse.Namespace) -> int:
    from retrieval.ask import passages_for

    return _shown(args, passages_for(args), show_passages)


def _answer(args: argparse.Namespace) -> int:
    from retrieval.ask import answer_to

    return _shown(args, answer_to(args), show_answer)


def _shown(args: argparse.Namespace, answer: dict[str, Any], show: Show) -> int:
    if args.json:
        print_json(answer)
    else:
        show(answer, Printer())
    return 0 if answer["answerable"] else NOT_ANSWERED


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
        prog="python -m retrieval", description="Answer questions over HTTP or from a terminal."
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
        help="the passages that answer a question, from the running server where there is one",
        epilog='example: python -m retrieval query "how do I pause my plan?" --filter locale=en',
    )
    _add_question(query)
    query.add_argument("--explain", action="store_true", help="show what was dropped, and why")
    query.set_defaults(command=_query)
    answer = commands.add_parser(
        "answer",
        help="the answer to a question, with citations",
        epilog='example: python -m retrieval answer "how do I pause my plan?"',
    )
    _add_question(answer)
    answer.add_argument(
        "--answerer",
        metavar="NAME",
        help="'extractive', or a use case of the gateway, which a running server has of its own",
    )
    add_generation(answer)
    answer.set_defaults(command=_answer)
    for command in (serve, query, answer):
        add_places(command)
    return parser


def _add_question(command: argparse.ArgumentParser) -> None:
    command.add_argument("text", metavar="QUESTION")
    command.add_argument("--index", action="append", default=[], metavar="NAME", help="repeatable")
    command.add_argument(
        "--filter",
        action="append",
        default=[],
        type=_filter,
        metavar="FIELD=VALUE",
        help="a declared field and its value, as text or JSON; repeatable",
    )
    command.add_argument("--max-passages", type=int, default=3, metavar="N", help="default 3")
    command.add_argument(
        "--max-tokens", type=int, default=1500, metavar="N", help="of all passages; default 1500"
    )
    command.add_argument(
        "--min-relevance", type=float, metavar="P", help="from 0 to 1; each index has its default"
    )
    command.add_argument("--json", action="store_true", help="print JSON for a program")


if __name__ == "__main__":
    leave(written(main))
