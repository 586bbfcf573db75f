"""The data engineer's door: python -m indexers."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence

from rich.console import Console

from indexers.build import Options, Report, reindex
from indexers.catalog import IndexSpec, load_catalog
from indexers.errors import CatalogError, IndexersError
from indexers.progress import shown
from indexers.settings import add_places, open_store, settings_from_env, state_path
from indexers.state import State
from indexers.status import index_status
from indexers.tables import print_reports, print_status

FAILED = 1
"""Some document, or a whole index, could not be indexed."""

WRONG = 2
"""The command or the catalog is not valid; nothing was touched."""

BROKEN = 3
"""The store or the state cannot be used; nothing was touched."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, FAILED, WRONG or BROKEN."""
    args = _parser().parse_args(arguments)
    try:
        catalog = load_catalog(args.catalog)
        return int(args.command(args, catalog))
    except CatalogError as exc:
        print(f"catalog: {exc}", file=sys.stderr)
        return WRONG
    except IndexersError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return BROKEN


def _reindex(args: argparse.Namespace, catalog: dict[str, IndexSpec]) -> int:
    specs = [_named(catalog, name) for name in args.names or catalog]
    settings = settings_from_env(args.data_dir)
    options = Options(full=args.full, dry_run=args.dry_run, allow_shrink=args.allow_shrink)
    store, state = open_store(settings), State(state_path(settings))
    reports: list[Report] = []
    errors: dict[str, str] = {}
    try:
        for spec in specs:
            try:
                with shown(spec.name) as on_progress:
                    reports.append(reindex(spec, store, state, options, on_progress))
            except IndexersError as exc:  # The other indexes are not held up by this one.
                errors[spec.name] = str(exc)
    finally:
        store.close()
        state.close()
    if args.json:
        done = [dataclasses.asdict(report) for report in reports]
        print(json.dumps({"reports": done, "errors": errors}, indent=2))
    else:
        print_reports(reports, errors, Console())
    return FAILED if errors or any(report.failures for report in reports) else 0


def _status(args: argparse.Namespace, catalog: dict[str, IndexSpec]) -> int:
    path = state_path(settings_from_env(args.data_dir))
    state = State(path) if path.exists() else None  # To look is not to make one.
    if state is None:
        print(f"note: {args.data_dir} holds no state: nothing was indexed there", file=sys.stderr)
    try:
        rows = [index_status(spec, state) for spec in catalog.values()]
    finally:
        if state is not None:
            state.close()
    if args.json:
        print(json.dumps([dataclasses.asdict(row) for row in rows], indent=2))
    else:
        print_status(rows, Console())
    return 0


def _named(catalog: dict[str, IndexSpec], name: str) -> IndexSpec:
    if name not in catalog:
        raise CatalogError(f"no index {name!r}; the catalog has: {', '.join(catalog)}")
    return catalog[name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m indexers", description="Bring indexes up to their sources, and see them."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = _command(
        commands,
        "reindex",
        _reindex,
        "index what is new, changed or deleted in the sources",
        "python -m indexers reindex articles --dry-run",
    )
    run.add_argument("names", nargs="*", metavar="NAME", help="indexes; all without one")
    run.add_argument("--full", action="store_true", help="build anew beside the live index")
    run.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    run.add_argument(
        "--allow-shrink",
        action="store_true",
        help="let an index lose more than half of its documents",
    )
    _command(
        commands,
        "status",
        _status,
        "show each index: build, documents, chunks, when, from what",
        "python -m indexers status --json",
    )
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    function: object,
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example: {example}"
    )
    add_places(parser)
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    parser.set_defaults(command=function)
    return parser


if __name__ == "__main__":
    sys.exit(main())
