"""Tables as Markdown pipe tables."""

from collections.abc import Iterator

from bs4 import Tag

from chunkers.readers.html.inline import inline_text
from chunkers.readers.html.noise import is_noise
from chunkers.readers.pipes import pipe_table

_WIDEST = 200
# A longer cell that spans rows is not said again in each of them.
_REPEATED = 80


def is_layout(table: Tag) -> bool:
    """Whether a table only places things on the page: it holds no grid of facts."""
    if table.get("role") in {"presentation", "none"}:
        return True
    if table.find(["table", "h1", "h2", "h3", "h4", "h5", "h6"]) is not None:
        return True
    return all(len(_cells(row)) < 2 for row in table.find_all("tr"))


def table_text(table: Tag) -> str:
    """Return a pipe table; its first row is the header, for Markdown knows no table without one.

    A cell that spans rows is repeated in each, so that every row can be read by itself; one that
    spans columns stands in the first.
    """
    grid = [row for row in _grid(table) if any(row)]
    if not grid:
        return ""
    width = max(len(row) for row in grid)
    head, *body = (row + [""] * (width - len(row)) for row in grid)
    return pipe_table(head, body)


def _grid(table: Tag) -> Iterator[list[str]]:
    hanging: dict[int, tuple[int, str]] = {}  # column: rows left, text
    for tag in table.find_all("tr"):
        row: list[str] = []
        for cell in _cells(tag):
            _hang(row, hanging)
            text = inline_text(cell)
            width = min(_number(cell, "colspan"), _WIDEST - len(row))
            rows_left = _number(cell, "rowspan") - 1
            for offset in range(width):
                shown = "" if offset else text
                if rows_left:
                    again = shown if len(shown) <= _REPEATED else ""
                    hanging[len(row)] = (rows_left, again)
                row.append(shown)
        _hang(row, hanging)
        yield row


def _hang(row: list[str], hanging: dict[int, tuple[int, str]]) -> None:
    """Fill the next columns with the cells that hang down into them."""
    while len(row) in hanging:
        left, text = hanging.pop(len(row))
        if left > 1:
            hanging[len(row)] = (left - 1, text)
        row.append(text)


def _cells(row: Tag) -> list[Tag]:
    cells = row.find_all(["td", "th"], recursive=False)
    return [cell for cell in cells if not is_noise(cell)]


def _number(cell: Tag, name: str) -> int:
    value = cell.get(name)
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else 1
    return max(1, number)
