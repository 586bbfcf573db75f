import json

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer, EventStreamMessage
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gateway.bedrock import frames

names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
headers = st.dictionaries(names, st.text(max_size=100), max_size=5)


def decoded(*pieces: bytes) -> list[EventStreamMessage]:
    buffer = EventStreamBuffer()
    messages = []
    for piece in pieces:
        buffer.add_data(piece)
        messages.extend(buffer)
    return messages


@given(headers, st.binary(max_size=500))
def test_botocore_reads_what_a_message_was_made_of(given: dict[str, str], payload: bytes) -> None:
    (message,) = decoded(frames.message(given, payload))
    assert message.headers == given
    assert message.payload == payload


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5), st.integers(1, 50))
def test_messages_are_read_however_they_are_cut_into_pieces(texts: list[str], size: int) -> None:
    data = b"".join(map(frames.delta, texts))
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    read = [json.loads(message.payload)["delta"]["text"] for message in decoded(*pieces)]
    assert read == texts


@given(st.text())
def test_a_damaged_message_is_noticed_by_its_checksum(text: str) -> None:
    with pytest.raises(ChecksumMismatch):
        decoded(frames.damaged(frames.delta(text)))


@given(st.binary(min_size=40, max_size=40), st.integers(0, 55))
def test_a_flipped_byte_anywhere_is_noticed_by_a_checksum(payload: bytes, at: int) -> None:
    frame = bytearray(frames.message({}, payload))
    frame[at] ^= 1
    with pytest.raises(ChecksumMismatch):
        decoded(bytes(frame))


def test_events_and_errors_say_what_they_are() -> None:
    event, exception, error = decoded(
        frames.event("messageStart", {"role": "assistant"}),
        frames.exception("throttlingException", {"message": "wait"}),
        frames.error("modelTimeoutException", "too late"),
    )
    assert event.headers == {
        ":event-type": "messageStart",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert exception.headers[":message-type"] == "exception"
    assert exception.headers[":exception-type"] == "throttlingException"
    assert error.headers[":message-type"] == "error"
    assert error.headers[":error-code"] == "modelTimeoutException"
    assert error.headers[":error-message"] == "too late"


def test_a_chunk_has_its_length_in_hexadecimal() -> None:
    assert frames.chunk(b"a" * 26) == b"1a\r\n" + b"a" * 26 + b"\r\n"
