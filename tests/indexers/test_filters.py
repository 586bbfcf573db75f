"""Conditions from JSON, and what a document's own values have to be."""

from typing import Any

import pytest

from indexers.filters import AnyOf, FilterType, Range, check_value, parse_condition

KEYWORD, INTEGER, FLOAT, BOOL, DATETIME = FilterType


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (KEYWORD, "en", AnyOf(("en",))),
        (KEYWORD, ["en", "es"], AnyOf(("en", "es"))),
        (KEYWORD, "", AnyOf(("",))),
        (INTEGER, 3, AnyOf((3,))),
        (INTEGER, {"gte": 3, "lt": 5}, Range(gte=3, lt=5)),
        (FLOAT, 3, AnyOf((3.0,))),
        (FLOAT, [1.5, 2], AnyOf((1.5, 2.0))),
        (FLOAT, -(10**300), AnyOf((-1e300,))),
        (FLOAT, {"gt": 1.5}, Range(gt=1.5)),
        (BOOL, True, AnyOf((True,))),
        (BOOL, [True, False], AnyOf((True, False))),
        (DATETIME, {"gte": "2026-01-31"}, Range(gte="2026-01-31")),
        (DATETIME, {"lt": "2026-01-31T10:00:00Z"}, Range(lt="2026-01-31T10:00:00Z")),
        (DATETIME, {"lt": "2026-01-31T10:00:00.5+01:00"}, Range(lt="2026-01-31T10:00:00.5+01:00")),
    ],
)
def test_a_condition_is_a_value_a_list_or_bounds(
    kind: FilterType, value: Any, expected: AnyOf | Range
) -> None:
    condition = parse_condition(kind, value)
    assert condition == expected
    # 3 == 3.0 and True == 1, but the stores tell them apart.
    assert repr(condition) == repr(expected)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (KEYWORD, 3, "takes text, not 3"),
        (KEYWORD, None, "takes text, not None"),
        (KEYWORD, ["en", 3], "takes text, not 3"),
        (KEYWORD, [["en"]], "takes text, not"),
        (KEYWORD, {"gte": "a"}, "takes text or a list of that, not bounds"),
        (KEYWORD, "\ud800", "takes text, not"),
        (KEYWORD, [], "takes at least one value"),
        (INTEGER, "3", "takes a whole number of 64 bits, not '3'"),
        (INTEGER, True, "takes a whole number of 64 bits, not True"),
        (INTEGER, 1.5, "takes a whole number of 64 bits, not 1.5"),
        (INTEGER, 2**63, "takes a whole number of 64 bits"),
        (INTEGER, {}, "takes bounds out of gt, gte, lt, lte"),
        (INTEGER, {"min": 3}, "takes bounds out of gt, gte, lt, lte"),
        (INTEGER, {"gte": "3"}, "takes a whole number of 64 bits, not '3'"),
        (INTEGER, {"gte": [3]}, "takes a whole number of 64 bits"),
        (FLOAT, "cheap", "takes a finite number, not 'cheap'"),
        (FLOAT, float("nan"), "takes a finite number, not nan"),
        (FLOAT, {"gte": float("inf")}, "takes a finite number, not inf"),
        (FLOAT, 10**400, "takes a finite number"),
        (BOOL, "true", "takes true or false, not 'true'"),
        (BOOL, 1, "takes true or false, not 1"),
        (BOOL, {"gte": True}, "takes true or false or a list of that, not bounds"),
        (DATETIME, "2026-01-31", "takes an object with bounds"),
        (DATETIME, {"gte": "yesterday"}, "takes a date-time such as"),
        (DATETIME, {"gte": "2026-02-30"}, "takes a date-time such as"),
        (DATETIME, {"gte": "20260131"}, "takes a date-time such as"),
        (DATETIME, {"gte": "2026-W05-6"}, "takes a date-time such as"),
        (DATETIME, {"gte": 2026}, "takes a date-time such as"),
        (DATETIME, {"gte": "2026-02-05t10:00"}, "takes a date-time such as"),
        (DATETIME, {"gte": "2026-02-05t10:00:00Z"}, "takes a date-time such as"),
        (DATETIME, {"gte": "2026-02-05T10:00"}, "takes a date-time such as"),
        (DATETIME, {"gte": "2026-02-05T10:00:00+01:60"}, "takes a date-time such as"),
    ],
)
def test_what_does_not_fit_is_said_with_what_does(
    kind: FilterType, value: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        parse_condition(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(KEYWORD, ["a", "b"]), (KEYWORD, []), (DATETIME, "2026-01-31"), (BOOL, [True]), (FLOAT, 2)],
)
def test_a_document_has_a_value_or_a_list_of_them(kind: FilterType, value: Any) -> None:
    check_value(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(KEYWORD, {"a": 1}), (KEYWORD, [["a"]]), (INTEGER, 10**30), (DATETIME, "spring")],
)
def test_a_document_s_value_of_another_type_is_refused(kind: FilterType, value: Any) -> None:
    with pytest.raises(ValueError, match="takes"):
        check_value(kind, value)
