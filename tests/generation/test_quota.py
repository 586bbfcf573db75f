"""Admission by quota."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import OverQuotaError
from generation.quota import Admission
from generation.targets import Quota


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


SMALL = Quota(tokens_per_minute=1000)


def test_without_a_quota_everything_is_admitted() -> None:
    admission = Admission({"a": None})
    assert admission.admit(["a"], 10**9, 1, priority=1, until=0).target == "a"


def test_input_and_max_tokens_are_reserved_and_what_was_not_used_comes_back() -> None:
    clock = Clock()
    admission = Admission({"a": SMALL}, clock)
    admitted = admission.admit(["a"], 300, 600, priority=1, until=0)
    assert admission.try_admit("a", 100, 100) is None
    admitted.settle(300, 100)
    assert admission.try_admit("a", 100, 400) is not None


def test_output_may_weigh_more_than_input() -> None:
    clock = Clock()
    admission = Admission({"a": Quota(tokens_per_minute=1000, output_weight=5)}, clock)
    admission.admit(["a"], 100, 100, priority=1, until=0).settle(100, 100)
    assert admission.try_admit("a", 300, 100) is None
    assert admission.try_admit("a", 270, 100) is not None


def test_requests_are_counted_as_well() -> None:
    clock = Clock()
    admission = Admission({"a": Quota(tokens_per_minute=10**6, requests_per_minute=60)}, clock)
    for _ in range(58):
        assert admission.try_admit("a", 1, 1) is not None
    assert admission.try_admit("a", 1, 1) is None
    clock.now += 2
    assert admission.try_admit("a", 1, 1) is not None


def test_the_first_target_with_quota_is_taken() -> None:
    admission = Admission({"a": SMALL, "b": SMALL}, Clock())
    taken = [admission.admit(["a", "b"], 500, 100, priority=1, until=0).target for _ in range(2)]
    assert taken == ["a", "b"]


def test_more_than_a_minutes_quota_is_never_admitted() -> None:
    admission = Admission({"a": SMALL}, Clock())
    with pytest.raises(OverQuotaError, match="more than a minute's quota of a; lower max_tokens"):
        admission.admit(["a"], 900, 200, priority=1, until=1e9)


def test_who_cannot_be_admitted_in_time_does_not_wait() -> None:
    admission = Admission({"a": SMALL}, Clock())
    admission.admit(["a"], 900, 50, priority=1, until=0)
    with pytest.raises(OverQuotaError, match=r"and the call has 5\.0 s left"):
        admission.admit(["a"], 900, 50, priority=1, until=5)


def test_who_waits_is_admitted_when_there_is_quota_again() -> None:
    admission = Admission({"a": Quota(tokens_per_minute=60_000)})
    admission.admit(["a"], 58_000, 700, priority=1, until=0)
    began = time.monotonic()
    admitted = admission.admit(["a"], 200, 100, priority=1, until=began + 5)
    assert 0.05 < admitted.waited_s == pytest.approx(time.monotonic() - began, abs=0.1)


def test_the_critical_go_before_those_who_came_earlier() -> None:
    admission = Admission({"a": Quota(tokens_per_minute=60_000)})
    admission.admit(["a"], 58_000, 800, priority=1, until=0)
    order: list[int] = []

    def wait(priority: int) -> None:
        admission.admit(["a"], 300, 100, priority=priority, until=time.monotonic() + 10)
        order.append(priority)

    threads = [threading.Thread(target=wait, args=(priority,)) for priority in (2, 1, 0)]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2]


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400), st.floats(0, 20)), max_size=40))
def test_never_more_than_a_minutes_quota_and_its_refill_is_admitted(
    calls: list[tuple[int, int, float]],
) -> None:
    clock = Clock()
    admission = Admission({"a": SMALL}, clock)
    taken = 0
    for input_tokens, max_tokens, pause_s in calls:
        clock.now += pause_s
        if admission.try_admit("a", input_tokens, max_tokens) is not None:
            taken += input_tokens + max_tokens
        assert taken <= 1000 + 1000 * clock.now / 60
