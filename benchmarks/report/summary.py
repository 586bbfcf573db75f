"""Every measure of every run, each run compared with its data set's first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measures import Measure, parse
from benchmarks.records import Record, RunKey, Runs, in_common
from benchmarks.statistics import Estimate, Verdict
from chunkers.document import JSON

Measures = Mapping[str, tuple[Measure, ...]]
"""The measures to take of each data set, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One measure of one run. `verdict` is against the baseline, None in the baseline's own row."""

    run: RunKey
    measure: Measure
    estimate: Estimate
    verdict: Verdict | None


def summarise(runs: Runs, measures: Measures) -> tuple[Cell, ...]:
    """The cells of every run, in the runs' order; the first run of a data set is its baseline. Each
    is over the questions that all runs of the data set have.

    A measure that applies to no question of a data set has no cell there. Measures that lead are
    in front, and answers that failed and verdicts that are missing have cells where there are any,
    whether the suite names them or not.
    """
    return tuple(_cells(in_common(runs), measures))


def _cells(runs: Runs, measures: Measures) -> Iterator[Cell]:
    baselines: dict[str, RunKey] = {}
    shown = {name: _shown(runs, name, found) for name, found in measures.items()}
    for key, records in runs.items():
        baseline = baselines.setdefault(key.dataset, key)
        for measure in shown.get(key.dataset, ()):
            estimate = measure.estimate(records)
            if estimate is not None:
                verdict = None if key == baseline else _verdict(measure, records, runs[baseline])
                yield Cell(run=key, measure=measure, estimate=estimate, verdict=verdict)


def _shown(runs: Runs, dataset: str, named: Sequence[Measure]) -> list[Measure]:
    found = [*named]
    for measure in (parse("failed"), parse("unjudged")):
        values = [measure.estimate(runs[key]) for key in runs if key.dataset == dataset]
        if measure not in named and any(value and value.value for value in values):
            found.append(measure)
    return sorted(found, key=lambda measure: not measure.leads)


def _verdict(
    measure: Measure, records: Sequence[Record], baseline: Sequence[Record]
) -> Verdict | None:
    difference = measure.difference(records, baseline)
    if difference is None:
        return None
    return difference.verdict(lower_is_better=measure.lower_is_better)


def to_json(cells: Iterable[Cell]) -> list[dict[str, JSON]]:
    """The rows of summary.json: dataset, build, search, answerer (null where a search was run by
    itself), measure, value, low, high, queries."""
    return [
        {
            "dataset": cell.run.dataset,
            "build": cell.run.build,
            "search": cell.run.search,
            "answerer": cell.run.answerer,
            "measure": repr(cell.measure),
            "value": cell.estimate.value,
            "low": cell.estimate.low,
            "high": cell.estimate.high,
            "queries": cell.estimate.queries,
        }
        for cell in cells
    ]
