"""Payload fields that may be filtered, their types, and the conditions that a search may put."""

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
    return AnyOf(tuple(_scalar(kind, item) for item in values))


def _range(kind: FilterType, bounds: Mapping[str, Any]) -> Range:
    if kind not in _RANGED:
        raise ValueError(f"takes a {kind.value} or a list of them, not bounds")
    if not bounds or set(bounds) - set(_BOUNDS):
        raise ValueError(f"takes bounds out of {', '.join(_BOUNDS)}")
    return Range(**{name: _bound(kind, value) for name, value in bounds.items()})


def _bound(kind: FilterType, value: Any) -> float | str:
    if kind is not FilterType.DATETIME:
        number = _scalar(kind, value)
        assert not isinstance(number, str)
        return number
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError) as exc:
        raise ValueError(f"takes date-times such as '2026-01-31T00:00:00Z', not {value!r}") from exc
    return str(value)


def _scalar(kind: FilterType, value: Any) -> Scalar:
    fits = {
        FilterType.KEYWORD: isinstance(value, str),
        FilterType.INTEGER: isinstance(value, int) and not isinstance(value, bool),
        FilterType.FLOAT: isinstance(value, int | float) and not isinstance(value, bool),
        FilterType.BOOL: isinstance(value, bool),
    }
    if not fits[kind]:
        raise ValueError(f"takes a {kind.value}, not {value!r}")
    return value  # type: ignore[no-any-return]
