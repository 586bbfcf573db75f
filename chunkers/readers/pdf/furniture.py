"""Running headers, footers and page numbers: what repeats at the edges of the pages."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from chunkers.readers.pdf.lines import Line

_DEPTH = 3
_BAND = 0.12  # of the height that text takes, at the top and at the bottom
_LONGEST = 120
_DIGITS = re.compile(r"\d+")
_NUMBER_AT_END = re.compile(r"^\d{1,4}\b|\b\d{1,4}$")

Key = tuple[str, int | str]
_AT = "at"


def without_furniture(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """Drop the lines at the pages' edges that recur, digits aside, or that count the pages.

    A line recurs if its text stands at the same height of other pages, near their upper or
    lower edge, or if it is the first or the last line of at least three.
    """
    filled = [lines for lines in pages if lines]
    if len(filled) < 2:
        return list(pages)
    band = _band(filled)
    seen = Counter(key for lines in filled for key in _page_keys(lines, band))
    needed = max(min(len(filled), 3), round(0.2 * len(filled)))
    common = {
        key for key, count in seen.items() if count >= (needed if key[0] == _AT else max(3, needed))
    }
    return [_stripped(lines, common, band) for lines in pages]


def _band(pages: Sequence[list[Line]]) -> tuple[float, float]:
    """Return the heights above and below which lines are near an edge."""
    top = min(line.top for lines in pages for line in lines)
    bottom = max(line.bottom for lines in pages for line in lines)
    return top + _BAND * (bottom - top), bottom - _BAND * (bottom - top)


def _page_keys(lines: list[Line], band: tuple[float, float]) -> set[Key]:
    return {key for line in _edges(lines) for key in _keys(line, lines, band)}


def _stripped(lines: list[Line], common: set[Key], band: tuple[float, float]) -> list[Line]:
    drop = {
        id(line) for line in _edges(lines) if any(key in common for key in _keys(line, lines, band))
    }
    return [line for line in lines if id(line) not in drop]


def _edges(lines: list[Line]) -> list[Line]:
    by_height = sorted(lines, key=_top)
    return by_height if len(lines) < 2 * _DEPTH else by_height[:_DEPTH] + by_height[-_DEPTH:]


def _keys(line: Line, lines: list[Line], band: tuple[float, float]) -> Iterator[Key]:
    """Name what may recur: text and height; text and rank; the number less the page's."""
    if len(line.text) > _LONGEST:
        return
    text = _DIGITS.sub("#", line.text.casefold())
    if line.bottom < band[0] or line.top > band[1]:
        height = round(line.bottom / 4)
        yield from ((_AT, f"{text} {height + nudge}") for nudge in (-1, 0, 1))  # rounding apart
    outermost = {"first": min(lines, key=_top), "last": max(lines, key=_top)}
    for rank, outer in outermost.items():
        if line is outer:
            yield rank, text
            for number in _NUMBER_AT_END.findall(line.text):
                yield rank, int(number) - line.page


def _top(line: Line) -> float:
    return line.top
