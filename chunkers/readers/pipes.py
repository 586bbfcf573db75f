"""Markdown's pipe tables, which every reader writes tables as."""

from collections.abc import Iterable, Sequence


def pipe_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; its rows are as long as its header."""
    ruler = "|" + " --- |" * len(header)
    return "\n".join([_row(header), ruler, *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    """Return one row; its cells' own pipes are escaped and their lines folded."""
    folded = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return "| " + " | ".join(folded) + " |"
