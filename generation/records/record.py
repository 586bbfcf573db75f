"""What is recorded of a call and of each of its attempts. docs/records.md and schema.json describe
the JSON field by field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from generation.messages import Usage
from generation.money.nano import usd_of
from generation.records.prompt import PromptRecord

SCHEMA_VERSION = 1

Outcome = Literal["succeeded", "refused", "failed", "cancelled"]

_SECRET_HEADERS = ("authorization", "proxy-authorization", "x-amz-security-token")


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """How a call ended that did not succeed: the class of `generation.errors`, and its message."""

    name: str
    message: str

    def to_json(self) -> dict[str, Any]:
        """Its JSON."""
        return {"name": self.name, "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRecord:
    """Why an attempt failed: see `generation.faults.Fault`. `retry_after_ms` is what the service
    asked for."""

    name: str
    advice: str
    message: str
    retry_after_ms: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Its JSON."""
        return {
            "name": self.name,
            "advice": self.advice,
            "message": self.message,
            "retry_after_ms": _ms(self.retry_after_ms),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One request to one target. `started_ms` counts from the beginning of the call, `queued_ms`
    and `backoff_ms` are what was waited before it for quota and between attempts, `duration_ms`
    and `first_token_ms` count from its own beginning.

    `request_body` is the body as it was sent: the JSON has a reference to the template in place of
    the prompt. `usage_estimated`: Bedrock did not say what it will bill.
    """

    target: str
    model_id: str
    region: str
    kind: str
    tier: str
    hedged: bool
    started_ms: float
    queued_ms: float
    backoff_ms: float
    duration_ms: float
    first_token_ms: float | None
    outcome: Outcome
    fault: FaultRecord | None
    status: int | None
    aws_request_id: str | None
    request_headers: Mapping[str, str]
    request_body: Mapping[str, Any]
    response_headers: Mapping[str, str]
    response_body: Mapping[str, Any]
    usage: Usage
    usage_estimated: bool
    cost_nano: int

    def to_json(self, number: int, prompt: PromptRecord) -> dict[str, Any]:
        """Its JSON, as the attempt of that number of a call with that prompt."""
        return {
            "number": number,
            "target": self.target,
            "model_id": self.model_id,
            "region": self.region,
            "kind": self.kind,
            "tier": self.tier,
            "hedged": self.hedged,
            "started_ms": _ms(self.started_ms),
            "queued_ms": _ms(self.queued_ms),
            "backoff_ms": _ms(self.backoff_ms),
            "duration_ms": _ms(self.duration_ms),
            "first_token_ms": _ms(self.first_token_ms),
            "outcome": self.outcome,
            "fault": None if self.fault is None else self.fault.to_json(),
            "status": self.status,
            "aws_request_id": self.aws_request_id,
            "request_headers": _headers(self.request_headers),
            "request_body": prompt.without_prompt(self.request_body),
            "response_headers": _headers(self.response_headers),
            "response_body": dict(self.response_body),
            "usage": _usage(self.usage),
            "usage_estimated": self.usage_estimated,
            "cost": _cost(self.cost_nano),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call. `usage` and `cost_nano` are the sums over its attempts; `queued_ms` is what was
    waited for admission, and `first_token_ms` and `total_ms` count from the beginning, at `time`.

    `answer` is the text as far as it came, before redaction, like the prompt's inputs: the writer
    redacts. What a record holds is not to be changed once it was handed over.
    """

    call_id: str
    request_id: str | None
    time: datetime
    use_case: str
    tenant: str | None
    tags: Mapping[str, str]
    prompt: PromptRecord
    max_tokens: int
    temperature: float | None
    top_p: float | None
    stop: tuple[str, ...]
    streaming: bool
    deadline_ms: float
    outcome: Outcome
    error: ErrorRecord | None
    answer: str | None
    stop_reason: str | None
    usage: Usage
    cost_nano: int
    queued_ms: float
    first_token_ms: float | None
    total_ms: float
    attempts: tuple[AttemptRecord, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Its JSON; nothing in it is redacted yet, but prompts and secret headers are left out."""
        return {
            "schema_version": SCHEMA_VERSION,
            "call_id": self.call_id,
            "request_id": self.request_id,
            "time": _time(self.time),
            "use_case": self.use_case,
            "tenant": self.tenant,
            "tags": dict(self.tags),
            "prompt": self.prompt.to_json(),
            "parameters": {
                "max_tokens": self.max_tokens,
                "temperature": self.temperature,
                "top_p": self.top_p,
                "stop": list(self.stop),
            },
            "streaming": self.streaming,
            "deadline_ms": _ms(self.deadline_ms),
            "outcome": self.outcome,
            "error": None if self.error is None else self.error.to_json(),
            "answer": self.answer,
            "stop_reason": self.stop_reason,
            "usage": _usage(self.usage),
            "cost": _cost(self.cost_nano),
            "timings": {
                "queued_ms": _ms(self.queued_ms),
                "first_token_ms": _ms(self.first_token_ms),
                "total_ms": _ms(self.total_ms),
            },
            "attempts": [
                attempt.to_json(number, self.prompt)
                for number, attempt in enumerate(self.attempts, start=1)
            ],
        }


def _ms(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(float(milliseconds), 3)


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
    }


def _cost(nano: int) -> dict[str, Any]:
    return {"nano": nano, "usd": usd_of(nano)}


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in lower.items() if name not in _SECRET_HEADERS}
