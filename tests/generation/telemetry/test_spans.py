"""Spans over the wire: who is whose parent, what they say, and what they must not say."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    use_span,
)

from benchmarks.gateway.bedrock import Bedrock, Fault
from generation.errors import ExhaustedError, OverBudgetError
from generation.records.reader import read_records
from tests.generation.gateways import INPUTS, MODEL, gateway, plan

STREAM: dict[str, Any] = {"stream": True, "first_token_s": 5, "between_tokens_s": 5}
_MEANWHILE = "the caller's own"


def _by_kind(
    exported: InMemorySpanExporter,
) -> tuple[Sequence[ReadableSpan], Sequence[ReadableSpan]]:
    """The spans of calls, and those of attempts."""
    spans = [span for span in exported.get_finished_spans() if span.name != _MEANWHILE]
    calls = [span for span in spans if span.name.startswith("gateway ")]
    return calls, sorted((s for s in spans if s not in calls), key=_began)


def _began(span: ReadableSpan) -> int:
    assert span.start_time is not None
    return span.start_time


def _ended(span: ReadableSpan) -> int:
    assert span.end_time is not None
    return span.end_time


def _said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def _is_child(span: ReadableSpan, parent: ReadableSpan) -> bool:
    return (
        span.parent is not None
        and parent.context is not None
        and span.parent.span_id == parent.context.span_id
        and _began(parent) <= _began(span) <= _ended(span) <= _ended(parent)
    )


def test_a_call_is_a_span_of_its_caller_with_its_attempts_inside(
    bedrock: Bedrock, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    bedrock.set_plan(plan(Fault(kind="ThrottlingException"), region="us-east-1"))
    tracer = trace.get_tracer("test")
    with gateway(bedrock, tmp_path) as bot, tracer.start_as_current_span(_MEANWHILE):
        done = bot.complete("answer", INPUTS, tenant="acme")
    (caller,) = (span for span in exported.get_finished_spans() if span.name == _MEANWHILE)
    (call,), (throttled, answered) = _by_kind(exported)
    assert _is_child(call, caller)
    assert (call.name, call.kind) == ("gateway answer", SpanKind.INTERNAL)
    assert call.status.status_code is StatusCode.UNSET
    assert _said(call) == {
        "passages.call_id": done.call_id,
        "passages.use_case": "answer",
        "passages.tenant": "acme",
        "passages.target": "b",
        "passages.attempts": 2,
        "passages.outcome": "succeeded",
        "passages.cost_usd": done.cost_nano / 1e9,
    }
    for attempt in (throttled, answered):
        assert _is_child(attempt, call)
        assert (attempt.name, attempt.kind) == (f"chat {MODEL}", SpanKind.CLIENT)
    assert _ended(throttled) <= _began(answered)
    assert throttled.status.status_code is StatusCode.ERROR
    assert _said(throttled)["error.type"] == "ThrottlingException"
    assert answered.status.status_code is StatusCode.UNSET
    assert "error.type" not in _said(answered)


def test_an_attempt_says_what_the_conventions_name(
    bedrock: Bedrock, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    cached = "fake.ttft1-itl1-len12-cache20-write10-v1:0"
    limits: dict[str, Any] = {"temperature": 0.5, "top_p": 0.75, "stop": ["END"]}
    with gateway(bedrock, tmp_path, models=(cached,), **STREAM, **limits) as bot:
        done = bot.complete("answer", INPUTS)
    (record,) = read_records(tmp_path / "records")
    _, (attempt,) = _by_kind(exported)
    usage = done.usage
    assert (usage.cache_read, usage.cache_write) == (20, 10)
    said = _said(attempt)
    assert 0 < said.pop("gen_ai.response.time_to_first_chunk") <= done.first_token_s
    assert said == {
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.operation.name": "chat",
        "gen_ai.prompt.name": "answer",
        "gen_ai.prompt.version": "1",
        "gen_ai.request.model": cached,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.75,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.stream": True,
        "gen_ai.response.finish_reasons": ("end_turn",),
        "gen_ai.usage.input_tokens": usage.input + 30,
        "gen_ai.usage.output_tokens": 12,
        "gen_ai.usage.cache_read.input_tokens": 20,
        "gen_ai.usage.cache_write.input_tokens": 10,
        "aws.request_id": record["attempts"][0]["aws_request_id"],
        "cloud.region": "us-east-1",
        "passages.target": "a",
        "passages.hedged": False,
        "passages.outcome": "succeeded",
        "passages.usage_estimated": False,
    }


def test_an_attempt_that_goes_on_with_an_answer_says_the_tokens_it_asked_for(
    bedrock: Bedrock, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    bedrock.set_plan(plan(Fault(kind="reset_midway", after_tokens=5), region="us-east-1"))
    with gateway(bedrock, tmp_path, **STREAM) as bot:
        bot.complete("answer", INPUTS)
    _, (broken, rest) = _by_kind(exported)
    asked = [_said(span)["gen_ai.request.max_tokens"] for span in (broken, rest)]
    assert asked == [100, 95]
    assert _said(broken)["gen_ai.response.finish_reasons"] == ("error",)
    assert _said(broken)["passages.usage_estimated"] is True


def test_a_refused_call_is_a_failed_span_without_attempts(
    bedrock: Bedrock, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    with (
        gateway(bedrock, tmp_path, budget={"day_usd": 0.000001}) as bot,
        pytest.raises(OverBudgetError),
    ):
        bot.complete("answer", INPUTS)
    (call,), attempts = _by_kind(exported)
    assert not attempts
    assert call.status.status_code is StatusCode.ERROR
    assert _said(call)["error.type"] == "OverBudgetError"
    assert (_said(call)["passages.outcome"], _said(call)["passages.attempts"]) == ("refused", 0)
    assert "passages.target" not in _said(call)


def test_a_failed_call_names_its_error(
    bedrock: Bedrock, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    bedrock.set_plan(plan(Fault(kind="InternalServerException")))
    with gateway(bedrock, tmp_path, attempts=2) as bot, pytest.raises(ExhaustedError):
        bot.complete("answer", INPUTS)
    (call,), attempts = _by_kind(exported)
    assert _said(call)["error.type"] == "ExhaustedError"
    assert [_said(span)["error.type"] for span in attempts] == 2 * ["InternalServerException"]


def test_what_is_given_up_is_no_error(
    bedrock: Bedrock, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    slow = "fake.ttft1-itl30-len40-v1:0"
    with gateway(bedrock, tmp_path, models=(slow,), **STREAM) as bot:
        stream = bot.stream("answer", INPUTS)
        assert next(iter(stream))
    (call,), (attempt,) = _by_kind(exported)
    for span in (call, attempt):
        assert span.status.status_code is StatusCode.UNSET
        assert _said(span)["passages.outcome"] == "cancelled"
        assert "error.type" not in _said(span)


def test_a_stream_that_another_thread_reads_belongs_to_who_asked_for_it(
    bedrock: Bedrock, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    with gateway(bedrock, tmp_path, **STREAM) as bot:
        with trace.get_tracer("test").start_as_current_span(_MEANWHILE) as caller:
            stream = bot.stream("answer", INPUTS)
        reader = threading.Thread(target=lambda: list(stream))
        reader.start()
        reader.join()
    (call,), _ = _by_kind(exported)
    assert call.parent == caller.get_span_context()


def test_the_calls_of_a_trace_that_is_not_sampled_are_not_either(
    bedrock: Bedrock, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    unsampled = SpanContext(1, 1, is_remote=True, trace_flags=TraceFlags(0))
    with gateway(bedrock, tmp_path) as bot, use_span(NonRecordingSpan(unsampled)):
        bot.complete("answer", INPUTS)
    assert not exported.get_finished_spans()


def test_no_span_has_what_was_asked_or_answered_or_what_an_error_said_of_it(
    bedrock: Bedrock, tmp_path: Path, exported: InMemorySpanExporter
) -> None:
    bedrock.set_plan(plan(Fault(kind="ModelErrorException"), region="us-east-1"))
    with gateway(bedrock, tmp_path) as bot:
        done = bot.complete("answer", INPUTS)
    (record,) = read_records(tmp_path / "records")
    inputs = record["prompt"]["inputs"]
    contents = [inputs["question"], inputs["passages"][0]["text"], done.text]
    contents.append(record["attempts"][0]["fault"]["message"])
    assert all(contents)
    told = "".join(span.to_json() for span in exported.get_finished_spans())
    assert told.count("passages.outcome") == 3
    assert not [content for content in contents if content in told]


class _Broken(SpanProcessor):
    """Somebody's processor of spans, which fails while it is told to."""

    def __init__(self) -> None:
        self.fails = True

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if self.fails:
            raise RuntimeError("no room for spans")


def test_a_call_is_settled_and_recorded_though_its_spans_fail(
    bedrock: Bedrock, tmp_path: Path, provider: TracerProvider
) -> None:
    broken = _Broken()
    provider.add_span_processor(broken)
    try:
        with gateway(bedrock, tmp_path, budget={"day_usd": 0.003}) as bot:
            for _ in range(4):  # What four may cost at most is more than the budget.
                stream = bot.stream("answer", INPUTS)
                with pytest.raises(RuntimeError, match="no room"):
                    list(stream)
                assert stream.completion.target == "a"
    finally:
        broken.fails = False
    assert [r["outcome"] for r in read_records(tmp_path / "records")] == 4 * ["succeeded"]
