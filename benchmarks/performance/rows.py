"""A measured value and its target, and the table of them."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure. A target is met when `value` lies within `least` and `most`; without either
    the row only informs. `decimals` are those worth showing."""

    name: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None
    decimals: int = 2

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.least is None and self.most is None:
            return None
        above = self.least is None or self.value >= self.least
        return above and (self.most is None or self.value <= self.most)

    @property
    def target(self) -> str:
        """The target as people write it; empty where there is none."""
        limits = (("≥", self.least), ("≤", self.most))
        return " ".join(
            f"{sign} {limit:,.{self.decimals}f}" for sign, limit in limits if limit is not None
        )


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of the values lie, between neighbours by straight line.

    Raises `ValueError` when there are none.
    """
    if not values:
        raise ValueError("no values have no percentile")
    return float(np.percentile(np.asarray(values), percent))


def print_rows(title: str, rows: Iterable[Row], console: Console) -> None:
    """Print a table with a line for each row."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.add_column("measure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in rows:
        value = f"{row.value:,.{row.decimals}f}"
        table.add_row(row.name, value, row.unit, row.target, _MARKS[row.met])
    console.print(table)
    console.print()


_MARKS = {
    True: Text("met", "green"),
    False: Text("not met", "bold red"),
    None: Text(""),
}


def to_json(part: str, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows of a part as JSON objects."""
    return [{"part": part, **asdict(row), "met": row.met} for row in rows]
