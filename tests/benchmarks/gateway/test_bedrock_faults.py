import time
from collections import Counter
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    EventStreamError,
    ReadTimeoutError,
)
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import ProtocolError
from urllib3.exceptions import ReadTimeoutError as StreamTimeoutError

from benchmarks.errors import BenchmarksError
from benchmarks.gateway.bedrock import Bedrock, Fault, Faults, Plan, Quota
from benchmarks.gateway.bedrock.faults import Draws, drawn
from tests.benchmarks.gateway.bedrock_client import (
    FULL,
    MODEL,
    REGION,
    ask,
    client,
    deltas,
    failing,
    stream,
    stream_into,
    text_of,
)

STATUS = {
    "ThrottlingException": 429,
    "ModelNotReadyException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ServiceQuotaExceededException": 400,
    "ValidationException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ExpiredTokenException": 403,
}
STREAM_ERRORS = [
    "modelStreamErrorException",
    "throttlingException",
    "internalServerException",
    "serviceUnavailableException",
    "modelTimeoutException",
    "validationException",
]


def broken(to: Any, error: type[Exception]) -> tuple[list[str], pytest.ExceptionInfo[Any]]:
    """The tokens of a stream before it breaks, and how it does."""
    events: list[Any] = []
    with pytest.raises(error) as raised:
        stream_into(events, to)
    return deltas(events), raised


@pytest.mark.parametrize("kind", STATUS)
@pytest.mark.parametrize("how", [ask, stream])
def test_an_error_has_its_name_and_status(kind: Any, how: Any) -> None:
    with failing(Fault(kind=kind)) as (bedrock, to):
        expected = getattr(to.exceptions, kind, ClientError)
        with pytest.raises(expected) as raised:
            how(to)
        response = raised.value.response
        assert response["Error"]["Code"] == kind
        assert response["Error"]["Message"]
        assert response["ResponseMetadata"]["HTTPStatusCode"] == STATUS[kind]
        assert "retry-after" not in response["ResponseMetadata"]["HTTPHeaders"]
        assert bedrock.counts().outcomes() == {kind: 1}
        assert bedrock.counts().where().input == 0


def test_a_throttled_client_is_told_when_to_come_back() -> None:
    with failing(Fault(kind="ThrottlingException", retry_after_s=3)) as (_, to):
        with pytest.raises(to.exceptions.ThrottlingException) as raised:
            ask(to)
        assert raised.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "3"


def test_a_model_error_says_which_model_failed_how() -> None:
    with failing(Fault(kind="ModelErrorException")) as (_, to):
        with pytest.raises(to.exceptions.ModelErrorException) as raised:
            ask(to)
        assert raised.value.response["originalStatusCode"] == 500
        assert raised.value.response["resourceName"] == MODEL


def test_an_error_may_be_late() -> None:
    with failing(Fault(kind="ModelTimeoutException", stall_s=0.1)) as (_, to):
        began = time.perf_counter()
        with pytest.raises(to.exceptions.ModelTimeoutException):
            ask(to)
        assert time.perf_counter() - began >= 0.1


@pytest.mark.parametrize("how", [ask, stream])
def test_a_connection_is_reset_before_any_byte(how: Any) -> None:
    with failing(Fault(kind="reset")) as (bedrock, to):
        with pytest.raises(ConnectionClosedError, match="before we received a valid response"):
            how(to)
        assert bedrock.counts().outcomes() == {"reset": 1}


def test_a_connection_is_reset_in_the_middle_of_a_stream() -> None:
    with failing(Fault(kind="reset_midway", after_tokens=2)) as (bedrock, to):
        tokens, raised = broken(to, ProtocolError)
        assert isinstance(raised.value.__cause__, ConnectionResetError)
        assert tokens == ["w0", " w1"]
        assert bedrock.counts().where(outcome="reset_midway").output == 2


def test_a_stream_is_closed_after_half_a_frame() -> None:
    with failing(Fault(kind="half_frame", after_tokens=2)) as (bedrock, to):
        tokens, _ = broken(to, ProtocolError)
        assert tokens == ["w0", " w1"]
        assert bedrock.counts().where(outcome="half_frame").output == 2


def test_a_stream_may_end_early_without_any_error() -> None:
    with failing(Fault(kind="early_end", after_tokens=2)) as (bedrock, to):
        events = stream(to)
        assert deltas(events) == ["w0", " w1"]
        assert "contentBlockDelta" in events[-1]
        assert bedrock.counts().where(outcome="early_end").output == 2


@pytest.mark.parametrize("after", [0, 3, 99])
def test_a_wrong_checksum_is_noticed(after: int) -> None:
    with failing(Fault(kind="bad_crc", after_tokens=after)) as (_, to):
        tokens, _ = broken(to, ChecksumMismatch)
        assert tokens == ["w0", " w1", " w2", " w3", " w4"][:after]


@pytest.mark.parametrize("kind", STREAM_ERRORS)
@pytest.mark.parametrize("after", [0, 2])
def test_an_error_comes_inside_a_stream(kind: Any, after: int) -> None:
    with failing(Fault(kind=kind, after_tokens=after)) as (bedrock, to):
        tokens, raised = broken(to, EventStreamError)
        assert tokens == ["w0", " w1"][:after]
        assert raised.value.response["Error"]["Code"] == kind
        assert raised.value.response["Error"]["Message"]
        assert bedrock.counts().where(outcome=kind).output == after
        assert text_of(ask(to)) == FULL  # Which has no stream.


def test_a_stall_before_the_head_is_a_read_timeout_of_the_call() -> None:
    with failing(Fault(kind="stall_head", stall_s=5), timeout_s=0.2) as (_, to):
        with pytest.raises(ReadTimeoutError):
            stream(to)
        with pytest.raises(ReadTimeoutError):
            ask(to)


@pytest.mark.parametrize("after", [0, 2])
def test_a_stall_before_a_token_is_a_read_timeout_of_the_stream(after: int) -> None:
    with failing(Fault(kind="stall", stall_s=5, after_tokens=after), timeout_s=0.2) as (_, to):
        tokens, _ = broken(to, StreamTimeoutError)
        assert tokens == ["w0", " w1"][:after]


@pytest.mark.parametrize("kind", ["stall_head", "stall"])
@pytest.mark.parametrize("how", [ask, stream])
def test_after_a_stall_the_answer_goes_on(kind: Any, how: Any) -> None:
    with failing(Fault(kind=kind, stall_s=0.1, after_tokens=2)) as (bedrock, to):
        began = time.perf_counter()
        answer = how(to)
        assert time.perf_counter() - began >= 0.1
        assert (text_of(answer) if how is ask else "".join(deltas(answer))) == FULL
        assert bedrock.counts().outcomes() == {"succeeded": 1}
        assert bedrock.counts().faults == {kind: 1}


def test_half_a_body_is_an_answer_without_output_to_boto3() -> None:
    with failing(Fault(kind="half_body")) as (bedrock, to):
        # botocore compares no lengths, and takes a body that is not JSON for an empty one.
        assert set(ask(to)) == {"ResponseMetadata"}
        assert bedrock.counts().outcomes() == {"half_body": 1}
        assert "".join(deltas(stream(to))) == FULL


def test_a_slow_body_is_a_whole_one() -> None:
    with failing(Fault(kind="slow_body", stall_s=0.2)) as (_, to):
        began = time.perf_counter()
        assert text_of(ask(to)) == FULL
        assert time.perf_counter() - began >= 0.2


def test_a_region_that_is_out_refuses_connections_and_comes_back() -> None:
    outage = Faults(region=REGION, faults=(Fault(kind="refused", from_s=0.5, to_s=1.2),))
    regions = [REGION, "us-west-2"]
    with (
        Bedrock.served(regions) as bedrock,
        client(bedrock) as to,
        client(bedrock, "us-west-2") as elsewhere,
    ):
        ask(elsewhere)
        bedrock.set_plan(Plan(faults=(outage,)))
        assert text_of(ask(to)) == FULL
        # Under way when it begins.
        with pytest.raises(ProtocolError):
            stream(to, model="fake.itl10-len500-v1:0")
        with pytest.raises(EndpointConnectionError):
            ask(to)
        ask(elsewhere)
        assert bedrock.counts().outcomes() == {"succeeded": 3, "refused": 1}
        time.sleep(0.8)
        assert text_of(ask(to)) == FULL


def test_another_plan_ends_an_outage_at_once() -> None:
    with failing(Fault(kind="refused")) as (bedrock, to):
        with pytest.raises(EndpointConnectionError):
            ask(to)
        url = bedrock.endpoints[REGION]
        bedrock.set_plan(Plan())
        assert text_of(ask(to)) == FULL
        assert bedrock.endpoints[REGION] == url


def test_faults_have_their_time() -> None:
    fault = Fault(kind="InternalServerException", from_s=0.4, to_s=1.0)
    with failing(fault) as (bedrock, to):
        bedrock.reset()
        ask(to)
        time.sleep(0.5)
        with pytest.raises(to.exceptions.InternalServerException):
            ask(to)
        time.sleep(0.6)
        ask(to)


def test_faults_are_of_the_targets_that_match() -> None:
    plan = Plan(
        faults=(
            Faults(region="us-*", model="fake.len5-*", faults=(Fault(kind="reset"),)),
            Faults(model="fake.len6-*", faults=(Fault(kind="reset"),)),
        )
    )
    assert [len(plan.of_target("us-east-1", m)) for m in (MODEL, "fake.len6-v1:0")] == [1, 1]
    assert [len(plan.of_target("eu-west-1", m)) for m in (MODEL, "fake.len6-v1:0")] == [0, 1]
    assert not plan.of_target("us-east-1", "fake.len7-v1:0")


targets = st.tuples(st.sampled_from(["us-east-1", "us-west-2"]), st.sampled_from(["a", "b", "c"]))
MIXED = Plan(
    seed=7,
    faults=(
        Faults(faults=(Fault(kind="ThrottlingException", share=0.2),)),
        Faults(model="b", faults=(Fault(kind="reset", share=0.3), Fault(kind="stall", share=0.3))),
    ),
)


@given(st.lists(targets, max_size=60))
def test_draws_do_not_depend_on_what_other_targets_are_asked(order: list[tuple[str, str]]) -> None:
    mixed, alone = Draws(MIXED), Draws(MIXED)
    found: dict[tuple[str, str], list[Any]] = {}
    for target in order:
        fault = mixed.next(*target, streams=True, elapsed_s=0)
        found.setdefault(target, []).append(fault)
    for target, faults in found.items():
        again = [alone.next(*target, streams=True, elapsed_s=0) for _ in faults]
        assert again == faults


@given(st.integers(), st.text(), st.text(), st.integers(min_value=0))
def test_a_draw_is_a_number_from_0_to_below_1(seed: int, region: str, model: str, n: int) -> None:
    assert 0 <= drawn(seed, region, model, n) < 1


def test_shares_are_kept() -> None:
    draws = Draws(MIXED)
    found = [draws.next("us-east-1", "b", streams=True, elapsed_s=0) for _ in range(10_000)]
    kinds = Counter(fault.kind if fault else None for fault in found)
    # Four standard deviations of 10,000 draws are at most 200.
    expected: dict[Any, int] = {"ThrottlingException": 2000, "reset": 3000, "stall": 3000}
    assert all(abs(kinds[kind] - number) < 200 for kind, number in expected.items())


def test_another_seed_draws_otherwise() -> None:
    first = [drawn(1, REGION, MODEL, n) < 0.5 for n in range(64)]
    assert first != [drawn(2, REGION, MODEL, n) < 0.5 for n in range(64)]
    assert first == [drawn(1, REGION, MODEL, n) < 0.5 for n in range(64)]


def test_a_reset_begins_the_draws_again() -> None:
    with failing(Fault(kind="InternalServerException", share=0.5)) as (bedrock, to):

        def outcomes() -> list[bool]:
            found = []
            for _ in range(20):
                try:
                    ask(to)
                except to.exceptions.InternalServerException:
                    found.append(False)
                else:
                    found.append(True)
            return found

        first = outcomes()
        bedrock.reset()
        assert outcomes() == first
        assert set(first) == {True, False}


def test_a_plan_comes_back_from_json() -> None:
    plan = Plan(
        seed=3,
        faults=(
            Faults(
                region="us-*",
                faults=(
                    Fault(kind="stall", share=0.1, from_s=1, to_s=2, stall_s=0.5, after_tokens=4),
                    Fault(kind="ThrottlingException", retry_after_s=2),
                ),
            ),
        ),
        quotas=(Quota(model="fake.*", tokens_per_minute=1000, output_weight=5),),
    )
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("text", "said_of_it"),
    [
        ("{", "JSON"),
        ('{"faults": [{"faults": [{"kind": "explosion"}]}]}', "explosion"),
        ('{"faults": [{"faults": [{"kind": "reset", "share": 2}]}]}', "share"),
        ('{"faults": [{"faults": [{"kind": "reset", "often": 1}]}]}', "often"),
        ('{"faults": [{"faults": [{"kind": "reset", "from_s": 2, "to_s": 1}]}]}', "not after"),
        ('{"faults": [{"faults": [{"kind": "refused", "share": 0.5}]}]}', "all of a region"),
        ('{"faults": [{"model": "a", "faults": [{"kind": "refused"}]}]}', "all of a region"),
    ],
)
def test_a_plan_that_is_wrong_is_refused(text: str, said_of_it: str) -> None:
    with pytest.raises(BenchmarksError, match=r"the plan is not valid(.|\n)*" + said_of_it):
        Plan.from_json(text)
