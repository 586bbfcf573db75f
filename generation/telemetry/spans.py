"""Spans of a call and of its attempts, made of its record once it has ended.

Without an SDK of OpenTelemetry there are none. A call is a span `gateway {use case}`, a child of
the span that was current where the call was asked for, with attributes of our own (`passages.*`).
Each attempt is a child of it, `chat {model}`, by the conventions for generative AI
(https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/client-inference.md and
aws-bedrock.md) and for AWS (https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk).
Only attempts have a model and tokens: on the call as well, who adds them up would count twice.

`error.type` is the class of `generation.errors` on a call, and the name of the fault on an attempt
(see `generation.faults`). What was cancelled is no error. Prompts, answers and messages of errors,
which may quote them, are in the records alone, where they are redacted.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from generation.messages import Usage
from generation.money.nano import usd_of
from generation.recording import answered
from generation.records.record import AttemptRecord, CallRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OTHER = "_OTHER"
"""The conventions' type of an error that has no name."""

_tracer = trace.get_tracer("generation")


def emit(record: CallRecord, parent: Context) -> None:
    """Make the spans of a call that has ended, below the span of a context."""
    began = (record.time - _EPOCH) // timedelta(microseconds=1) * 1000
    ended = began + _nanoseconds(record.total_ms)
    span = _tracer.start_span(
        f"gateway {record.use_case}", parent, attributes=_of_call(record), start_time=began
    )
    if not span.is_recording():
        return
    inside = trace.set_span_in_context(span, parent)
    for attempt in record.attempts:
        _emit_attempt(record, attempt, inside, began, ended)
    if record.outcome in ("failed", "refused"):
        _fail(span, _OTHER if record.error is None else record.error.name)
    span.end(ended)


def _emit_attempt(
    record: CallRecord, attempt: AttemptRecord, inside: Context, call_began: int, call_ended: int
) -> None:
    began = call_began + _nanoseconds(attempt.started_ms)
    span = _tracer.start_span(
        f"chat {attempt.model_id}",
        inside,
        SpanKind.CLIENT,
        attributes=_of_request(record, attempt) | _of_response(record, attempt),
        start_time=began,
    )
    if attempt.fault is not None:
        _fail(span, attempt.fault.name)
    # Of floats, a sum of parts may come out longer than the whole.
    span.end(min(began + _nanoseconds(attempt.duration_ms), call_ended))


def _fail(span: Span, error_type: str) -> None:
    span.set_attribute("error.type", error_type)
    span.set_status(StatusCode.ERROR)


def _of_call(record: CallRecord) -> dict[str, AttributeValue]:
    winner = answered(record)
    return _known(
        {
            "passages.call_id": record.call_id,
            "passages.use_case": record.use_case,
            "passages.tenant": record.tenant,
            "passages.target": None if winner is None else winner.target,
            "passages.attempts": len(record.attempts),
            "passages.outcome": record.outcome,
            "passages.cost_usd": usd_of(record.cost_nano),
        }
    )


def _of_request(record: CallRecord, attempt: AttemptRecord) -> dict[str, AttributeValue]:
    # An attempt that goes on with an answer asks for fewer tokens than the call.
    limits = attempt.request_body.get("inferenceConfig", {})
    return _known(
        {
            "gen_ai.provider.name": "aws.bedrock",
            "gen_ai.operation.name": "chat",
            "gen_ai.prompt.name": record.prompt.id,
            "gen_ai.prompt.version": str(record.prompt.version),
            "gen_ai.request.model": attempt.model_id,
            "gen_ai.request.max_tokens": limits.get("maxTokens"),
            "gen_ai.request.temperature": limits.get("temperature"),
            "gen_ai.request.top_p": limits.get("topP"),
            "gen_ai.request.stop_sequences": limits.get("stopSequences"),
            "gen_ai.request.stream": record.streaming or None,
            "cloud.region": attempt.region,
            "passages.target": attempt.target,
            "passages.hedged": attempt.hedged,
        }
    )


def _of_response(record: CallRecord, attempt: AttemptRecord) -> dict[str, AttributeValue]:
    stopped = record.stop_reason if attempt.outcome == "succeeded" else None
    first_ms = attempt.first_token_ms if record.streaming else None
    return _known(
        {
            "aws.request_id": attempt.aws_request_id,
            # "error" stands for the reason that was expected and did not come.
            "gen_ai.response.finish_reasons": (stopped or "error",),
            "gen_ai.response.time_to_first_chunk": None if first_ms is None else first_ms / 1000,
            "passages.outcome": attempt.outcome,
        }
    ) | (_of_usage(attempt) if attempt.usage != Usage() else {})


def _of_usage(attempt: AttemptRecord) -> dict[str, AttributeValue]:
    usage = attempt.usage
    return _known(
        {
            # The conventions count what was cached among the input, Bedrock does not.
            "gen_ai.usage.input_tokens": usage.input + usage.cache_read + usage.cache_write,
            "gen_ai.usage.output_tokens": usage.output,
            "gen_ai.usage.cache_read.input_tokens": usage.cache_read or None,
            "gen_ai.usage.cache_write.input_tokens": usage.cache_write or None,
            "passages.usage_estimated": attempt.usage_estimated,
        }
    )


def _known(attributes: Mapping[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    return {name: value for name, value in attributes.items() if value is not None}


def _nanoseconds(milliseconds: float) -> int:
    return int(1_000_000 * milliseconds)
