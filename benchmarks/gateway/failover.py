"""How long a caller waits for another target's first token when that of the first one fails.

Every call has a first target of its own, of which every request fails: with one for all of them the
circuit would open, and it would not be asked any more.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.gateway.bedrock import BedrockProcess, Fault, Faults, Plan
from benchmarks.gateway.bedrock.faults import SLOW, STREAM_ERRORS
from benchmarks.gateway.callers import (
    ANSWER,
    DEADLINE_S,
    INPUTS,
    REGIONS,
    TOKENS,
    configuration_over,
    credentials,
    gateway_of,
    without_long_collections,
)
from benchmarks.performance.rows import Row, percentile
from benchmarks.performance.workplace import Workplace
from generation.errors import GenerationError
from generation.gateway import Gateway
from generation.pieces import Text

CALLS = 200
_CLIENTS = 8
_LIMIT_S = 0.3
_STALL_S = 1.0
_MOST_MS = 100.0
_TTFT_MS = 50
_MODEL = f"fake.ttft{_TTFT_MS}-itl1-len{TOKENS}-v1:0"
_FIRST, _OTHER = REGIONS[:2]
_ALONE = "alone"

WAYS: Mapping[str, Fault] = {
    "silent": Fault(kind="stall_head", stall_s=_STALL_S),
    "silent after its head": Fault(kind="stall", stall_s=_STALL_S),
    "unavailable (503)": Fault(kind="ServiceUnavailableException"),
    "throttled (429)": Fault(kind="ThrottlingException"),
    "error in the stream": Fault(kind="modelStreamErrorException"),
    "connection reset": Fault(kind="reset"),
    "connection refused": Fault(kind="refused"),
}
"""How the first target fails before its first token."""


def measure_failover(place: Workplace, calls: int | None) -> list[Row]:
    """So many calls, CALLS by default, for each way of failing. What is counted is a caller's time
    to the first token, less the time until the first target fails, and less the other target's own
    time (the median of as many calls that go there straight)."""
    calls = calls or CALLS
    place.folder.mkdir(parents=True, exist_ok=True)
    with credentials(), BedrockProcess.started((_FIRST, _OTHER), Plan()) as bedrock:
        own = _with_gateway(bedrock, place.folder, Plan(), [_ALONE] * calls)
        rows = [
            Row(name="calls for each way of failing", value=calls, decimals=0),
            Row(name="the other target's own time, p50", value=percentile(own, 50), unit="ms"),
            Row(name="the other target's own time, p99", value=percentile(own, 99), unit="ms"),
        ]
        for way, fault in WAYS.items():
            plan = Plan(faults=(Faults(region=_FIRST, faults=(fault,)),))
            took = _with_gateway(bedrock, place.folder, plan, _firsts(calls))
            expected = _fails_after_ms(fault) + percentile(own, 50)
            rows += _rows(way, calls, [ms - expected for ms in took])
    return rows


def _fails_after_ms(fault: Fault) -> float:
    """What is silent fails by the limit; an error in a stream comes in place of the first token."""
    if fault.kind in SLOW:
        return 1000 * _LIMIT_S
    return _TTFT_MS if fault.kind in STREAM_ERRORS else 0.0


def _rows(way: str, calls: int, added: Sequence[float]) -> list[Row]:
    return [
        Row(name=f"{way}: answered elsewhere", value=len(added), least=calls, decimals=0),
        Row(name="added to the first token, p50", value=percentile(added, 50), unit="ms"),
        Row(name="added to the first token, p99", value=percentile(added, 99), unit="ms"),
        Row(name="added to the first token, at most", value=max(added), unit="ms", most=_MOST_MS),
    ]


def _firsts(calls: int) -> list[str]:
    return [f"first-{number}" for number in range(calls)]


def _with_gateway(
    bedrock: BedrockProcess, folder: Path, plan: Plan, use_cases: Sequence[str]
) -> list[float]:
    """The milliseconds to the first token of a call of each use case that the other target has
    answered whole."""
    bedrock.set_plan(Plan())
    with tempfile.TemporaryDirectory(dir=folder) as name:
        gateway = gateway_of(_configuration(bedrock.endpoints, use_cases), Path(name))
        try:
            with ThreadPoolExecutor(_CLIENTS) as pool:
                # The connections to the other target are there, as they are in a service.
                list(pool.map(lambda _: _first_token_ms(gateway, _ALONE), range(4 * _CLIENTS)))
                bedrock.set_plan(plan)
                with without_long_collections():
                    took = pool.map(lambda use_case: _first_token_ms(gateway, use_case), use_cases)
                    return [ms for ms in took if ms is not None]
        finally:
            gateway.close()


def _configuration(endpoints: Mapping[str, str], use_cases: Sequence[str]) -> dict[str, Any]:
    """Each use case with a route: its own target, and then the other one."""
    configuration = configuration_over(
        endpoints,
        model=_MODEL,
        stream=True,
        first_token_s=_LIMIT_S,
        between_tokens_s=_LIMIT_S,
        deadline_s=DEADLINE_S,
    )
    limits, targets = configuration["use_cases"]["answer"], configuration["targets"]
    routes = {name: {"targets": [name, _OTHER]} for name in use_cases if name != _ALONE}
    return {
        **configuration,
        "targets": {**targets, **dict.fromkeys(routes, targets[_FIRST])},
        "routes": {**routes, _ALONE: {"targets": [_OTHER]}},
        "use_cases": {name: {**limits, "route": name} for name in (*routes, _ALONE)},
    }


def _first_token_ms(gateway: Gateway, use_case: str) -> float | None:
    """None where another target has answered than the one that should, or not whole."""
    began, first = time.perf_counter(), None
    stream = gateway.stream(use_case, INPUTS)
    try:
        for piece in stream:
            if first is None and isinstance(piece, Text):
                first = time.perf_counter()
        done = stream.completion
    except GenerationError:
        return None
    whole = done.text == ANSWER and done.target == _OTHER
    return 1000 * (first - began) if whole and first is not None else None
