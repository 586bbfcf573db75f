"""What the gateway adds to a call that nothing goes wrong with, and to streams at once."""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.gateway.bedrock import BedrockProcess, Plan
from benchmarks.gateway.callers import INPUTS, REGIONS, boto3_call, credentials, gateway_over
from benchmarks.performance.rows import Row, percentile
from benchmarks.performance.workplace import Workplace
from generation.errors import GenerationError
from generation.gateway import Gateway

CALLS = 2000
_TURN, _WARM = 50, 10
_MODEL = "fake.ttft0-itl0-len5-v1:0"
_STREAMS = 200
_LONG = 200
_LONG_MODEL = f"fake.ttft50-itl20-len{_LONG}-v1:0"
_MOST_P50_MS, _MOST_P99_MS = 1.0, 5.0


def measure_added(place: Workplace, calls: int | None) -> list[Row]:
    """So many calls, CALLS by default, through the gateway, and as many by boto3 alone, a few of
    each by turns, so that noise hits both alike. One target without any fault. Then 200 streams at
    once."""
    place.folder.mkdir(parents=True, exist_ok=True)
    with (
        credentials(),
        BedrockProcess.started(REGIONS[:1], Plan()) as bedrock,
        tempfile.TemporaryDirectory(dir=place.folder) as name,
    ):
        alone = boto3_call(bedrock.endpoints, stream=False, model=_MODEL)
        gateway = gateway_over(bedrock.endpoints, Path(name), model=_MODEL)
        direct: list[float] = []
        through: list[float] = []
        try:
            while len(through) < (calls or CALLS):
                direct += _timed(lambda: alone(0))
                through += _timed(lambda: gateway.complete("answer", INPUTS))
        finally:
            gateway.close()
        gateway = gateway_over(bedrock.endpoints, Path(name), stream=True, model=_LONG_MODEL)
        try:
            whole, seconds = _streamed(gateway)
        finally:
            gateway.close()
    added = [percentile(through, p) - percentile(direct, p) for p in (50, 99)]
    return [
        Row(name="calls of each", value=len(through), decimals=0),
        Row(name="boto3 alone p50", value=statistics.median(direct), unit="ms"),
        Row(name="through the gateway p50", value=statistics.median(through), unit="ms"),
        Row(name="added p50", value=added[0], unit="ms", most=_MOST_P50_MS),
        Row(name="boto3 alone p99", value=percentile(direct, 99), unit="ms"),
        Row(name="through the gateway p99", value=percentile(through, 99), unit="ms"),
        Row(name="added p99", value=added[1], unit="ms", most=_MOST_P99_MS),
        Row(name="streams at once", value=_STREAMS, decimals=0),
        Row(name="of them whole", value=whole, least=_STREAMS, decimals=0),
        Row(name="their seconds", value=seconds, unit="s", decimals=1),
    ]


def _timed(call: Callable[[], object]) -> list[float]:
    """The milliseconds of a turn's calls, once it is warm."""
    taken = []
    for _ in range(_WARM + _TURN):
        began = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - began))
    return taken[_WARM:]


def _streamed(gateway: Gateway) -> tuple[int, float]:
    """Of 200 streams at once, how many came whole; and the seconds of all."""

    def whole(_: int) -> bool:
        try:
            return gateway.complete("answer", INPUTS).text == expected
        except GenerationError:
            return False

    expected = " ".join(f"w{n}" for n in range(_LONG))
    began = time.monotonic()
    with ThreadPoolExecutor(_STREAMS) as pool:
        came = sum(pool.map(whole, range(_STREAMS)))
    return came, time.monotonic() - began
