"""Days and months of UTC, which budgets are for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

Span = Literal["day", "month"]


def today() -> date:
    """The day of UTC that it is."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Period:
    """A day (2026-11-25) or a month (2026-11); `ends` is a time of the clock, when it is over."""

    name: str
    ends: float


class Calendar:
    """The day and the month that it is."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since 1970, as `time.time` does."""
        self.clock = clock
        self._periods: dict[Span, Period] = {}
        self._began = self._ends = 0.0

    def periods(self, now: float) -> dict[Span, Period]:
        """The day and the month of a time; not to be called by two threads at once."""
        if not self._began <= now < self._ends:
            self._turn(now)
        return self._periods

    def _turn(self, now: float) -> None:
        day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        tomorrow = day + timedelta(days=1)
        next_month = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        self._began, self._ends = day.timestamp(), tomorrow.timestamp()
        self._periods = {
            "day": Period(f"{day:%Y-%m-%d}", self._ends),
            "month": Period(f"{day:%Y-%m}", next_month.timestamp()),
        }
