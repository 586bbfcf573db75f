"""The indexers' tables for a terminal; jobs come as the JSON objects of `indexers.jobs.view`."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from indexers.status import IndexStatus

JobView = Mapping[str, Any]

_ROWS = {
    "scanned": ("documents", "scanned"),
    "new": ("documents", "new"),
    "modified": ("documents", "modified"),
    "unchanged": ("documents", "unchanged"),
    "deleted": ("documents", "deleted"),
    "skipped": ("documents", "skipped"),
    "failed": ("documents", "failed"),
    "chunks generated": ("chunks", "generated"),
    "texts embedded": ("chunks", "embedded"),
    "texts reused": ("chunks", "reused"),
    "chunks stored": ("chunks", "stored"),
}
"""What is shown of a job that has ended, by its title."""

_MARKS = {"new": "+", "modified": "~", "deleted": "-", "unlisted": "!", "skipped": "."}


def print_jobs(jobs: Sequence[JobView], errors: Mapping[str, str], console: Console) -> None:
    """A column a job that has ended, then everything that failed or was kept."""
    if jobs:
        console.print(_summary(jobs))
    for job in jobs:
        _details(job, console)
    for index, message in errors.items():
        line(console, f"stopped  {index}: {message}")


def print_job(job: JobView, console: Console) -> None:
    """One job, whatever its state."""
    table = Table(box=None, pad_edge=False, show_header=False)
    progress = job["progress"]
    done = f"{progress['documents']:,} of {progress['total']:,} documents"
    if progress["seconds_left"] is not None:
        done += f", {progress['per_second']} a second, {progress['seconds_left']:.0f} s left"
    for title, text in {
        "job": job["id"],
        "index": f"{job['index']}, {job['mode']}{', dry run' if job['dry_run'] else ''}",
        "asked for by": job["trigger"],
        "state": job["state"] + (f" ({job['stage']})" if job["silent_s"] is not None else ""),
        "done": done,
        "collection": job["collection"] or "-",
    }.items():
        table.add_row(title, text)
    for state, at in job["times"].items():
        table.add_row(f"  {state}", at)
    for title, (group, name) in _ROWS.items():
        table.add_row(title, _number(job[group][name]))
    console.print(table)
    if job["note"]:
        line(console, f"note     {job['note']}")
    _details(job, console)


def print_job_list(jobs: Sequence[JobView], console: Console) -> None:
    """A line a job."""
    table = Table(box=None, pad_edge=False)
    for name in ("job", "index", "mode", "state"):
        table.add_column(name, no_wrap=name in ("job", "state"))
    for name in ("done", "total", "failed"):
        table.add_column(name, justify="right")
    table.add_column("since")
    for job in jobs:
        progress, since = job["progress"], list(job["times"].values())[-1]
        state = "stuck" if job["stuck"] else job["state"]
        counts = (progress["documents"], progress["total"], job["documents"]["failed"])
        mode = "dry run" if job["dry_run"] else job["mode"]
        numbers = [f"{count:,}" for count in counts]
        table.add_row(job["id"], job["index"], mode, state, *numbers, since[:19].replace("T", " "))
    console.print(table)


def print_diff(documents: Sequence[Mapping[str, Any]], console: Console) -> None:
    """A line a document that a re-index would write, delete, fail at or skip."""
    for document in documents:
        mark = _MARKS[document["action"]]
        reason = f": {document['reason']}" if document["reason"] else ""
        line(console, f"{mark} {document['document_id']}{reason}")


def print_status(rows: Sequence[IndexStatus], console: Console) -> None:
    """A line an index."""
    table = Table(box=None, pad_edge=False)
    for name in ("index", "type", "build"):
        table.add_column(name)
    for name in ("documents", "chunks"):
        table.add_column(name, justify="right")
    table.add_column("indexed at")
    table.add_column("source", overflow="fold")
    for row in rows:
        build = row.build or "never indexed"
        note = "" if row.current or not row.build else " (catalog has changed)"
        counts = (str(row.documents), str(row.chunks))
        indexed_at = row.indexed_at or "-"
        table.add_row(row.index, row.content_type, build + note, *counts, indexed_at, row.source)
    console.print(table)


def line(console: Console, text: str) -> None:
    """A line as it is, however long."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _summary(jobs: Sequence[JobView]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for job in jobs:
        table.add_column(job["index"], justify="right")
    for title, (group, name) in _ROWS.items():
        table.add_row(title, *(_number(job[group][name]) for job in jobs))
    table.add_row("build", *map(_outcome, jobs))
    return table


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _outcome(job: JobView) -> str:
    if job["dry_run"]:
        return "dry run"
    if job["state"] not in ("succeeded", "succeeded_with_failures"):
        return str(job["state"])
    return "switched to" if job["switches"] else "kept"


def _details(job: JobView, console: Console) -> None:
    for failure in job["failures"]:
        line(console, f"failed   {job['index']}: {failure['where']}: {failure['reason']}")
    if job["documents"]["failed"] > len(job["failures"]):
        more = job["documents"]["failed"] - len(job["failures"])
        line(console, f"         {more} more: python -m indexers job {job['id']} --failures")
    if job["documents"]["kept"]:
        why = "some of its source could not be read, and they may be among that"
        line(
            console, f"kept     {job['index']}: {job['documents']['kept']} missing documents: {why}"
        )
    if job["error"]:
        line(console, f"stopped  {job['index']}: {job['error']}")
