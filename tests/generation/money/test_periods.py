"""Days and months of UTC."""

from datetime import UTC, datetime

import pytest

from generation.money.periods import Calendar


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "day", "day_ends", "month", "month_ends"),
    [
        ("2026-11-25T12:00", "2026-11-25", "2026-11-26", "2026-11", "2026-12-01"),
        ("2026-12-31T23:59:59", "2026-12-31", "2027-01-01", "2026-12", "2027-01-01"),
        ("2028-02-29T00:00", "2028-02-29", "2028-03-01", "2028-02", "2028-03-01"),
        ("2026-01-31T10:00", "2026-01-31", "2026-02-01", "2026-01", "2026-02-01"),
    ],
)
def test_a_time_is_in_a_day_and_a_month(
    now: str, day: str, day_ends: str, month: str, month_ends: str
) -> None:
    periods = Calendar(lambda: 0.0).periods(at(now))
    assert (periods["day"].name, periods["day"].ends) == (day, at(day_ends))
    assert (periods["month"].name, periods["month"].ends) == (month, at(month_ends))


def test_the_day_turns_at_midnight_and_back_if_the_clock_is_set_back() -> None:
    calendar = Calendar(lambda: 0.0)
    midnight = at("2026-12-01")
    names = [calendar.periods(now)["day"].name for now in (midnight - 1, midnight, midnight - 1)]
    assert names == ["2026-11-30", "2026-12-01", "2026-11-30"]
