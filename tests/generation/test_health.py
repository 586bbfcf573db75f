"""When a target is left alone, and when it is asked again."""

import pytest

from generation.faults import Fault
from generation.health import Health

FAILED = Fault(name="InternalServerException", message="", status=500)
THROTTLED = Fault(name="ThrottlingException", message="", status=429)
DENIED = Fault(name="AccessDeniedException", message="", status=403)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock)


def broken(health: Health) -> None:
    for _ in range(5):
        health.fail(FAILED)


def test_a_few_failures_are_no_reason_to_leave_a_target(health: Health) -> None:
    for _ in range(4):
        health.fail(FAILED)
    assert health.ready()


def test_five_failures_in_a_row_are(health: Health, clock: Clock) -> None:
    broken(health)
    assert not health.ready()
    assert 0.5 <= health.rests_s() <= 1
    clock.now += 1
    assert health.ready()


def test_half_of_the_last_ones_are(health: Health) -> None:
    for _ in range(4):
        health.succeed(0.1)
        health.fail(FAILED)
    assert not health.ready()


def test_after_its_rest_one_request_alone_is_sent(health: Health, clock: Clock) -> None:
    broken(health)
    clock.now += 1
    health.begin(limit_s=5)
    assert not health.ready()
    clock.now += 5
    assert health.ready()


def test_a_probe_that_succeeds_makes_it_well(health: Health, clock: Clock) -> None:
    broken(health)
    clock.now += 1
    health.begin(limit_s=5)
    health.succeed(0.2)
    assert health.ready()
    for _ in range(4):
        health.fail(FAILED)
    assert health.ready()


def test_a_probe_that_fails_doubles_the_rest_up_to_half_a_minute(
    health: Health, clock: Clock
) -> None:
    broken(health)
    rests = []
    for _ in range(7):
        clock.now += health.rests_s()
        health.begin(limit_s=5)
        health.fail(FAILED)
        rests.append(health.rests_s())
    for rest, longest in zip(rests, (2, 4, 8, 16, 30, 30, 30), strict=True):
        assert longest / 2 <= rest <= longest


def test_throttling_is_a_pause_at_once_as_long_as_the_service_asks(
    health: Health, clock: Clock
) -> None:
    health.fail(THROTTLED)
    assert 0.125 <= health.rests_s() <= 0.25
    asked = Fault(name="ThrottlingException", message="", status=429, retry_after_s=7)
    health.fail(asked)
    assert health.rests_s() == pytest.approx(7)
    assert health.asked_to_wait()
    clock.now += 7
    assert health.ready()
    assert not health.asked_to_wait()


def test_what_lasts_is_left_alone_for_a_minute(health: Health) -> None:
    health.fail(DENIED)
    assert 30 <= health.rests_s() <= 60


def test_the_time_to_the_first_token_is_smoothed(health: Health) -> None:
    assert health.first_s is None
    health.succeed(1.0)
    assert health.first_s == 1.0
    health.succeed(2.0)
    assert health.first_s == pytest.approx(1.2)
