"""Tables: lines whose cells stand under each other."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from chunkers.readers.pdf.lines import Line, is_figure
from chunkers.readers.pdf.pdfium import Run
from chunkers.readers.pipes import pipe_table

Interval = tuple[float, float]
_LOOSE_ROWS = 3
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(slots=True)
class Grid:
    """A table of equally long rows, the first `heads` of its lines folded into its header."""

    page: int
    columns: list[Interval]
    header: list[str]
    rows: list[list[str]]
    own_header: bool

    def text(self) -> str:
        """Return the table as Markdown."""
        return pipe_table(self.header, self.rows)

    def continues(self, before: "Grid") -> bool:
        """Whether this is the rest of a table that a page's end cut."""
        if len(self.columns) != len(before.columns):
            return False
        return not self.own_header or self.header == before.header

    def append(self, rest: "Grid") -> None:
        """Take over the rows of the rest, and its header where that is in truth a row."""
        if rest.header != self.header:
            self.rows.append(rest.header)
        self.rows.extend(rest.rows)


def grid_at(lines: Sequence[Line], start: int) -> tuple[Grid, int] | None:
    """Return the table that starts at a line and the index after it, if one does."""
    end = _reach(lines, start)
    while end - start >= 2:
        block = lines[start:end]
        columns = _columns(block)
        if len(columns) >= 2 and _is_filled(block, columns):
            return _grid(block, columns), end
        end = _shorter(lines, start, end)
    return None


def _reach(lines: Sequence[Line], start: int) -> int:
    """Return the end of the lines that hang together and of which most have cells."""
    if len(lines[start].cells) < 2 and not _heads_table(lines, start):
        return start
    end, loose = start + 1, 0
    for index in range(start + 1, len(lines)):
        before, line = lines[index - 1], lines[index]
        apart = (line.page, line.area) != (before.page, before.area)
        if apart or line.top - before.bottom > 2.2 * line.size:
            break
        if len(line.cells) >= 2:
            end, loose = index + 1, 0
        elif loose == _LOOSE_ROWS or not _fits_label(line, lines[start:end]):
            break
        else:
            loose += 1
    return end


def _heads_table(lines: Sequence[Line], start: int) -> bool:
    """Whether a line with one cell is a header that spans columns of the rows right below it."""
    line, below = lines[start], lines[start + 1 : start + 4]
    if not any(len(other.cells) >= 2 for other in below[:2]):
        return False
    near = 0 <= below[0].top - line.bottom < line.size
    left, right = min(other.x0 for other in below), max(other.x1 for other in below)
    return near and line.x0 > left + 0.3 * (right - left)


def _fits_label(line: Line, block: Sequence[Line]) -> bool:
    """Whether a line with one cell may be a row's label: it ends before the last columns."""
    right = max(other.x1 for other in block)
    left = min(other.x0 for other in block)
    return line.x1 < left + 0.75 * (right - left)


def _shorter(lines: Sequence[Line], start: int, end: int) -> int:
    """Drop the last row with cells, and what follows it."""
    end -= 1
    while end > start and len(lines[end - 1].cells) < 2:
        end -= 1
    return end


def _columns(block: Sequence[Line]) -> list[Interval]:
    """Return the columns of the fullest rows: where cells overlap they are one column."""
    many = [line for line in block if len(line.cells) >= 2]
    usual = median(len(line.cells) for line in many)
    cells = sorted(
        (cell.x0, cell.x1) for line in many if len(line.cells) >= usual for cell in line.cells
    )
    columns = [cells[0]]
    for x0, x1 in cells[1:]:
        if x0 < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], x1))
        else:
            columns.append((x0, x1))
    return columns


def _is_filled(block: Sequence[Line], columns: Sequence[Interval]) -> bool:
    """Whether this is no accident of wide gaps: enough rows, most of them with most columns."""
    many = [line for line in block if len(line.cells) >= 2]
    if len(many) < 2 or (len(many) == 2 and len(columns) < 3):
        return False
    return sum(len(line.cells) for line in many) >= 0.5 * len(many) * len(columns)


def _grid(block: Sequence[Line], columns: list[Interval]) -> Grid:
    heads = _header_lines(block, columns)
    header = [""] * len(columns)
    for line in block[:heads]:
        for cell in line.cells:
            for column in _covered(cell, columns):
                header[column] = f"{header[column]} {cell.text}".strip()
    rows: list[list[str]] = []
    for before, line in pairwise([block[0], *block[heads:]]):
        row = _row(line, columns)
        if rows and _wraps(rows[-1], row, before, line):
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    if not heads and not any(is_figure(cell.text) for cell in block[0].cells):
        header, rows = rows[0], rows[1:]
    return Grid(block[0].page, columns, header, rows, heads > 0)


def _header_lines(block: Sequence[Line], columns: Sequence[Interval]) -> int:
    """Count the lines above the first that has figures, or that is a label alone."""
    for index, line in enumerate(block):
        first = _nearest(line.cells[0], columns) == 0
        if first and len(line.cells) == 1 and index:
            return index
        if any(is_figure(c.text) and not _YEAR.fullmatch(c.text) for c in line.cells[first:]):
            return index
    bold = [line.bold for line in block]  # no figures at all: a header is what is set apart
    return 1 if bold[0] and not bold[-1] else 0


def _row(line: Line, columns: Sequence[Interval]) -> list[str]:
    row = [""] * len(columns)
    for cell in line.cells:
        column = _nearest(cell, columns)
        row[column] = f"{row[column]} {cell.text}".strip()
    return row


def _wraps(last: list[str], row: list[str], before: Line, line: Line) -> bool:
    """Whether a row goes on with the row above it: its label begins in the middle of a phrase."""
    if line.top - before.bottom > 0.5 * line.size or line.bold != before.bold:
        return False
    if not row[0]:  # further lines of cells that are taller than their label
        return any(last[1:]) and not any(map(is_figure, row))
    label_only = not any(last[1:]) and bool(last[0])
    return label_only and not last[0].endswith(":") and row[0][0].islower()


def _covered(cell: Run, columns: Sequence[Interval]) -> list[int]:
    """Return the columns that a header cell stands over; it may span several."""
    over = [i for i, (x0, x1) in enumerate(columns) if cell.x0 < x1 and cell.x1 > x0]
    return over or [_nearest(cell, columns)]


def _nearest(cell: Run, columns: Sequence[Interval]) -> int:
    def overlap(index: int) -> float:
        return min(cell.x1, columns[index][1]) - max(cell.x0, columns[index][0])

    return max(range(len(columns)), key=overlap)
