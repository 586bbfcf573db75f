"""What of a call is recorded, and what is left out."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from generation.records import record as records
from generation.records.prompt import sha256_of
from generation.records.record import CallRecord, ErrorRecord
from tests.generation.records.samples import (
    NOON,
    body,
    call,
    prompt,
    succeeded,
    throttled,
    unanswered,
)

SCHEMA = json.loads(Path(records.__file__).with_name("schema.json").read_text(encoding="utf-8"))
VALID = jsonschema.Draft202012Validator(SCHEMA)

CALLS = {
    "fallen back": call(),
    "not streamed": call(streaming=False, attempts=(succeeded(prompt()),), stop=("END",)),
    "refused": unanswered("refused", "OverBudgetError", tenant=None, request_id=None),
    "failed": unanswered("failed", "ExhaustedError", attempts=(throttled(prompt()),)),
    "cancelled": call(outcome="cancelled", error=ErrorRecord(name="CancelledError", message="")),
    "never sent": call(
        attempts=(throttled(prompt(), request_body={}, status=None, aws_request_id=None),)
    ),
}


@pytest.mark.parametrize("said", CALLS.values(), ids=CALLS.keys())
def test_every_record_is_as_the_schema_says(said: CallRecord) -> None:
    VALID.validate(json.loads(json.dumps(said.to_json())))


def test_the_schema_is_one_and_knows_no_other_fields() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    said = call().to_json()
    for place in (said, said["prompt"], said["attempts"][0], said["usage"], said["timings"]):
        place["other"] = 1
        assert not VALID.is_valid(said)
        del place["other"]
    assert VALID.is_valid(said)


def test_the_schema_does_not_allow_a_prompt_in_a_body() -> None:
    for field in ("system", "messages"):
        said = call().to_json()
        said["attempts"][0]["request_body"][field] = []
        assert not VALID.is_valid(said)


def test_a_body_has_a_reference_in_place_of_the_prompt() -> None:
    asked = prompt()
    (said,) = call(prompt=asked, attempts=(succeeded(asked),)).to_json()["attempts"]
    assert said["request_body"] == {
        "modelId": "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        "inferenceConfig": {"maxTokens": 512, "temperature": 0.2},
        "requestMetadata": {"team": "support"},
        "prompt": {
            "template": "answer",
            "version": 1,
            "sha256": sha256_of(asked.system, asked.messages),
            "answer_chars": 0,
        },
    }


def test_nothing_of_the_prompt_but_its_inputs_is_in_a_record() -> None:
    text = json.dumps(call().to_json())
    assert "support team" not in text  # The system's text.
    assert "<passages>" not in text
    assert text.count("How do I pause my plan?") == 1


def test_a_body_that_goes_on_with_an_answer_has_the_hash_of_the_prompt_before_it() -> None:
    asked = prompt()
    first, second = (
        succeeded(asked).to_json(1, asked),
        succeeded(asked, request_body=body(asked, "Open Settings")).to_json(2, asked),
    )
    assert first["request_body"]["prompt"]["answer_chars"] == 0
    assert second["request_body"]["prompt"]["answer_chars"] == len("Open Settings")
    assert first["request_body"]["prompt"]["sha256"] == second["request_body"]["prompt"]["sha256"]


def test_the_hash_is_of_what_was_sent() -> None:
    asked, other = prompt(), prompt("How do I pay?")
    said = succeeded(asked, request_body=body(other)).to_json(1, asked)
    assert said["request_body"]["prompt"]["sha256"] == sha256_of(other.system, other.messages)
    assert sha256_of("a", ()) != sha256_of("", ())
    without_system = {key: value for key, value in body(asked).items() if key != "system"}
    said = succeeded(asked, request_body=without_system).to_json(1, asked)
    assert said["request_body"]["prompt"]["sha256"] == sha256_of("", asked.messages)


def test_headers_are_kept_apart_from_those_that_hold_secrets() -> None:
    headers = {
        "Content-Type": "application/json",
        "AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=...",
        "X-Amz-Security-Token": "IQoJb3...",
        "Proxy-Authorization": "Basic ...",
    }
    said = succeeded(prompt(), request_headers=headers, response_headers=headers)
    for side in ("request_headers", "response_headers"):
        assert said.to_json(1, prompt())[side] == {"content-type": "application/json"}


def test_times_are_of_utc_and_in_milliseconds() -> None:
    berlin = timezone(timedelta(hours=1))
    for time in (NOON, NOON.astimezone(berlin)):
        assert call(time=time).to_json()["time"] == "2026-11-25T12:00:00.123Z"
    assert datetime.fromisoformat(call().to_json()["time"]) == NOON.replace(microsecond=123_000)


def test_costs_are_there_in_both_units() -> None:
    assert call(cost_nano=1_500_000_001).to_json()["cost"] == {
        "nano": 1_500_000_001,
        "usd": 1.500000001,
    }


def test_attempts_are_numbered_from_one() -> None:
    said: list[dict[str, Any]] = call().to_json()["attempts"]
    assert [attempt["number"] for attempt in said] == [1, 2]
