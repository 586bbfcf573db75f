"""What each command of python -m indexers does."""

import argparse
import dataclasses
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console

from generation.commands.output import Printer
from indexers.catalog import CatalogFile, load_catalog
from indexers.client import Client, connected
from indexers.errors import BROKEN_BY, CatalogError, IndexersError
from indexers.jobs.job import JobRequest
from indexers.progress import shown
from indexers.settings import open_state, open_store, settings_from_env, state_path
from indexers.status import index_status
from indexers.tables import print_diff, print_job, print_job_list, print_jobs, print_status

FAILED = 1
"""Some document, or a whole index, could not be indexed, or a job is not what was thought."""

WRONG = 2
"""The command or the catalog is not valid; nothing was touched."""

_LOOK_EVERY_S = 0.2


def run_command(args: argparse.Namespace) -> int:
    """Run the command that was chosen; its exit code.

    Raises:
        CatalogError: the catalog, or an index that it does not have.
        IndexersError: it cannot be done.
    """
    return _COMMANDS[args.name](args)


def _reindex(args: argparse.Namespace) -> int:
    _check_names(args)
    settings = settings_from_env(args.data_dir)
    with connected(settings, args.catalog, args.server, works=not args.no_wait) as client:
        jobs, errors = _submitted(client, args, dry_run=args.dry_run)
        if args.no_wait:
            return _print_waiting(jobs, errors, args)
        ended = _followed(client, jobs)
    if args.json:
        print(json.dumps({"jobs": ended, "errors": errors}, indent=2))
    else:
        print_jobs(ended, errors, Printer())
    return FAILED if errors or any(job["state"] != "succeeded" for job in ended) else 0


def _diff(args: argparse.Namespace) -> int:
    _check_names(args)
    settings = settings_from_env(args.data_dir)
    with connected(settings, args.catalog, args.server, works=True) as client:
        jobs, errors = _submitted(client, args, dry_run=True)
        found = {job["index"]: client.documents(job["id"]) for job in _followed(client, jobs)}
        errors |= {job["index"]: job["error"] for job in _latest(client, jobs) if job["error"]}
    if args.json:
        print(json.dumps({"documents": found, "errors": errors}, indent=2))
        return FAILED if errors else 0
    for index, documents in found.items():
        if documents and len(found) > 1:
            print(f"{index}:")
        print_diff(documents, Printer())
    if not errors and not any(found.values()):
        print("nothing would change", file=sys.stderr)
    for index, message in errors.items():
        print(f"stopped  {index}: {message}", file=sys.stderr)
    return FAILED if errors else 0


def _jobs(args: argparse.Namespace) -> int:
    with _looking(args) as client:
        jobs = client.jobs(args.index, args.limit)
    _print(args, {"jobs": jobs}, lambda console: print_job_list(jobs, console))
    return 0


def _job(args: argparse.Namespace) -> int:
    with _looking(args) as client:
        job = client.job(args.job)
        if args.follow:
            (job,) = _followed(client, [job])
        failures = client.documents(args.job, ["failed"]) if args.failures else []
    if args.failures:
        _print(args, {"failures": failures}, lambda console: print_diff(failures, console))
    else:
        _print(args, job, lambda console: print_job(job, console))
    return FAILED if args.follow and job["state"] != "succeeded" else 0


def _cancel(args: argparse.Namespace) -> int:
    with _looking(args) as client:
        job = client.cancel(args.job)
    _print(args, job, lambda console: print_job(job, console))
    return 0


def _retry(args: argparse.Namespace) -> int:
    settings = settings_from_env(args.data_dir)
    with connected(settings, args.catalog, args.server, works=True) as client:
        (job,) = _followed(client, [client.retry(args.job)])
    _print(args, job, lambda console: print_jobs([job], {}, console))
    return 0 if job["state"] == "succeeded" else FAILED


def _roll_back(args: argparse.Namespace) -> int:
    with _looking(args) as client:
        collection = client.roll_back(args.index)
    said = f"searches of {args.index} see {collection} again"
    _print(args, {"collection": collection}, lambda console: console.print(said, soft_wrap=True))
    return 0


def _status(args: argparse.Namespace) -> int:
    catalog = load_catalog(args.catalog)
    settings = settings_from_env(args.data_dir)
    there = settings.database_url is not None or state_path(settings).exists()
    state = open_state(settings) if there else None  # To look is not to make one.
    if state is None:
        print(f"note: {args.data_dir} holds no state: nothing was indexed there", file=sys.stderr)
    try:
        rows = [index_status(spec, state) for spec in catalog.values()]
    finally:
        if state is not None:
            state.close()
    listed = [dataclasses.asdict(row) for row in rows]
    _print(args, listed, lambda console: print_status(rows, console))
    return 0


def _worker(args: argparse.Namespace) -> int:
    from indexers.jobs.worker import Worker  # DBOS comes with it.

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    catalog = CatalogFile(args.catalog)
    catalog.current()
    settings = settings_from_env(args.data_dir)
    store = open_store(settings)
    state = open_state(settings)
    worker = Worker(store, state, catalog)
    print(f"worker {worker.id} is ready", file=sys.stderr, flush=True)
    try:
        stop.wait()
    finally:
        worker.close()
        store.close()
        state.close()
    return 0


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "reindex": _reindex,
    "diff": _diff,
    "jobs": _jobs,
    "job": _job,
    "cancel": _cancel,
    "retry": _retry,
    "rollback": _roll_back,
    "status": _status,
    "worker": _worker,
}


def _check_names(args: argparse.Namespace) -> None:
    """Check the catalog and the names before anything is opened; a server that is named has a
    catalog of its own."""
    if args.server:
        return
    catalog = load_catalog(args.catalog)
    for name in args.indexes:
        if name not in catalog:
            raise CatalogError(f"no index {name!r}; the catalog has: {', '.join(catalog)}")


def _looking(args: argparse.Namespace) -> Any:
    settings = settings_from_env(args.data_dir)
    return connected(settings, args.catalog, args.server, works=False)


def _submitted(
    client: Client, args: argparse.Namespace, *, dry_run: bool
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    jobs, errors = [], {}
    for name in args.indexes or client.indexes():
        request = JobRequest(
            index=name,
            full=args.full,
            dry_run=dry_run,
            allow_shrink=getattr(args, "allow_shrink", False),
        )
        try:
            jobs.append(client.submit(request))
        except BROKEN_BY:
            raise
        except IndexersError as exc:  # The other indexes are not held up by this one.
            errors[name] = str(exc)
            continue
        if not jobs[-1]["new"]:
            print(f"{name}: job {jobs[-1]['id']} is at work already", file=sys.stderr)
    return jobs, errors


def _followed(client: Client, jobs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The jobs as they ended, each shown until then."""
    ended = []
    for job in jobs:
        try:
            with shown(job["index"]) as on_progress:
                while (now := client.job(job["id"]))["silent_s"] is not None:
                    on_progress(now)
                    time.sleep(_LOOK_EVERY_S)
                on_progress(now)
        except KeyboardInterrupt:
            print(
                f"\njob {job['id']} goes on with the server or the workers, or with the next "
                f"command that indexes; to stop it: python -m indexers cancel {job['id']}",
                file=sys.stderr,
            )
            raise
        ended.append(now)
    return ended


def _latest(client: Client, jobs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [client.job(job["id"]) for job in jobs]


def _print_waiting(
    jobs: list[dict[str, Any]], errors: dict[str, str], args: argparse.Namespace
) -> int:
    if args.json:
        print(json.dumps({"jobs": jobs, "errors": errors}, indent=2))
    else:
        print_job_list(jobs, Printer())
        for index, message in errors.items():
            print(f"stopped  {index}: {message}", file=sys.stderr)
    return FAILED if errors else 0


def _print(args: argparse.Namespace, plain: Any, table: Callable[[Console], None]) -> None:
    if args.json:
        print(json.dumps(plain, indent=2))
    else:
        table(Printer())
