import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ReadTimeoutError

from benchmarks.gateway.bedrock import Bedrock, Counted, Fault, Faults, Plan
from tests.benchmarks.gateway.bedrock_client import MODEL, REGION, ask, client, said, stream

SLOW = "fake.ttft10-itl20-len500-v1:0"


@pytest.fixture
def bedrock() -> Iterator[Bedrock]:
    with Bedrock.served() as served:
        yield served


@pytest.fixture
def to(bedrock: Bedrock) -> Iterator[Any]:
    with client(bedrock) as made:
        yield made


def soon(condition: Callable[[], Any]) -> None:
    """Wait until the stand-in has noticed what a client did."""
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def asked(url: str, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    try:
        with urlopen(Request(url + path, data=body, method=method), timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def test_requests_are_counted_by_target_metadata_and_outcome(bedrock: Bedrock, to: Any) -> None:
    ask(to, requestMetadata={"use_case": "answer", "tenant": "a"})
    stream(to, requestMetadata={"tenant": "a", "use_case": "answer"})
    ask(to, requestMetadata={"use_case": "judge"})
    ask(to, model="fake.len2-cache1-v1:0")
    with pytest.raises(to.exceptions.ValidationException):
        ask(to, model="unknown")
    counted = bedrock.counts()
    assert sorted((row.model_id, row.outcome, row.requests) for row in counted.rows) == [
        ("fake.len2-cache1-v1:0", "succeeded", 1),
        (MODEL, "succeeded", 1),
        (MODEL, "succeeded", 2),
        ("unknown", "ValidationException", 1),
    ]
    answers = counted.where(metadata={"use_case": "answer"})
    assert (answers.requests, answers.input, answers.output) == (2, 4, 10)
    assert counted.where(metadata={"tenant": "a", "use_case": "judge"}).requests == 0
    cached = counted.where(model_id="fake.len2-cache1-v1:0")
    assert (cached.input, cached.output, cached.cache_read, cached.cache_write) == (1, 2, 1, 0)
    assert counted.where(region=REGION, outcome="succeeded").requests == 4
    assert counted.where(region="us-west-2").requests == 0


def test_counts_agree_with_the_usage_that_clients_were_told(bedrock: Bedrock, to: Any) -> None:
    told = [ask(to, "x" * size)["usage"] for size in range(1, 20)]
    counted = bedrock.counts().where(outcome="succeeded")
    assert counted.input == sum(usage["inputTokens"] for usage in told)
    assert counted.output == sum(usage["outputTokens"] for usage in told)


def test_a_stream_that_the_client_cuts_is_billed_for_what_was_sent(
    bedrock: Bedrock, to: Any
) -> None:
    answer = to.converse_stream(modelId=SLOW, messages=said("hello"))
    received = 0
    for event in answer["stream"]:
        received += "contentBlockDelta" in event
        if received == 5:
            break
    assert bedrock.counts().open_streams == 1
    answer["stream"].close()
    soon(lambda: bedrock.counts().cut_by_client)
    counted = bedrock.counts()
    assert counted.cut_by_client == 1
    assert (counted.open_streams, counted.peak_streams) == (0, 1)
    row = counted.where(outcome="cancelled")
    assert (row.requests, row.input) == (1, 2)
    assert 5 <= row.output < 30


def test_a_client_that_leaves_before_the_first_token_is_counted(bedrock: Bedrock, to: Any) -> None:
    answer = to.converse_stream(modelId="fake.ttft60000-v1:0", messages=said("hello"))
    answer["stream"].close()
    soon(lambda: bedrock.counts().cut_by_client)
    row = bedrock.counts().where(outcome="cancelled")
    assert (row.requests, row.input, row.output) == (1, 2, 0)


def test_a_client_that_does_not_wait_for_a_whole_answer_is_billed_for_it(bedrock: Bedrock) -> None:
    with client(bedrock, timeout_s=0.1) as impatient, pytest.raises(ReadTimeoutError):
        ask(impatient, model="fake.ttft60000-len7-v1:0")
    soon(lambda: bedrock.counts().where(outcome="cancelled").requests)
    counted = bedrock.counts()
    assert counted.where(outcome="cancelled").output == 7
    assert counted.cut_by_client == 0


def test_a_client_that_does_not_read_is_not_sent_more_than_the_sockets_hold(
    bedrock: Bedrock, to: Any
) -> None:
    answer = to.converse_stream(modelId="fake.len60000-max60000-v1:0", messages=said("hello"))
    time.sleep(0.3)
    answer["stream"].close()
    soon(lambda: bedrock.counts().cut_by_client)
    assert 0 < bedrock.counts().where(outcome="cancelled").output < 60_000


def test_the_admin_port_says_what_was_counted(bedrock: Bedrock, to: Any) -> None:
    ask(to, requestMetadata={"use_case": "answer"})
    status, counted = asked(bedrock.admin_url, "GET", "/_counts")
    assert status == 200
    assert counted["rows"] == [
        {
            "region": REGION,
            "model_id": MODEL,
            "metadata": {"use_case": "answer"},
            "outcome": "succeeded",
            "requests": 1,
            "input": 2,
            "output": 5,
            "cache_read": 0,
            "cache_write": 0,
        }
    ]
    assert Counted.from_json(json.dumps(counted)) == bedrock.counts()


def test_the_admin_port_takes_plans_and_resets(bedrock: Bedrock, to: Any) -> None:
    plan = Plan(faults=(Faults(faults=(Fault(kind="AccessDeniedException"),)),))
    assert asked(bedrock.admin_url, "POST", "/_plan", plan.to_json().encode()) == (200, {})
    with pytest.raises(to.exceptions.AccessDeniedException):
        ask(to)
    assert bedrock.counts().faults == {"AccessDeniedException": 1}
    assert asked(bedrock.admin_url, "POST", "/_reset", b"") == (200, {})
    assert bedrock.counts() == Counted()
    with pytest.raises(to.exceptions.AccessDeniedException):
        ask(to)


def test_the_admin_port_refuses_what_it_does_not_know(bedrock: Bedrock) -> None:
    status, refused = asked(bedrock.admin_url, "POST", "/_plan", b'{"faults": 1}')
    assert status == 400
    assert "the plan is not valid" in refused["message"]
    status, refused = asked(bedrock.admin_url, "GET", "/counts")
    assert status == 404
    assert "only GET /_counts, POST /_plan and POST /_reset" in refused["message"]
