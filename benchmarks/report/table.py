"""The summary as tables: a data set a table, a run a row, a measure a column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.measures import Measure
from benchmarks.records import RunKey
from benchmarks.report.summary import Cell
from benchmarks.statistics import LEVEL, Verdict

_Column = Mapping[RunKey, Cell]

_MARK_WIDTH = 3
"""A column of marks, with the space beside it; any other column has as much space of its own."""

_MARKS = {
    Verdict.BETTER: ("▲", "green"),
    Verdict.WORSE: ("▼", "red"),
    Verdict.NO_WINNER: ("=", "dim"),
}


LEGEND = (
    "± is half the 95% interval, n the number of questions. Against the first row, question by "
    f"question: ▲ better, ▼ worse, = no winner (p is {LEVEL} or above; `compare` shows it)."
)


def print_cells(cells: Iterable[Cell], console: Console) -> None:
    """Print the tables of all data sets, each as wide as the console allows."""
    for dataset, found in groupby(cells, key=lambda cell: cell.run.dataset):
        for table in _tables(dataset, list(found), console.width):
            console.print(table)
            console.print()
    console.print(LEGEND, style="dim")


def rounded(value: float, measure: Measure) -> str:
    """A value of a measure with the decimals that are worth showing."""
    return f"{value:.{measure.decimals}f}"


def _tables(dataset: str, cells: Sequence[Cell], width: int) -> Iterator[Table]:
    runs = list(dict.fromkeys(cell.run for cell in cells))
    label = max(len(_label(run, runs)) for run in runs)
    by_measure: dict[Measure, dict[RunKey, Cell]] = {}
    for cell in cells:
        by_measure.setdefault(cell.measure, {})[cell.run] = cell
    for columns in _packed(list(by_measure.values()), width - label - _MARK_WIDTH):
        table = Table(title=dataset, title_justify="left", title_style="bold", box=None)
        table.add_column("", no_wrap=True)
        for column in columns:
            table.add_column(_heading(column), justify="right", no_wrap=True)
            table.add_column("", width=1)
        for run in runs:
            table.add_row(
                _label(run, runs), *(text for c in columns for text in _texts(c.get(run)))
            )
        yield table


def _packed(columns: Sequence[_Column], room: int) -> Iterator[list[_Column]]:
    """As many columns at a time as there is room for, and one at the least."""
    packed: list[_Column] = []
    left = room
    for column in columns:
        values = [len(_texts(cell)[0]) for cell in column.values()]
        heading = max(map(len, _heading(column).splitlines()))
        width = max(heading, *values) + 2 * _MARK_WIDTH
        if packed and width > left:
            yield packed
            packed, left = [], room
        packed.append(column)
        left -= width
    yield packed


def _label(run: RunKey, runs: Sequence[RunKey]) -> str:
    return f"{run.system} (baseline)" if run == runs[0] else run.system


def _heading(column: _Column) -> str:
    """The measure, and of how many questions: answers differ in which ones they can be taken of."""
    name = next(repr(cell.measure) for cell in column.values())
    counts = [cell.estimate.queries for cell in column.values()]
    least, most = min(counts), max(counts)
    return f"{name}\nn={least}" if least == most else f"{name}\nn={least} to {most}"


def _texts(cell: Cell | None) -> tuple[Text, Text]:
    """A value with half its interval, and its mark."""
    if cell is None:
        return Text("-", style="dim"), Text()
    half = (cell.estimate.high - cell.estimate.low) / 2
    value = f"{rounded(cell.estimate.value, cell.measure)} ±{rounded(half, cell.measure)}"
    mark, style = _MARKS[cell.verdict] if cell.verdict else ("", "")
    return Text(value), Text(mark, style=style)
