"""Gateways over the stand-in for Bedrock, for tests."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.gateway.bedrock import Bedrock, Fault, Faults, Plan
from generation.configuration import parsed
from generation.gateway import Gateway

REGIONS = ("us-east-1", "us-west-2")
MODEL = "fake.ttft1-itl1-len12-v1:0"
ANSWER = "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11"
INPUTS = {
    "question": "How do I pause my plan?",
    "passages": [{"id": "1", "title": "Plans", "text": "Choose Pause in the settings."}],
}
PRICES = """\
prices:
  - {model: "fake*", from: 2026-01-01, input: 1, output: 4, source: test, looked_up: 2026-01-01}
"""


def plan(*faults: Fault, region: str = "*", seed: int = 1) -> Plan:
    """Faults of one region, or of all."""
    return Plan(seed=seed, faults=(Faults(region=region, faults=faults),))


@contextmanager
def gateway(
    bedrock: Bedrock,
    folder: Path,
    *,
    models: Sequence[str] = (MODEL, MODEL),
    target: Mapping[str, Any] | None = None,
    at_once: int = 256,
    prompts: str | None = None,
    **use_case: Any,
) -> Iterator[Gateway]:
    """A gateway with a target `a` in the first region, `b` in the second, and a use case."""
    (folder / "prices.yaml").write_text(PRICES)
    names = ["a", "b"][: len(models)]
    made = Gateway(
        parsed(
            {
                "regions": {r: {"endpoint_url": bedrock.endpoints[r]} for r in REGIONS},
                "targets": {
                    name: {"model": model, "region": region, **(target or {})}
                    for name, model, region in zip(names, models, REGIONS, strict=False)
                },
                "routes": {"all": {"targets": names}},
                "use_cases": {
                    "answer": {
                        "prompt": "answer@1",
                        "route": "all",
                        "max_tokens": 100,
                        "deadline_s": 10,
                        "attempt_s": 2,
                        **use_case,
                    }
                },
                "prices": "prices.yaml",
                "records": {"folder": "records"},
                "at_once": at_once,
                "prompts": prompts,
            },
            folder,
        ),
        f"sqlite:///{folder}/passages.db",
    )
    try:
        yield made
    finally:
        made.close()
