"""Payload fields that may be filtered, their types, and the conditions that a search may put."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class FilterType(StrEnum):
    """The type of a filterable payload field; the store keeps an index of that type on it."""

    KEYWORD = "keyword"
    INTEGER = "integer"
    FLOAT = "float"
    BOOL = "bool"
    DATETIME = "datetime"


Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has one of these values; of a list field, at least one element has."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The field lies within these bounds: numbers, or RFC 3339 date-times."""

    gt: float | str | None = None
    gte: float | str | None = None
    lt: float | str | None = None
    lte: float | str | None = None


Condition = AnyOf | Range
Filters = Mapping[str, Condition]

_TYPES = {
    FilterType.KEYWORD: "text",
    FilterType.INTEGER: "a whole number of 64 bits",
    FilterType.FLOAT: "a finite number",
    FilterType.BOOL: "true or false",
    FilterType.DATETIME: "a date-time such as '2026-01-31T00:00:00Z'",
}
# What both stores take: Edge refuses a lower-case `t` that no zone follows, a server of 1.17 a `T`
# that no seconds follow (github.com/qdrant/qdrant/issues/8718).
_DATETIME = re.compile(
    r"\d{4}-\d\d-\d\d( \d\d:\d\d|[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?[0-5]\d)?)?", re.ASCII
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOUNDS = ("gt", "gte", "lt", "lte")
_RANGED = (FilterType.INTEGER, FilterType.FLOAT, FilterType.DATETIME)


def parse_condition(kind: FilterType, value: Any) -> Condition:
    """Read a condition from JSON: a value, a list of values, or an object of bounds.

    Raises:
        ValueError: the value does not fit the field's type; the message says what does.
    """
    if isinstance(value, Mapping):
        return _range(kind, value)
    if kind is FilterType.DATETIME:
        raise ValueError("takes an object with bounds, such as {'gte': '2026-01-31T00:00:00Z'}")
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ValueError("takes at least one value")
    check_value(kind, value)
    # The stores match a whole number exactly, which a stored 3.0 is not.
    return AnyOf(tuple(map(float, values) if kind is FilterType.FLOAT else values))


def check_value(kind: FilterType, value: Any) -> None:
    """Check that a document's value, or each one of its list, is of the field's type.

    Raises:
        ValueError: it is not, and no filter would ever find the document by it.
    """
    for item in value if isinstance(value, list) else [value]:
        if not _fits(kind, item):
            raise ValueError(f"takes {_TYPES[kind]}, not {item!r}")


def _range(kind: FilterType, bounds: Mapping[str, Any]) -> Range:
    if kind not in _RANGED:
        raise ValueError(f"takes {_TYPES[kind]} or a list of that, not bounds")
    if not bounds or set(bounds) - set(_BOUNDS):
        raise ValueError(f"takes bounds out of {', '.join(_BOUNDS)}")
    for bound in bounds.values():
        check_value(kind, [bound])
    return Range(**bounds)


def _fits(kind: FilterType, value: Any) -> bool:
    if isinstance(value, bool):
        return kind is FilterType.BOOL
    if isinstance(value, str):
        dated = kind is FilterType.DATETIME and _is_datetime(value)
        return dated or (kind is FilterType.KEYWORD and is_text(value))
    if isinstance(value, int) and kind is FilterType.INTEGER:
        return -(2**63) <= value < 2**63
    # Neither a NaN nor an infinity is at most the largest number.
    number = isinstance(value, int | float) and abs(value) <= sys.float_info.max
    return number and kind is FilterType.FLOAT


def is_text(value: str) -> bool:
    """Whether a string can be written as UTF-8: JSON and file names can hold halves of surrogate
    pairs, which no store takes."""
    return not _SURROGATE.search(value)


def _is_datetime(value: str) -> bool:
    if not _DATETIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:  # Such as the 30th of February.
        return False
    return True
