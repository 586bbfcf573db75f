"""Metrics of calls, in Prometheus' default registry.

Each is moved once a call has ended, by what its record says. Use cases and targets are those of
the configuration, so no label grows with the calls.
"""

from prometheus_client import Counter, Histogram

from generation.money.nano import usd_of
from generation.recording import answered
from generation.records.record import AttemptRecord, CallRecord

_MOST_FAULTS = 64

CALLS = Counter(
    "passages_gateway_calls",
    "Calls that have ended; the target is the one that answered, empty where none did.",
    ["use_case", "target", "outcome"],
)
FALLBACKS = Counter(
    "passages_gateway_fallbacks",
    "Calls that were answered by another target than the one asked first, which is the label.",
    ["use_case", "target"],
)
FAULTS = Counter(
    "passages_gateway_faults",
    "Attempts that failed, by the name of the fault: Bedrock's, or the gateway's own.",
    ["target", "fault"],
)
CALL_SECONDS = Histogram(
    "passages_gateway_call_seconds",
    "From the beginning of a call to its end.",
    ["use_case", "outcome"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120),
)
CALL_ATTEMPTS = Histogram(
    "passages_gateway_call_attempts",
    "Requests sent for a call; 0 for one that was refused.",
    ["use_case"],
    buckets=(0, 1, 2, 3, 4, 5, 6, 8, 10),
)
FIRST_TOKEN_SECONDS = Histogram(
    "passages_gateway_first_token_seconds",
    "From the beginning of a streamed call to its first token, with every attempt and wait before "
    "it; the target is the one that sent it.",
    ["use_case", "target"],
    buckets=(0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30),
)
OUTPUT_TOKEN_SECONDS = Histogram(
    "passages_gateway_output_token_seconds",
    "Mean time per token of output after the first one, of each streamed attempt that succeeded.",
    ["use_case", "target"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1),
)
ADMISSION_WAIT_SECONDS = Histogram(
    "passages_gateway_admission_wait_seconds",
    "What an attempt has waited for its target's quota.",
    ["use_case", "target"],
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
TOKENS = Histogram(
    "passages_gateway_tokens",
    "Tokens of an attempt by their kind, where it has any: input (what is cached not among it), "
    "output, cache_read, cache_write.",
    ["use_case", "target", "kind"],
    buckets=(10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 100_000),
)
COST_USD = Histogram(
    "passages_gateway_cost_usd",
    "Cost of an attempt in US dollars, where it has any.",
    ["use_case", "target"],
    buckets=(1e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.5, 1),
)

_faults: set[str] = set()


def observe(record: CallRecord) -> None:
    """Count a call that has ended."""
    use_case, winner = record.use_case, answered(record)
    CALLS.labels(use_case, "" if winner is None else winner.target, record.outcome).inc()
    CALL_SECONDS.labels(use_case, record.outcome).observe(record.total_ms / 1000)
    CALL_ATTEMPTS.labels(use_case).observe(len(record.attempts))
    if winner is not None and winner.target != record.attempts[0].target:
        FALLBACKS.labels(use_case, record.attempts[0].target).inc()
    for attempt in record.attempts:
        _observe_attempt(use_case, attempt)
    if record.streaming:
        _observe_stream(record, winner)


def _observe_attempt(use_case: str, attempt: AttemptRecord) -> None:
    target, usage = attempt.target, attempt.usage
    ADMISSION_WAIT_SECONDS.labels(use_case, target).observe(attempt.queued_ms / 1000)
    if attempt.fault is not None:
        FAULTS.labels(target, _fault(attempt.fault.name)).inc()
    for kind, tokens in (
        ("input", usage.input),
        ("output", usage.output),
        ("cache_read", usage.cache_read),
        ("cache_write", usage.cache_write),
    ):
        if tokens:
            TOKENS.labels(use_case, target, kind).observe(tokens)
    if attempt.cost_nano:
        COST_USD.labels(use_case, target).observe(usd_of(attempt.cost_nano))


def _observe_stream(record: CallRecord, winner: AttemptRecord | None) -> None:
    first = next((a.target for a in record.attempts if a.first_token_ms is not None), None)
    if first is not None and record.first_token_ms is not None:
        FIRST_TOKEN_SECONDS.labels(record.use_case, first).observe(record.first_token_ms / 1000)
    if winner is not None and winner.first_token_ms is not None and winner.usage.output > 1:
        rest_ms = winner.duration_ms - winner.first_token_ms
        mean_s = rest_ms / 1000 / (winner.usage.output - 1)
        OUTPUT_TOKEN_SECONDS.labels(record.use_case, winner.target).observe(mean_s)


def _fault(name: str) -> str:
    # There are about thirty; whatever else something before Bedrock answers, a process has no more.
    if len(_faults) < _MOST_FAULTS:
        _faults.add(name)
    return name if name in _faults else "other"
