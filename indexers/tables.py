"""The indexers' tables for a terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from indexers.build import Report
from indexers.status import IndexStatus

_ROWS = {
    "scanned": "scanned",
    "new": "new",
    "changed": "changed",
    "unchanged": "unchanged",
    "deleted": "deleted",
    "failed": "failed",
    "chunks generated": "chunks_generated",
    "chunks stored": "chunks_stored",
}
"""What is shown of a report, by its title."""


def print_reports(reports: Sequence[Report], errors: Mapping[str, str], console: Console) -> None:
    """A column an index, then everything that failed, was kept or was skipped."""
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
    table.add_column("")
    for report in reports:
        table.add_column(report.index, justify="right")
    for title, name in _ROWS.items():
        values = [len(r.failures) if name == "failed" else getattr(r, name) for r in reports]
        table.add_row(title, *(f"{value:,}" for value in values))
    table.add_row("seconds", *(f"{report.seconds:.1f}" for report in reports))
    table.add_row("build", *map(_outcome, reports))
    return table


def _outcome(report: Report) -> str:
    if report.dry_run:
        return "dry run"
    return "switched to" if report.switched else "kept"


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
