"""What `Retry-After` is taken for."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from indexers.sources.retry_after import retry_after


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is not set to UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def asked(value: str) -> float | None:
    return retry_after(httpx.Headers({"Retry-After": value}))


def test_seconds_are_taken_as_they_are() -> None:
    assert [asked("0"), asked(" 120 ")] == [0.0, 120.0]


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("form", ["%a, %d %b %Y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"])
def test_a_date_is_in_utc_with_and_without_a_zone(form: str) -> None:
    after = asked((datetime.now(UTC) + timedelta(seconds=60)).strftime(form))
    assert after is not None
    assert 55 < after <= 60


def test_a_date_that_has_passed_asks_for_no_wait() -> None:
    assert asked(format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True)) == 0.0


@pytest.mark.parametrize(
    "value", ["", "soon", "-1", "1.5", "Wed, 21 Oct 2015 07:28:00 +9999999999999"]
)
def test_what_is_neither_says_nothing(value: str) -> None:
    assert asked(value) is None


def test_a_head_without_it_says_nothing() -> None:
    assert retry_after(httpx.Headers()) is None
