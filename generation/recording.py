"""A call's record, made of what its attempts have noted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from generation.asked import Asked
from generation.attempts import Running
from generation.call import Call
from generation.errors import CancelledError, GenerationError, RefusedError
from generation.faults import Fault
from generation.messages import Usage
from generation.records.record import AttemptRecord, CallRecord, ErrorRecord, FaultRecord, Outcome


@dataclass(slots=True, kw_only=True)
class Told:
    """When a call began, came to its first token and ended, by `time.monotonic`, at which `time` of
    the day that was, and why it did not succeed."""

    began: float
    time: datetime
    first: float | None = None
    ended: float = 0.0
    error: GenerationError | None = None


def call_record(
    call_id: str, asked: Asked, told: Told, call: Call | None, costs: Sequence[int]
) -> CallRecord:
    """The record of a call that has ended; without a `call` it was refused before it began."""
    attempts = () if call is None else tuple(call.attempts)
    end = None if call is None else call.end
    request, error = asked.request, told.error
    return CallRecord(
        call_id=call_id,
        request_id=asked.request_id,
        time=told.time,
        use_case=asked.name,
        tenant=asked.tenant or None,
        tags=request.tags,
        prompt=asked.prompt,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        stop=request.stop,
        streaming=asked.use_case.stream,
        deadline_ms=1000 * asked.use_case.deadline_s,
        outcome="succeeded" if end is not None else _outcome(error, attempts),
        error=None if error is None else ErrorRecord(name=type(error).__name__, message=str(error)),
        answer=None if call is None or not call.text else call.text,
        stop_reason=None if end is None else end.stop_reason,
        usage=sum((running.usage for running in attempts), Usage()),
        cost_nano=sum(costs),
        queued_ms=1000 * sum(running.admitted.waited_s for running in attempts),
        first_token_ms=None if told.first is None else 1000 * (told.first - told.began),
        total_ms=1000 * (told.ended - told.began),
        attempts=tuple(
            _attempt(running, told.began, nano)
            for running, nano in zip(attempts, costs, strict=True)
        ),
    )


def answered(record: CallRecord) -> AttemptRecord | None:
    """The attempt that brought a call's answer to its end, if one did."""
    return next((attempt for attempt in record.attempts if attempt.outcome == "succeeded"), None)


def _outcome(error: GenerationError | None, attempts: Sequence[Running]) -> Outcome:
    if isinstance(error, CancelledError):
        return "cancelled"
    refused = isinstance(error, RefusedError) and not attempts
    return "refused" if refused else "failed"


def _attempt(running: Running, began: float, nano: int) -> AttemptRecord:
    target, exchange = running.target, running.exchange
    first_s = running.first_s
    return AttemptRecord(
        target=running.name,
        model_id=target.model_id,
        region=target.region,
        kind=target.kind,
        tier=target.tier,
        hedged=running.hedge,
        started_ms=1000 * (running.began - began),
        queued_ms=1000 * running.admitted.waited_s,
        backoff_ms=1000 * running.backoff_s,
        duration_ms=1000 * ((running.ended or running.began) - running.began),
        first_token_ms=None if first_s is None else 1000 * first_s,
        outcome=running.outcome,
        fault=None if running.fault is None else _fault(running.fault),
        status=exchange.status,
        aws_request_id=exchange.request_id,
        request_headers=exchange.request_headers,
        request_body=exchange.request_body,
        response_headers=exchange.response_headers,
        response_body=exchange.response_body,
        usage=running.usage,
        usage_estimated=running.estimated,
        cost_nano=nano,
    )


def _fault(fault: Fault) -> FaultRecord:
    asked_s = fault.retry_after_s
    return FaultRecord(
        name=fault.name,
        advice=fault.advice.value,
        message=fault.message,
        retry_after_ms=None if asked_s is None else 1000 * asked_s,
    )
