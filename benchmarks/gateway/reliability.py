"""How many calls succeed while every target fails now and then, by the gateway and by boto3 alone.

Each target fails a tenth of its requests, one region is down for a tenth of the run, and one model
is throttled throughout. The same plan is then run by boto3 with its defaults: over the same
targets in turn, and at the best of them alone, which is neither down nor throttled. The gateway's
books of the same run are held against what the stand-in counted (`reconciliation`).
"""

import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gateway.bedrock import BedrockProcess, Fault, Faults, Plan
from benchmarks.gateway.bedrock.faults import Kind
from benchmarks.gateway.callers import (
    ANSWER,
    DEADLINE_S,
    INPUTS,
    REGIONS,
    boto3_call,
    credentials,
    gateway_over,
)
from benchmarks.gateway.reconciliation import reconciliation_rows
from benchmarks.performance.rows import Row
from benchmarks.performance.workplace import Workplace
from generation.errors import GenerationError

CALLS = 20_000
_CLIENTS = 24
_PILOT = 400
_FAILING = 0.1
_STALL_S = 4.0
_WHOLE: tuple[Kind, ...] = (
    "ThrottlingException",
    "ModelNotReadyException",
    "InternalServerException",
    "ServiceUnavailableException",
    "ModelTimeoutException",
    "ModelErrorException",
    "ServiceQuotaExceededException",
    "reset",
    "stall",
)
_BROKEN: tuple[Kind, ...] = (
    "half_frame",
    "bad_crc",
    "reset_midway",
    "early_end",
    "modelStreamErrorException",
    "throttlingException",
)
_LEAST_PERCENT = 99.95
_MOST_REQUESTS = 1.25


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How calls went: how many succeeded in time, the requests that they took, the seconds."""

    succeeded: int
    requests: int
    seconds: float


def measure_reliability(place: Workplace, calls: int | None) -> list[Row]:
    """So many calls, CALLS by default, half of them streamed."""
    half = (calls or CALLS) // 2
    place.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    with credentials(), BedrockProcess.started(REGIONS, Plan()) as bedrock:
        for stream in (False, True):
            with tempfile.TemporaryDirectory(dir=place.folder) as name:
                found = _by_gateway(bedrock, Path(name), half, stream=stream)
                books = reconciliation_rows(_PILOT + half, Path(name), bedrock.counts())
            seconds = found.seconds
            in_turn = _by_boto3(bedrock, REGIONS, half, seconds, stream=stream)
            best = _by_boto3(bedrock, REGIONS[:1], half, seconds, stream=stream)
            rows += _rows("streamed" if stream else "whole", half, found)
            rows += books
            rows += _alone("over the targets in turn", half, in_turn)
            rows += _alone("at the best target", half, best)
    return rows


def _rows(how: str, calls: int, found: Outcome) -> list[Row]:
    return [
        Row(name=f"calls, answers {how}", value=calls, decimals=0),
        Row(
            name="succeeded within the deadline",
            value=100 * found.succeeded / calls,
            unit="%",
            least=_LEAST_PERCENT,
            decimals=3,
        ),
        Row(
            name="requests sent per call",
            value=found.requests / calls,
            most=_MOST_REQUESTS,
            decimals=3,
        ),
        Row(name="calls a second", value=calls / found.seconds, decimals=0),
    ]


def _alone(how: str, calls: int, alone: Outcome) -> list[Row]:
    share = 100 * alone.succeeded / calls
    return [
        Row(name=f"boto3 {how}: succeeded in time", value=share, unit="%", decimals=3),
        Row(name="requests sent per call", value=alone.requests / calls, decimals=3),
    ]


def _by_gateway(bedrock: BedrockProcess, folder: Path, calls: int, *, stream: bool) -> Outcome:
    silence: dict[str, Any] = (
        {"first_token_s": 1.0, "between_tokens_s": 1.0} if stream else {"attempt_s": 1.5}
    )
    gateway = gateway_over(
        bedrock.endpoints, folder, stream=stream, deadline_s=DEADLINE_S, attempts=5, **silence
    )

    def call(number: int) -> bool:
        try:
            return gateway.complete("answer", INPUTS, tenant=f"t{number}").text == ANSWER
        except GenerationError:
            return False

    try:
        bedrock.set_plan(Plan())
        bedrock.reset()
        pilot_s = _timed(call, _PILOT).seconds
        before = bedrock.counts().where().requests
        seconds = 1.1 * pilot_s * calls / _PILOT
        bedrock.set_plan(_plan(seconds, stream=stream))
        found = _timed(lambda number: call(_PILOT + number), calls)
    finally:
        gateway.close()
    time.sleep(_STALL_S)  # What was given up is counted when the stand-in has ended it.
    requests = bedrock.counts().where().requests - before
    return Outcome(succeeded=found.succeeded, requests=requests, seconds=found.seconds)


def _by_boto3(
    bedrock: BedrockProcess, regions: Sequence[str], calls: int, seconds: float, *, stream: bool
) -> Outcome:
    endpoints = {region: bedrock.endpoints[region] for region in regions}
    ask = boto3_call(endpoints, stream=stream)
    bedrock.set_plan(_plan(seconds, stream=stream))
    bedrock.reset()
    found = _timed(lambda number: ask(number) == ANSWER, calls)
    requests = bedrock.counts().where().requests
    return Outcome(succeeded=found.succeeded, requests=requests, seconds=found.seconds)


def _timed(call: Callable[[int], bool], calls: int) -> Outcome:
    """Calls by clients that each ask again as soon as they are answered."""
    lock, succeeded = threading.Lock(), 0

    def one(number: int) -> None:
        nonlocal succeeded
        began = time.monotonic()
        good = call(number) and time.monotonic() - began <= DEADLINE_S
        with lock:
            succeeded += good

    began = time.monotonic()
    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(one, range(calls)))
    return Outcome(succeeded=succeeded, requests=0, seconds=time.monotonic() - began)


def _plan(seconds: float, *, stream: bool) -> Plan:
    """The faults of a run of so many seconds."""
    down = Fault(kind="refused", from_s=0.45 * seconds, to_s=0.55 * seconds)
    return Plan(
        seed=4,
        faults=(
            Faults(region=REGIONS[1], faults=(down,)),
            Faults(region=REGIONS[2], faults=(Fault(kind="ThrottlingException", share=0.9),)),
            Faults(faults=_tenth([*_WHOLE, *(_BROKEN if stream else ("half_body",))])),
        ),
    )


def _tenth(kinds: Sequence[Kind]) -> tuple[Fault, ...]:
    share = _FAILING / len(kinds)
    return tuple(
        Fault(kind="stall", share=share, stall_s=_STALL_S)
        if kind == "stall"
        else Fault(kind=kind, share=share, after_tokens=5)
        for kind in kinds
    )
