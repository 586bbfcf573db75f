"""Two systems side by side, on the same questions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.errors import RecordsError
from benchmarks.measures import Measure, PerQuestion
from benchmarks.records import Record, RunKey, Runs, in_common
from benchmarks.report.summary import Measures
from benchmarks.report.table import rounded
from benchmarks.statistics import LEVEL, Difference, Verdict
from chunkers.document import JSON

LEGEND = (
    f"The verdict goes by p alone: better or worse below {LEVEL}, else no winner. The interval is "
    "another estimate, and a little too narrow with few questions: there it may leave out 0 beside "
    "no winner."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A measure of two systems on one data set, over the questions that it can be taken of in both;
    the difference is `other` less `baseline`."""

    dataset: str
    measure: Measure
    baseline: float
    other: float
    difference: Difference

    @property
    def verdict(self) -> Verdict:
        """What can be said of the other system."""
        return self.difference.verdict(lower_is_better=self.measure.lower_is_better)

    def to_json(self) -> dict[str, JSON]:
        """One object of what `compare --json` prints."""
        return {
            "dataset": self.dataset,
            "measure": repr(self.measure),
            "baseline": self.baseline,
            "other": self.other,
            "difference": self.difference.value,
            "low": self.difference.low,
            "high": self.difference.high,
            "p": self.difference.p,
            "queries": self.difference.queries,
            "verdict": str(self.verdict),
        }


def compare(runs: Runs, measures: Measures, baseline: str, other: str) -> tuple[Comparison, ...]:
    """Every measure of two systems, by their names, on the data sets that both were run on, over
    the questions that both were asked.

    Raises:
        RecordsError: there is no such system, or no data set that both were run on.
    """
    systems = {key.system: key for key in runs}
    for name in (baseline, other):
        if name not in systems:
            raise RecordsError(f"no run of {name!r}; there are: {', '.join(systems)}")
    found = tuple(_comparisons(runs, measures, systems[baseline], systems[other]))
    if not found:
        raise RecordsError(f"{baseline!r} and {other!r} have no measure on one data set in common")
    return found


def print_comparisons(
    comparisons: Iterable[Comparison], baseline: str, other: str, console: Console
) -> None:
    """Print one row a measure, and what decides."""
    table = Table(title=f"{other} against {baseline}", title_justify="left", box=None)
    table.add_column("data set", no_wrap=True)
    table.add_column("measure", no_wrap=True)
    for heading in ("baseline", "other", "difference", "95% interval", "p", "questions"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for comparison in comparisons:
        table.add_row(comparison.dataset, repr(comparison.measure), *_values(comparison))
    console.print(table)
    console.print(LEGEND, style="dim")


def _comparisons(
    runs: Runs, measures: Measures, baseline: RunKey, other: RunKey
) -> Iterator[Comparison]:
    for dataset in dict.fromkeys(key.dataset for key in runs):
        keys = baseline._replace(dataset=dataset), other._replace(dataset=dataset)
        if any(key not in runs for key in keys):
            continue
        both = in_common({key: runs[key] for key in keys})
        theirs, ours = (both[key] for key in keys)
        for measure in measures.get(dataset, ()):
            difference = measure.difference(ours, theirs)
            before = measure.estimate(_measured(measure, theirs, ours))
            after = measure.estimate(_measured(measure, ours, theirs))
            if before and after and difference:
                yield Comparison(
                    dataset=dataset,
                    measure=measure,
                    baseline=before.value,
                    other=after.value,
                    difference=difference,
                )


def _measured(
    measure: Measure, records: Sequence[Record], others: Sequence[Record]
) -> Sequence[Record]:
    """The records of questions that can be measured in others too, where that is by question."""
    if not isinstance(measure, PerQuestion):
        return records
    both = {other.query_id for other in others if measure.applies(other)}
    return [record for record in records if record.query_id in both and measure.applies(record)]


def _values(comparison: Comparison) -> tuple[str, ...]:
    measure, difference = comparison.measure, comparison.difference
    low, high = rounded(difference.low, measure), rounded(difference.high, measure)
    return (
        rounded(comparison.baseline, measure),
        rounded(comparison.other, measure),
        f"{difference.value:+.{measure.decimals}f}",
        f"[{low}, {high}]",
        f"{difference.p:.4f}",
        str(difference.queries),
        str(comparison.verdict),
    )
