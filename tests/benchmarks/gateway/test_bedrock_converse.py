import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from benchmarks.gateway.bedrock import Bedrock
from tests.benchmarks.gateway.bedrock_client import (
    FULL,
    MODEL,
    REGION,
    SERVICE,
    ask,
    check_shape,
    client,
    connected,
    deltas,
    request,
    said,
    signed,
    stream,
    text_of,
)

ARN = f"arn:aws:bedrock:{REGION}:123456789012:provisioned-model/l5c2w1xxxxxx"


@pytest.fixture(scope="module")
def bedrock() -> Iterator[Bedrock]:
    with Bedrock.served() as served:
        yield served


@pytest.fixture(scope="module")
def to(bedrock: Bedrock) -> Iterator[Any]:
    with client(bedrock) as made:
        yield made


def test_converse_answers_words_by_number(to: Any) -> None:
    answer = ask(to, "hello there")
    assert text_of(answer) == FULL
    assert answer["stopReason"] == "end_turn"
    # 11 bytes are 11 // 4 + 1 tokens.
    assert answer["usage"] == {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}
    about = answer["ResponseMetadata"]
    assert len(about["RequestId"]) == 36
    assert about["HTTPHeaders"]["content-type"] == "application/json"
    assert about["HTTPHeaders"]["date"].endswith("GMT")


def test_converse_stream_answers_the_same_one_delta_a_token(to: Any) -> None:
    events = stream(to, "hello there")
    assert [next(iter(event)) for event in events] == [
        "messageStart",
        *["contentBlockDelta"] * 5,
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert deltas(events) == ["w0", " w1", " w2", " w3", " w4"]
    assert events[-2]["messageStop"]["stopReason"] == "end_turn"
    usage = {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}
    assert events[-1]["metadata"]["usage"] == usage


def test_a_stream_comes_in_chunks_of_the_event_stream_type(to: Any) -> None:
    answer = to.converse_stream(modelId=MODEL, messages=said("hello"))
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    answer["stream"].close()
    assert headers["content-type"] == "application/vnd.amazon.eventstream"
    assert headers["transfer-encoding"] == "chunked"
    assert len(headers["x-amzn-requestid"]) == 36


@pytest.mark.parametrize("model", [MODEL, ARN, "fake.len0-v1:0"])
def test_answers_have_the_shapes_of_the_services_model(bedrock: Bedrock, model: str) -> None:
    body = json.dumps({"messages": said("hello"), "serviceTier": {"type": "priority"}}).encode()
    url = bedrock.endpoints[REGION]
    headers = signed(url, body, model=model)
    with connected(url) as sock:
        sock.sendall(request(url, body, {**headers, "Connection": "close"}, model=model))
        _, _, answered = b"".join(iter(lambda: sock.recv(65_536), b"")).partition(b"\r\n\r\n")
    check_shape(SERVICE.operation_model("Converse").output_shape, json.loads(answered))


def test_events_have_the_shapes_of_the_services_model(to: Any) -> None:
    shape = SERVICE.operation_model("ConverseStream").output_shape.members["stream"]
    for event in stream(to, model=ARN, serviceTier={"type": "flex"}):
        check_shape(shape, event)


@pytest.mark.parametrize(
    "model", ["us.fake.len5-v1:0", ARN, f"arn:aws:bedrock:{REGION}::foundation-model/{MODEL}"]
)
def test_profiles_and_arns_are_asked_like_models(bedrock: Bedrock, to: Any, model: str) -> None:
    assert text_of(ask(to, model=model)) == FULL
    assert "".join(deltas(stream(to, model=model))) == FULL
    assert bedrock.counts().where(model_id=model, outcome="succeeded").requests >= 2


def test_an_answer_that_was_begun_is_continued(to: Any) -> None:
    assert deltas(stream(to, "hello", "w0 w1 w2")) == [" w3", " w4"]
    assert text_of(ask(to, "hello", "w0 w1 w2")) == " w3 w4"
    assert deltas(stream(to, "hello", FULL)) == []


def test_a_model_may_not_go_on_with_what_was_begun(to: Any) -> None:
    with pytest.raises(to.exceptions.ValidationException, match="assistant message prefill"):
        ask(to, "hello", "w0", model="fake.noprefill-v1:0")


def test_an_answer_is_cut_at_max_tokens(to: Any) -> None:
    answer = ask(to, inferenceConfig={"maxTokens": 2})
    assert (text_of(answer), answer["stopReason"]) == ("w0 w1", "max_tokens")
    events = stream(to, inferenceConfig={"maxTokens": 2})
    assert deltas(events) == ["w0", " w1"]
    assert events[-2]["messageStop"]["stopReason"] == "max_tokens"
    answer = ask(to, inferenceConfig={"maxTokens": 5})
    assert (text_of(answer), answer["stopReason"]) == (FULL, "end_turn")


def test_an_answer_ends_before_a_stop_sequence(to: Any) -> None:
    answer = ask(to, inferenceConfig={"stopSequences": ["nowhere", " w3"]})
    assert (text_of(answer), answer["stopReason"]) == ("w0 w1 w2", "stop_sequence")
    assert answer["usage"]["outputTokens"] == 3


def test_tokens_of_the_prompt_cache_are_not_among_the_input(to: Any) -> None:
    usage = ask(to, "x" * 399, model="fake.len5-cache60-write30-v1:0")["usage"]
    assert usage == {
        "inputTokens": 10,
        "outputTokens": 5,
        "totalTokens": 105,
        "cacheReadInputTokens": 60,
        "cacheWriteInputTokens": 30,
    }
    usage = ask(to, "x" * 39, model="fake.len5-cache60-write30-v1:0")["usage"]
    assert (usage["inputTokens"], usage["cacheReadInputTokens"]) == (0, 10)
    assert usage["cacheWriteInputTokens"] == 0


def test_input_is_counted_over_system_and_messages_in_bytes(to: Any) -> None:
    answer = ask(to, "häuser", "w0", "weiter", system=[{"text": "kurz"}])
    assert answer["usage"]["inputTokens"] == (4 + 7 + 2 + 6) // 4 + 1


def test_a_scripted_model_answers_what_it_is_told(to: Any) -> None:
    model = "fake.scripted-v1:0"
    answer = ask(to, 'Judge it.\nANSWER:\n{"score": 4,\n "reason": "so"}', model=model)
    assert json.loads(text_of(answer)) == {"score": 4, "reason": "so"}
    assert deltas(stream(to, "Anything?\nANSWER:\nNO_ANSWER", model=model)) == ["NO_ANSWER"]
    assert text_of(ask(to, "no script", model="fake.scripted-len2-v1:0")) == "w0 w1"


def test_the_first_token_and_the_next_ones_come_when_the_model_says(to: Any) -> None:
    waits = []
    for _ in range(5):
        began = time.perf_counter()
        times = []
        answer = to.converse_stream(modelId="fake.ttft30-itl10-len3-v1:0", messages=said("hello"))
        for event in answer["stream"]:
            if "contentBlockDelta" in event:
                times.append(time.perf_counter() - began)
        assert times[0] >= 0.03
        assert times[2] >= 0.05
        waits.append(times[0])
    # Held back by the kernel (Nagle's algorithm), it would always be 40 ms later.
    assert min(waits) < 0.06


def test_converse_takes_as_long_as_the_whole_answer(to: Any) -> None:
    began = time.perf_counter()
    answer = ask(to, model="fake.ttft30-itl10-len4-v1:0")
    assert time.perf_counter() - began >= 0.06
    assert answer["metrics"]["latencyMs"] >= 60


@pytest.mark.parametrize(
    ("messages", "said_of_it"),
    [
        ([], "must start with a user message"),
        ([{"role": "assistant", "content": [{"text": "hi"}]}], "must start with a user message"),
        ([*said("a"), *said("b")], "must alternate between user and assistant roles"),
        (said("a", " "), r"messages.1.content.0 is blank"),
        (said("a", "w0 "), "final assistant content cannot end with trailing whitespace"),
        ([{"role": "user", "content": []}], "messages.0 is empty"),
        ([{"role": "user", "content": [{"guardContent": {"text": {"text": "a"}}}]}], "doesn't"),
    ],
)
def test_a_conversation_that_bedrock_refuses_is_refused(
    to: Any, messages: list[Any], said_of_it: str
) -> None:
    with pytest.raises(to.exceptions.ValidationException, match=said_of_it):
        to.converse(modelId=MODEL, messages=messages)
    with pytest.raises(to.exceptions.ValidationException, match=said_of_it):
        to.converse_stream(modelId=MODEL, messages=messages)


def test_more_tokens_than_the_model_can_are_refused(to: Any) -> None:
    with pytest.raises(to.exceptions.ValidationException, match="exceeds the model limit of 100"):
        ask(to, model="fake.max100-v1:0", inferenceConfig={"maxTokens": 101})


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"{", "SerializationException"),
        (b"[]", "SerializationException"),
        (b'{"messages": "hello"}', "SerializationException"),
        (b'{"messages": [{"role": "user", "content": [{"text": 1}]}]}', "SerializationException"),
        (b'{"messages": [{"role": "robot", "content": [{"text": "a"}]}]}', "ValidationException"),
        (b'{"inferenceConfig": {"maxTokens": 0}}', "ValidationException"),
        (b'{"inferenceConfig": {"temperature": 2}}', "ValidationException"),
        (b'{"serviceTier": {"type": "fast"}}', "ValidationException"),
        (b'{"requestMetadata": {"a": "b!"}}', "ValidationException"),
    ],
)
def test_what_boto3_would_not_send_is_refused_too(bedrock: Bedrock, body: bytes, name: str) -> None:
    if b"messages" not in body and body.endswith(b"}}"):
        body = body[:-1] + b', "messages": ' + json.dumps(said("hello")).encode() + b"}"
    url = bedrock.endpoints[REGION]
    with connected(url) as sock:
        sock.sendall(request(url, body, signed(url, body)))
        answered = sock.recv(65_536)
    assert answered.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"x-amzn-ErrorType: {name}\r\n".encode() in answered
    assert set(json.loads(answered.partition(b"\r\n\r\n")[2])) == {"message"}


def test_what_is_no_operation_here_is_unknown(bedrock: Bedrock, to: Any) -> None:
    with pytest.raises(ClientError) as refused:
        to.invoke_model(modelId=MODEL, body=b"{}")
    assert refused.value.response["Error"]["Code"] == "UnknownOperationException"


def test_fifty_streams_at_once_lose_no_token(bedrock: Bedrock, to: Any) -> None:
    bedrock.reset()
    model = "fake.ttft400-itl1-len60-v1:0"
    ready = threading.Barrier(50)

    def asked(_: int) -> str:
        ready.wait()
        return "".join(deltas(stream(to, model=model)))

    with ThreadPoolExecutor(50) as pool:
        texts = list(pool.map(asked, range(50)))
    assert set(texts) == {" ".join(f"w{number}" for number in range(60))}
    counted = bedrock.counts()
    assert counted.where(model_id=model, outcome="succeeded").output == 50 * 60
    assert counted.peak_streams >= 40
    assert counted.open_streams == 0
