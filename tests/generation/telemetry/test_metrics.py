"""Metrics move by what the records say."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from benchmarks.gateway.bedrock import Bedrock, Fault
from generation.errors import OverBudgetError
from generation.records.reader import read_records
from generation.telemetry.metrics import observe
from tests.generation.gateways import INPUTS, gateway, plan
from tests.generation.records import samples

STREAM: dict[str, Any] = {"stream": True, "first_token_s": 5, "between_tokens_s": 5}

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def _samples() -> Samples:
    """Every value of the gateway's but the moments at which it was made."""
    return {
        (sample.name.removeprefix("passages_gateway_"), frozenset(sample.labels.items())): (
            sample.value
        )
        for metric in REGISTRY.collect()
        if metric.name.startswith("passages_gateway_")
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


class Moved:
    """By how much the metrics moved while something was done."""

    def __init__(self, do: Callable[[], object]) -> None:
        before = _samples()
        do()
        moved = {key: value - before.get(key, 0.0) for key, value in _samples().items()}
        self.all = {key: value for key, value in moved.items() if value}

    def by(self, name: str, **labels: str) -> float:
        """By how much one did; over all values of the labels that are not named."""
        wanted = labels.items()
        return sum(v for (n, has), v in self.all.items() if n == name and wanted <= has)


def test_a_call_moves_what_its_record_says_and_nothing_else() -> None:
    record = samples.call(use_case="one")
    moved = Moved(lambda: observe(record))
    throttled, won = "haiku-ireland", "haiku-frankfurt"
    one = {"use_case": "one"}
    assert moved.by("calls_total", **one, target=won, outcome="succeeded") == 1
    assert moved.by("fallbacks_total", **one, target=throttled) == 1
    assert moved.by("faults_total", target=throttled, fault="ThrottlingException") == 1
    assert moved.by("call_seconds_sum", **one, outcome="succeeded") == pytest.approx(0.97575)
    assert moved.by("call_attempts_sum", **one) == 2
    assert moved.by("first_token_seconds_sum", **one, target=won) == pytest.approx(0.4049)
    per_token = (0.91225 - 0.3415) / 13
    assert moved.by("output_token_seconds_sum", **one, target=won) == pytest.approx(per_token)
    assert moved.by("tokens_sum", **one, target=won, kind="input") == 812
    assert moved.by("tokens_sum", **one, target=won, kind="output") == 14
    assert moved.by("cost_usd_sum", **one, target=won) == pytest.approx(0.000882)
    counts = {name: moved.by(name) for name, _ in moved.all if name.endswith("_count")}
    assert counts == {
        "call_seconds_count": 1,
        "call_attempts_count": 1,
        "first_token_seconds_count": 1,
        "output_token_seconds_count": 1,
        "admission_wait_seconds_count": 2,
        "tokens_count": 2,
        "cost_usd_count": 1,
    }


def test_what_is_not_streamed_has_no_first_token() -> None:
    moved = Moved(lambda: observe(samples.call(streaming=False)))
    assert moved.by("first_token_seconds_count") == moved.by("output_token_seconds_count") == 0


def test_a_refused_call_is_counted_as_one_that_nobody_answered() -> None:
    refused = samples.unanswered("refused", "OverQuotaError", use_case="refused")
    moved = Moved(lambda: observe(refused))
    assert moved.by("calls_total", use_case="refused", target="", outcome="refused") == 1
    assert moved.by("call_attempts_bucket", use_case="refused", le="0.0") == 1
    assert {name for name, _ in moved.all if name.endswith("_count")} == {
        "call_seconds_count",
        "call_attempts_count",
    }


def test_over_many_calls_metrics_and_records_say_the_same(bedrock: Bedrock, tmp_path: Path) -> None:
    kinds: tuple[Any, ...] = ("ThrottlingException", "reset_midway", "early_end")
    faults = (Fault(kind=kind, share=0.2) for kind in kinds)
    bedrock.set_plan(plan(*faults, region="us-east-1"))

    def calls() -> None:
        with gateway(bedrock, tmp_path, **STREAM) as bot:
            for n in range(20):
                bot.complete("answer", INPUTS, tenant=f"tenant-{n}", request_id=f"request-{n}")

    moved = Moved(calls)
    records = list(read_records(tmp_path / "records"))
    attempts = [attempt for record in records for attempt in record["attempts"]]
    failed = [attempt for attempt in attempts if attempt["fault"]]
    elsewhere = [r for r in records if r["attempts"][0]["target"] != r["attempts"][-1]["target"]]
    assert len(records) == 20
    assert failed
    assert moved.by("calls_total", outcome="succeeded") == 20
    assert moved.by("fallbacks_total") == len(elsewhere)
    for target in ("a", "b"):
        answered = [r for r in records if r["attempts"][-1]["target"] == target]
        assert moved.by("calls_total", target=target) == len(answered)
        own = [attempt for attempt in failed if attempt["target"] == target]
        assert moved.by("faults_total", target=target) == len(own)
    assert moved.by("call_attempts_sum") == len(attempts)
    assert moved.by("admission_wait_seconds_count") == len(attempts)
    for kind in ("input", "output", "cache_read", "cache_write"):
        used = sum(record["usage"][f"{kind}_tokens"] for record in records)
        assert moved.by("tokens_sum", kind=kind) == used
    cost = sum(record["cost"]["usd"] for record in records)
    assert moved.by("cost_usd_sum") == pytest.approx(cost)
    for name, field in (("first_token_seconds", "first_token_ms"), ("call_seconds", "total_ms")):
        seconds = sum(record["timings"][field] for record in records) / 1000
        assert moved.by(f"{name}_count") == 20
        assert moved.by(f"{name}_sum") == pytest.approx(seconds, abs=1e-4)


def test_a_call_over_its_budget_is_counted(bedrock: Bedrock, tmp_path: Path) -> None:
    def refused() -> None:
        with (
            gateway(bedrock, tmp_path, budget={"day_usd": 0.000001}) as bot,
            pytest.raises(OverBudgetError),
        ):
            bot.complete("answer", INPUTS)

    assert Moved(refused).by("calls_total", target="", outcome="refused") == 1


def test_no_label_grows_with_the_calls() -> None:
    observe(samples.call(use_case="bounded"))
    before = _samples()
    for n in range(20):
        observe(samples.call(use_case="bounded", tenant=f"t-{n}", request_id=f"r-{n}"))
    after = _samples()
    assert after.keys() == before.keys()
    labels = {name for _, has in after for name, _ in has}
    assert labels <= {"use_case", "target", "outcome", "fault", "kind", "le"}


_FLOOD = """
from prometheus_client import REGISTRY
from generation.records.record import FaultRecord
from generation.telemetry.metrics import observe
from tests.generation.records.samples import call, prompt, throttled

for n in range(1000):
    fault = FaultRecord(name=f"Odd{n}", advice="here", message="")
    observe(call(attempts=(throttled(prompt(), fault=fault),)))
(faults,) = (m for m in REGISTRY.collect() if m.name == "passages_gateway_faults")
counted = {s.labels["fault"]: s.value for s in faults.samples if s.name.endswith("_total")}
print(len(counted), counted["Odd0"], counted["other"])
"""


def test_names_of_faults_that_nobody_knows_are_bounded_too() -> None:
    # In a process of its own, which has no names left for others afterwards.
    told = subprocess.run(
        [sys.executable, "-c", _FLOOD], capture_output=True, text=True, timeout=60, check=False
    )
    assert (told.stdout.split(), told.stderr) == (["65", "1.0", "936.0"], "")
