"""The indexers' tables for a terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from indexers.build import Report
from indexers.status import IndexStatus

_COUNTS = {
    "scanned": "scanned",
    "new": "new",
    "changed": "changed",
    "unchanged": "unchanged",
    "deleted": "deleted",
}


def print_reports(reports: Sequence[Report], errors: Mapping[str, str], console: Console) -> None:
    """A line an index, then everything that failed, then what was kept or skipped."""
    if reports:
        console.print(_summary(reports))
    for report in reports:
        for failure in report.failures:
            _line(console, f"failed   {report.index}: {failure.where}: {failure.reason}")
        for skip in report.skipped:
            _line(console, f"skipped  {report.index}: {skip.where}: {skip.reason}")
        if report.kept:
            why = "some lines could not be read, and they may be among them"
            _line(console, f"kept     {report.index}: {report.kept} missing documents: {why}")
    for index, message in errors.items():
        _line(console, f"stopped  {index}: {message}")


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


def _summary(reports: Sequence[Report]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("index")
    for title in (*_COUNTS.values(), "failed", "chunks generated", "chunks stored", "seconds"):
        table.add_column(title, justify="right")
    table.add_column("")
    for report in reports:
        counts = [str(getattr(report, name)) for name in _COUNTS]
        made = [str(report.chunks_generated), str(report.chunks_stored)]
        outcome = "dry run" if report.dry_run else ("switched" if report.switched else "in place")
        failed = str(len(report.failures))
        row = (report.index, *counts, failed, *made, f"{report.seconds:.1f}", outcome)
        table.add_row(*row)
    return table


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
