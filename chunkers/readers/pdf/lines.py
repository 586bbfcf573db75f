"""Runs of text in, lines in reading order out."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from chunkers.readers.pdf.pdfium import Page, Run

# A gap this wide, in font sizes, sets table cells apart; justified prose stays below it.
_CELL_GAP = 1.5
_FIGURE_GAP = 0.5
_FIGURE = re.compile(r"[($\u20ac\u00a3+\-\u2212]*\d[\d.,]*[)%]*|[\u2014\u2013-]")
_BEFORE = frozenset({"$", "\u20ac", "\u00a3", "(", "$("})
_AFTER = frozenset({")", "%", ")%", "%)"})
# Prose joins what a font change or a ligature set apart; above this there is a space between.
_WORD_GAP = 0.15
_MARKERS = frozenset(
    ["•", "◦", "▪", "●", "○", "■", "‣", "\u2043", "·", "\u2013", "-", "*", "\uf0b7", "o"]
)


@dataclass(slots=True)
class Line:
    """Runs side by side on a page; `area` numbers the page's columns in reading order."""

    page: int
    area: int
    cells: list[Run]

    @property
    def text(self) -> str:
        """All of the line's text."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def x0(self) -> float:
        """Where the line starts."""
        return self.cells[0].x0

    @property
    def x1(self) -> float:
        """Where the line ends."""
        return max(cell.x1 for cell in self.cells)

    @property
    def top(self) -> float:
        """The upper edge of the tallest cell."""
        return min(cell.top for cell in self.cells)

    @property
    def bottom(self) -> float:
        """The lower edge of the lowest cell."""
        return max(cell.bottom for cell in self.cells)

    @property
    def size(self) -> float:
        """The font size of the longest cell."""
        return max(self.cells, key=lambda cell: len(cell.text)).size

    @property
    def bold(self) -> bool:
        """Whether all of the line is bold."""
        return all(cell.bold for cell in self.cells)


def lines_of(page: Page) -> list[Line]:
    """Return a page's lines in reading order: down each column, the left one first."""
    lines: list[Line] = []
    for area, runs in enumerate(_areas(page.runs)):
        lines.extend(Line(page.number, area, _cells(row)) for row in _rows(runs))
    return lines


def _rows(runs: Iterable[Run]) -> list[list[Run]]:
    """Gather runs whose centre lines nearly meet, top to bottom, each row from the left."""
    rows: list[list[Run]] = []
    for run in sorted(runs, key=lambda run: run.middle):
        height = min(run.size, rows[-1][0].size) if rows else 0
        if rows and run.middle - rows[-1][0].middle <= 0.45 * height:
            rows[-1].append(run)
        else:
            rows.append([run])
    return [sorted(row, key=lambda run: run.x0) for row in rows]


def _cells(row: Sequence[Run]) -> list[Run]:
    """Join neighbours that are one cell: prose, a list's marker, a currency sign, a bracket."""
    cells = [row[0]]
    for run in row[1:]:
        last = cells[-1]
        gap = run.x0 - last.x1
        size = max(run.size, last.size)
        sign = last.text in _BEFORE or (run.text in _AFTER and gap < 3 * size)
        marker = len(cells) == 1 and is_marker(last.text) and gap < 6 * size
        figures = is_figure(last.text) and is_figure(run.text)
        limit = _FIGURE_GAP if figures or run.text in _BEFORE else _CELL_GAP
        if sign or marker or gap < limit * size:
            glued = not marker and (sign or gap < _WORD_GAP * size)
            cells[-1] = _joined(last, run, "" if glued else " ")
        else:
            cells.append(run)
    return cells


def _joined(left: Run, right: Run, space: str) -> Run:
    longer = max(left, right, key=lambda run: len(run.text))
    return Run(
        text=left.text + space + right.text,
        x0=left.x0,
        x1=max(left.x1, right.x1),
        top=min(left.top, right.top),
        bottom=max(left.bottom, right.bottom),
        size=longer.size,
        bold=left.bold and right.bold,
    )


def is_figure(text: str) -> bool:
    """Whether a text is an amount, a share, or the dash that stands for none."""
    return bool(_FIGURE.fullmatch(text))


def is_marker(text: str) -> bool:
    """Whether a text is a list item's bullet or number."""
    if text in _MARKERS:
        return True
    bare = text.strip("()").rstrip(".)")
    return (
        bare != text
        and len(bare) <= 2
        and (bare.isdecimal() or (len(bare) == 1 and bare.isalpha()))
    )


def _areas(runs: list[Run]) -> Iterator[list[Run]]:
    """Yield the runs of each area: full-width bands, and between them the left and right column."""
    gutter = _gutter(runs)
    if gutter is None:
        yield runs
        return
    band: list[Run] = []
    crossing = sorted((run for run in runs if _crosses(run, gutter)), key=lambda run: run.middle)
    rest = [run for run in runs if not _crosses(run, gutter)]
    for run in crossing:
        above = [other for other in rest if other.middle < run.middle]
        if above and band:
            yield band
            band = []
        yield from _columns(above, gutter)
        rest = [other for other in rest if other.middle >= run.middle]
        band.append(run)
    if band:
        yield band
    yield from _columns(rest, gutter)


def _columns(runs: Iterable[Run], gutter: float) -> Iterator[list[Run]]:
    halves: tuple[list[Run], list[Run]] = ([], [])
    for run in runs:
        halves[run.x0 >= gutter].append(run)
    yield from (half for half in halves if half)


def _crosses(run: Run, x: float) -> bool:
    return run.x0 < x < run.x1


def _gutter(runs: list[Run]) -> float | None:
    """Return the x between two columns of prose, if the page is set in two."""
    if len(runs) < 24:
        return None
    left, right = min(run.x0 for run in runs), max(run.x1 for run in runs)
    span = right - left
    candidates = [left + span * step / 100 for step in range(35, 66)]
    # Of the positions that fewest runs cross, the middle one lies in the gutter's centre.
    counts = [sum(_crosses(run, x) for run in runs) for x in candidates]
    best = [x for x, count in zip(candidates, counts, strict=True) if count == min(counts)]
    gutter = best[len(best) // 2]
    if min(counts) > 0.15 * len(runs):
        return None
    sides = ([run for run in runs if run.x1 <= gutter], [run for run in runs if run.x0 >= gutter])
    widths = (gutter - left, right - gutter)
    prose = all(_is_prose(side, width) for side, width in zip(sides, widths, strict=True))
    return gutter if prose else None


def _is_prose(runs: list[Run], width: float) -> bool:
    """Whether most lines of a side are words, nearly as wide as it, as no table's column is."""
    rows = _rows(runs)
    if len(rows) < 8:
        return False
    inked = median(sum(run.x1 - run.x0 for run in row) for row in rows)
    text = "".join(run.text for run in runs).replace(" ", "")
    return inked > 0.65 * width and sum(map(str.isalpha, text)) > 0.75 * len(text)


def leading(lines: Sequence[Line]) -> float:
    """Return the usual distance from line to line, in font sizes."""
    steps = [
        (after.bottom - before.bottom) / after.size
        for before, after in pairwise(lines)
        if before.page == after.page and before.area == after.area
    ]
    usual = [step for step in steps if 0.8 < step < 2.2]
    return median(usual) if usual else 1.2
