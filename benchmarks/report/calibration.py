"""Calibrations as text for people, the coefficients as the YAML that a catalog takes, and JSON."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.calibration import Calibration, Quality
from indexers.relevance import Relevance


def snippet(relevance: Relevance) -> str:
    """The line that goes under an index's `search:` in the catalog."""
    fields = ", ".join(f"{name}: {value:.3f}" for name, value in asdict(relevance).items())
    return f"relevance: {{{fields}}}"


def calibrations_to_json(calibrations: Mapping[str, Calibration]) -> dict[str, Any]:
    """All that was found, by content type, under the names of `Calibration`."""
    return {name: asdict(calibration) for name, calibration in calibrations.items()}


def print_calibrations(calibrations: Mapping[str, Calibration], console: Console) -> None:
    """Print each content type's coefficients, and how well calibrated they are."""
    for name, calibration in calibrations.items():
        console.print(f"# {name}", style="bold")
        console.print(snippet(calibration.relevance), highlight=False)
        for table in (_quality(calibration), _reliability(calibration), _thresholds(calibration)):
            console.print()
            console.print(table)
        console.print()


def _quality(calibration: Calibration) -> Table:
    table = _table("best hits", "", "Brier", "ECE", "answerable_AUROC", "questions")
    table.add_row("fitted on all", *_measured(calibration.quality))
    for corpus, quality in calibration.left_out.items():
        table.add_row(f"fitted without {corpus}, on it", *_measured(quality))
    return table


def _measured(quality: Quality) -> list[str]:
    auroc = "-" if quality.auroc is None else f"{quality.auroc:.3f}"
    return [f"{quality.brier:.3f}", f"{quality.ece:.3f}", auroc, str(quality.questions)]


def _reliability(calibration: Calibration) -> Table:
    table = _table("reliability", "predicted", "observed", "share of questions")
    for each in calibration.reliability:
        table.add_row(f"{each.predicted:.3f}", f"{each.observed:.3f}", f"{each.share:.3f}")
    return table


def _thresholds(calibration: Calibration) -> Table:
    table = _table(
        "thresholds",
        "min_relevance",
        "answerable kept",
        "of these with the right document first",
        "others' questions refused",
        "own unanswerable refused",
    )
    for each in calibration.thresholds:
        own = "-" if each.own_refused is None else f"{each.own_refused:.3f}"
        shares = [f"{share:.3f}" for share in (each.kept, each.right_kept, each.refused)]
        table.add_row(f"{each.min_relevance:.2f}", *shares, own)
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    for place, heading in enumerate(headings):
        first_is_text = place == 0 and not heading
        table.add_column(heading, justify="left" if first_is_text else "right", no_wrap=True)
    return table
