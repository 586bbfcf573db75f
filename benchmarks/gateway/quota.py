"""What is throttled when 32 clients offer 95% of a target's tokens per minute.

The quota is nearly used up when it begins, as after a busy minute: it is what comes back that has
to do. The same load is then offered by boto3 with its defaults and without `maxTokens`, for which
the service reserves all that the model can write.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.gateway.bedrock import BedrockProcess, Counted, Plan, Quota
from benchmarks.gateway.callers import (
    ANSWER,
    DEADLINE_S,
    INPUTS,
    REGIONS,
    TOKENS,
    boto3_call,
    credentials,
    gateway_over,
    records_in,
)
from benchmarks.performance.rows import Row, percentile
from benchmarks.performance.workplace import Workplace
from generation.errors import GenerationError
from generation.records.reader import read_records

CALLS = 3000
_CLIENTS = 32
_PER_SECOND = 24
_OFFERED = 0.95
_MAX_TOKENS = 2000
_MODEL_MAX = 64_000  # As several of Bedrock's have it.
_MODEL = f"fake.ttft400-itl40-len{TOKENS}-max{_MODEL_MAX}-v1:0"
"""A call takes 1.2 s, so that most of the clients are busy with one at any time."""

_MOST_THROTTLED = 0.1
_LARGE_TENANT = "large"
_LARGE = 24
"""So many calls use the quota up before the others begin; the last of them wait for it."""

Ask = Callable[[], str]
"""Gives an answer's text, or another text where there is none."""


@dataclass(frozen=True, kw_only=True)
class Offered:
    """How the calls went: those answered whole, the requests and the tokens that they took, how
    many of the requests were throttled, and the seconds of all."""

    succeeded: int
    requests: int
    throttled: int
    tokens: int
    seconds: float


def measure_quota(place: Workplace, calls: int | None) -> list[Row]:
    """So many calls, CALLS by default, evenly over two minutes; fewer take less time."""
    calls = calls or CALLS
    place.folder.mkdir(parents=True, exist_ok=True)
    with credentials(), BedrockProcess.started(REGIONS[:1], Plan()) as bedrock:
        per_minute = round(60 * _PER_SECOND * _tokens_of_a_call(bedrock) / _OFFERED)
        bedrock.set_plan(Plan(quotas=(Quota(tokens_per_minute=per_minute),)))
        large = _inputs(per_minute // _LARGE)
        with tempfile.TemporaryDirectory(dir=place.folder) as name:
            through = _through_gateway(bedrock, Path(name), per_minute, large, calls)
            waits = _waits_ms(Path(name))
        alone = _by_boto3(bedrock, large, calls)
    return [
        Row(name="calls offered by each", value=calls, decimals=0),
        Row(name="clients", value=_CLIENTS, decimals=0),
        Row(name="tokens per minute of the quota", value=per_minute, decimals=0),
        Row(name="of them offered", value=100 * _OFFERED, unit="%", decimals=0),
        *_rows("gateway", calls, per_minute, through, most=_MOST_THROTTLED),
        Row(name="waited for quota p50", value=percentile(waits, 50), unit="ms"),
        Row(name="waited for quota p99", value=percentile(waits, 99), unit="ms"),
        Row(name="waited for quota at most", value=max(waits), unit="ms"),
        *_rows("boto3 without maxTokens", calls, per_minute, alone, most=None),
    ]


def _rows(
    who: str, calls: int, per_minute: int, offered: Offered, *, most: float | None
) -> list[Row]:
    throttled = 100 * offered.throttled / offered.requests
    used = 100 * offered.tokens / (per_minute * offered.seconds / 60)
    return [
        Row(name=f"{who}: throttled", value=throttled, unit="%", most=most, decimals=3),
        Row(name="succeeded", value=100 * offered.succeeded / calls, unit="%", decimals=2),
        Row(name="requests sent per call", value=offered.requests / calls, decimals=3),
        Row(name="tokens used, of the quota", value=used, unit="%", decimals=1),
        Row(name="minutes", value=offered.seconds / 60),
    ]


def _tokens_of_a_call(bedrock: BedrockProcess) -> int:
    boto3_call(bedrock.endpoints, stream=False, model=_MODEL)(0)
    return _tokens(bedrock.counts())


def _inputs(tokens: int) -> Mapping[str, Any]:
    """Inputs of about so many tokens."""
    text = "all " * tokens  # The stand-in counts a token for every four bytes.
    return {**INPUTS, "passages": [{"id": "all", "title": "All", "text": text}]}


def _through_gateway(
    bedrock: BedrockProcess,
    folder: Path,
    per_minute: int,
    large: Mapping[str, Any],
    calls: int,
) -> Offered:
    gateway = gateway_over(
        bedrock.endpoints,
        folder,
        model=_MODEL,
        target={"quota": {"tokens_per_minute": per_minute}},
        max_tokens=_MAX_TOKENS,
        deadline_s=DEADLINE_S,
        attempt_s=DEADLINE_S,
    )

    def ask(inputs: Mapping[str, Any], tenant: str) -> str:
        try:
            return gateway.complete("answer", inputs, tenant=tenant).text
        except GenerationError as exc:
            return str(exc)

    try:
        return _offered(
            bedrock, lambda: ask(large, _LARGE_TENANT), lambda: ask(INPUTS, "small"), calls
        )
    finally:
        gateway.close()


def _by_boto3(bedrock: BedrockProcess, large: Mapping[str, Any], calls: int) -> Offered:
    made = partial(boto3_call, bedrock.endpoints, stream=False, model=_MODEL)
    first, ask = made(inputs=large), made(max_tokens=None)
    return _offered(bedrock, lambda: first(0), lambda: ask(0), calls)


def _offered(bedrock: BedrockProcess, large: Ask, ask: Ask, calls: int) -> Offered:
    """Use the quota up, then offer the calls; each is asked when it is due, or when a client is
    free after that."""

    def one(number: int) -> bool:
        time.sleep(max(0.0, began + number / _PER_SECOND - time.monotonic()))
        return ask() == ANSWER

    bedrock.reset()
    with ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(lambda _: large(), range(_LARGE)))
        before, began = bedrock.counts(), time.monotonic()
        succeeded = sum(pool.map(one, range(calls)))
    seconds, after = time.monotonic() - began, bedrock.counts()
    return Offered(
        succeeded=succeeded,
        requests=after.where().requests - before.where().requests,
        throttled=_throttled(after) - _throttled(before),
        tokens=_tokens(after) - _tokens(before),
        seconds=seconds,
    )


def _throttled(counted: Counted) -> int:
    return counted.where(outcome="over_quota").requests


def _tokens(counted: Counted) -> int:
    all_ = counted.where()
    return all_.input + all_.output


def _waits_ms(folder: Path) -> list[float]:
    """What each of the calls waited for quota."""
    return [
        record["timings"]["queued_ms"]
        for record in read_records(records_in(folder))
        if record["tenant"] != _LARGE_TENANT
    ]
