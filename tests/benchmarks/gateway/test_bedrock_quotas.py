from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gateway.bedrock import Bedrock, Fault, Faults, Plan, Quota
from benchmarks.gateway.bedrock.quotas import Quotas
from benchmarks.gateway.bedrock.refusals import RefusedError
from tests.benchmarks.gateway.bedrock_client import MODEL, REGION, ask, client, stream


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def limited(clock: Clock, **limits: Any) -> Quotas:
    return Quotas([Quota(**limits)], clock)


def refused(quotas: Quotas, tokens: int) -> bool:
    try:
        quotas.reserve(REGION, MODEL, tokens)
    except RefusedError:
        return True
    return False


def test_a_minutes_tokens_can_be_had_at_once_and_come_back_evenly() -> None:
    clock = Clock()
    quotas = limited(clock, tokens_per_minute=600)
    assert not refused(quotas, 600)
    assert refused(quotas, 1)
    clock.now = 30.0
    assert refused(quotas, 301)
    assert not refused(quotas, 300)
    clock.now = 1000.0
    assert refused(quotas, 601)
    assert not refused(quotas, 600)


def test_what_was_not_used_is_given_back() -> None:
    quotas = limited(Clock(), tokens_per_minute=600)
    reserved = quotas.reserve(REGION, MODEL, 500)
    assert refused(quotas, 200)
    reserved.settle(50, 30)
    assert refused(quotas, 521)
    assert not refused(quotas, 520)


def test_output_may_count_several_times() -> None:
    quotas = limited(Clock(), tokens_per_minute=600, output_weight=5)
    quotas.reserve(REGION, MODEL, 500).settle(50, 100)
    assert refused(quotas, 51)
    assert not refused(quotas, 50)


def test_requests_are_counted_too() -> None:
    clock = Clock()
    quotas = limited(clock, requests_per_minute=2)
    assert not refused(quotas, 10**9)
    assert not refused(quotas, 1)
    assert refused(quotas, 1)
    clock.now = 30.0
    assert not refused(quotas, 1)


def test_a_request_that_is_refused_takes_nothing() -> None:
    quotas = limited(Clock(), tokens_per_minute=100, requests_per_minute=1)
    assert refused(quotas, 101)
    assert not refused(quotas, 100)


def test_each_target_has_its_own_and_the_first_quota_that_matches_holds() -> None:
    quotas = Quotas(
        [Quota(region=REGION, model="fake.*", tokens_per_minute=10), Quota(tokens_per_minute=20)],
        Clock(),
    )
    quotas.reserve(REGION, MODEL, 10)
    quotas.reserve(REGION, "us.fake.len5-v1:0", 20)
    quotas.reserve("us-west-2", MODEL, 20)
    assert refused(quotas, 1)


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 400), st.integers(0, 400)), max_size=40))
def test_no_minute_has_more_than_two_minutes_quota(calls: list[tuple[float, int, int]]) -> None:
    clock = Clock()
    quotas = limited(clock, tokens_per_minute=600)
    used = 0
    for wait, wanted, share in calls:
        clock.now += wait
        try:
            reserved = quotas.reserve(REGION, MODEL, wanted)
        except RefusedError:
            continue
        spent = min(wanted, share)
        reserved.settle(spent, 0)
        used += spent
    # Full at first, and then as much as time brings.
    assert used <= 600 + 10 * clock.now + 1e-6


def quota(**limits: Any) -> Plan:
    return Plan(quotas=(Quota(**limits),))


def test_who_is_over_the_quota_is_throttled() -> None:
    # A call reserves 2 and 8 tokens, and uses 2 and 5.
    with Bedrock.served(plan=quota(tokens_per_minute=25)) as bedrock, client(bedrock) as to:
        for how in (ask, stream):
            how(to, inferenceConfig={"maxTokens": 8})
        ask(to, inferenceConfig={"maxTokens": 8})
        with pytest.raises(to.exceptions.ThrottlingException, match="Too many tokens") as raised:
            ask(to, inferenceConfig={"maxTokens": 8})
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
        assert bedrock.counts().outcomes() == {"succeeded": 3, "over_quota": 1}


def test_max_tokens_that_is_not_sent_reserves_all_that_the_model_can() -> None:
    with Bedrock.served(plan=quota(tokens_per_minute=8000)) as bedrock, client(bedrock) as to:
        with pytest.raises(to.exceptions.ThrottlingException):
            ask(to)
        ask(to, inferenceConfig={"maxTokens": 100})
        ask(to, model="fake.max4096-v1:0")


def test_what_is_read_from_the_cache_is_given_back() -> None:
    with Bedrock.served(plan=quota(tokens_per_minute=120)) as bedrock, client(bedrock) as to:
        for _ in range(3):
            cached = "fake.len5-cache100-v1:0"
            ask(to, "x" * 399, model=cached, inferenceConfig={"maxTokens": 5})


def test_a_request_that_fails_gives_everything_back() -> None:
    fault = Fault(kind="InternalServerException")
    plan = Plan(faults=(Faults(faults=(fault,)),), quotas=(Quota(tokens_per_minute=20),))
    with Bedrock.served(plan=plan) as bedrock, client(bedrock) as to:
        for _ in range(5):
            with pytest.raises(to.exceptions.InternalServerException):
                ask(to, inferenceConfig={"maxTokens": 10})


def test_too_many_requests_are_throttled() -> None:
    with Bedrock.served(plan=quota(requests_per_minute=2)) as bedrock, client(bedrock) as to:
        ask(to)
        stream(to)
        with pytest.raises(to.exceptions.ThrottlingException, match="Too many requests"):
            stream(to)
