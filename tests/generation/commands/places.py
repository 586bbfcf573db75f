"""A folder with the configuration of a support bot over the stand-in for Bedrock."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generation.settings import open_gateway
from tests.generation.gateways import INPUTS, PRICES

CONFIGURATION = """\
regions:
  us-east-1: {endpoint_url: "EAST"}
  us-west-2: {endpoint_url: "WEST"}
targets:
  east: {model: fake.len12-v1:0, region: us-east-1}
  west: {model: fake.len12-v1:0, region: us-west-2, profile: us.fake.len12-v1:0}
routes:
  all: {targets: [east, west]}
use_cases:
  answer:
    prompt: answer@1
    route: all
    max_tokens: 100
    attempts: 2
    budget: {day_usd: 0.01}
    tenant_budget: {day_usd: 0.005}
  other: {prompt: answer@1, route: all, max_tokens: 5}
prices: prices.yaml
prompts: prompts
records: {folder: records}
"""
BRIEF = "inputs: {question: text}\nsystem: Be brief.\nuser: '{{ question }}'\n"
OTHER = """\
inputs: {question: text, passages: passages}
system: Be brief.
user: "{% for passage in passages %}{{ passage.text }}{% endfor %} {{ question }}"
"""


def configured(folder: Path, endpoints: Mapping[str, str], more: str = "") -> Path:
    """Write `generation.yaml` and what it names to a folder: besides the prompts that come along
    answer@2, which takes the same inputs, and brief@1, which does not. `more` is added to it."""
    text = CONFIGURATION.replace("EAST", endpoints["us-east-1"])
    (folder / "generation.yaml").write_text(text.replace("WEST", endpoints["us-west-2"]) + more)
    (folder / "prices.yaml").write_text(PRICES)
    for name, template in {"answer/2.yaml": OTHER, "brief/1.yaml": BRIEF}.items():
        (folder / "prompts" / name).parent.mkdir(parents=True)
        (folder / "prompts" / name).write_text(template)
    return folder


def changed(folder: Path, old: str, new: str) -> None:
    """Put another text in the configuration, wherever the old one stands."""
    file = folder / "generation.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def called(folder: Path, *questions: str, use_case: str = "answer", **more: Any) -> list[str]:
    """Ask questions through the gateway of a folder; the ids of the calls. `more` is as
    `Gateway.complete` takes it."""
    gateway = open_gateway(folder / "generation.yaml", folder / "data")
    try:
        done = [
            gateway.complete(use_case, {**INPUTS, "question": question}, **more)
            for question in questions
        ]
    finally:
        gateway.close()
    return [one.call_id for one in done]
