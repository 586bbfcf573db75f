"""Calls as the gateway records them."""

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from generation.messages import Usage
from generation.prompts.templates import Templates
from generation.records.prompt import PromptRecord
from generation.records.record import AttemptRecord, CallRecord, ErrorRecord, FaultRecord, Outcome

TEMPLATES = Templates.load()
NOON = datetime(2026, 11, 25, 12, 0, 0, 123456, UTC)

QUESTION = "How do I pause my plan?"
PASSAGES = [
    {
        "id": "billing-7",
        "title": "Pausing",
        "url": "https://help.example/pausing",
        "text": "Open Settings > Billing and choose Pause. You can pause for one to three months.",
    }
]
ANSWER = "Open Settings > Billing and choose Pause [1]."

_USAGE = Usage(input=812, output=14, cache_read=0, cache_write=0)
_numbers = itertools.count(1)


def prompt(question: str = QUESTION) -> PromptRecord:
    """The prompt of a question, filled in."""
    inputs: Mapping[str, Any] = {"question": question, "passages": PASSAGES}
    template = TEMPLATES.get("answer", 1)
    system, messages = template.render(inputs)
    return PromptRecord(
        id=template.id,
        version=template.version,
        digest=template.digest,
        inputs=inputs,
        system=system,
        messages=messages,
    )


def body(asked: PromptRecord, beginning: str = "") -> dict[str, Any]:
    """A request as it goes to Converse, perhaps one that goes on with an answer."""
    turns = [{"role": m.role, "content": [{"text": m.text}]} for m in asked.messages]
    if beginning:
        turns.append({"role": "assistant", "content": [{"text": beginning}]})
    return {
        "modelId": "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        "messages": turns,
        "system": [{"text": asked.system}],
        "inferenceConfig": {"maxTokens": 512, "temperature": 0.2},
        "requestMetadata": {"team": "support"},
    }


def succeeded(asked: PromptRecord, **changes: Any) -> AttemptRecord:
    """An attempt that brought the answer."""
    said: dict[str, Any] = {
        "target": "haiku-frankfurt",
        "model_id": "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        "region": "eu-central-1",
        "kind": "cross_region",
        "tier": "default",
        "hedged": False,
        "started_ms": 63.4,
        "queued_ms": 0.0,
        "backoff_ms": 0.0,
        "duration_ms": 912.25,
        "first_token_ms": 341.5,
        "outcome": "succeeded",
        "fault": None,
        "status": 200,
        "aws_request_id": "1f0c2a7e-5d0e-4c0b-9a54-0d6f7a3f8b11",
        "request_headers": {"Content-Type": "application/json", "Authorization": "AWS4-HMAC..."},
        "request_body": body(asked),
        "response_headers": {"x-amzn-requestid": "1f0c2a7e-5d0e-4c0b-9a54-0d6f7a3f8b11"},
        "response_body": {
            "stopReason": "end_turn",
            "usage": {"inputTokens": 812, "outputTokens": 14, "totalTokens": 826},
            "metrics": {"latencyMs": 898},
        },
        "usage": _USAGE,
        "usage_estimated": False,
        "cost_nano": 882_000,
    }
    return AttemptRecord(**(said | changes))


def throttled(asked: PromptRecord, **changes: Any) -> AttemptRecord:
    """An attempt that was turned away."""
    fault = FaultRecord(
        name="ThrottlingException",
        advice="elsewhere",
        message="Too many tokens, please wait before trying again.",
        retry_after_ms=2000.0,
    )
    turned_away: dict[str, Any] = {
        "target": "haiku-ireland",
        "region": "eu-west-1",
        "started_ms": 0.2,
        "duration_ms": 58.75,
        "first_token_ms": None,
        "outcome": "failed",
        "fault": fault,
        "status": 429,
        "response_headers": {"x-amzn-errortype": "ThrottlingException", "retry-after": "2"},
        "response_body": {"message": fault.message},
        "usage": Usage(),
        "cost_nano": 0,
    }
    return succeeded(asked, **(turned_away | changes))


def call(**changes: Any) -> CallRecord:
    """A call that was throttled, went elsewhere and was answered; each has another id."""
    asked: PromptRecord = changes.pop("prompt", None) or prompt()
    said: dict[str, Any] = {
        "call_id": f"call-{next(_numbers)}",
        "request_id": "req-42",
        "time": NOON,
        "use_case": "answer",
        "tenant": "acme",
        "tags": {"team": "support"},
        "prompt": asked,
        "max_tokens": 512,
        "temperature": 0.2,
        "top_p": None,
        "stop": (),
        "streaming": True,
        "deadline_ms": 30_000.0,
        "outcome": "succeeded",
        "error": None,
        "answer": ANSWER,
        "stop_reason": "end_turn",
        "usage": _USAGE,
        "cost_nano": 882_000,
        "queued_ms": 0.0,
        "first_token_ms": 404.9,
        "total_ms": 975.75,
        "attempts": (throttled(asked), succeeded(asked)),
    }
    return CallRecord(**(said | changes))


def unanswered(outcome: Outcome, error: str, **changes: Any) -> CallRecord:
    """A call that ended without an answer, before anything was sent."""
    ended: dict[str, Any] = {
        "outcome": outcome,
        "error": ErrorRecord(name=error, message="the budget of the day is used up"),
        "answer": None,
        "stop_reason": None,
        "usage": Usage(),
        "cost_nano": 0,
        "first_token_ms": None,
        "attempts": (),
    }
    return call(**(ended | changes))
