"""A gateway of three use cases over the stand-in for Bedrock, and a suite that asks them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.gateway.bedrock import Bedrock
from generation.gateway import Gateway
from generation.settings import open_gateway

DOWN = "fake.len1-v1:0"
"""A model that refuses every request; the plan of the stand-in says so."""

SUITE = """\
datasets:
  help: {form: retrieval, path: help}
builds:
  long: {words: 20}
searches:
  first: {top_k: 2}
measures: [hit@1, F1, F1_answerable, refusal_right, refusal_wrong, citation_precision]
"""

CONFIGURATION = """\
regions: {us-east-1: {endpoint_url: "%s"}}
targets:
  up: {model: "fake.scripted-v1:0", region: us-east-1}
  down: {model: "fake.len1-v1:0", region: us-east-1}
routes: {up: {targets: [up]}, down: {targets: [down]}}
use_cases:
  answer: {prompt: scripted-answer@1, route: up, max_tokens: 100, stream: true, deadline_s: 60,
    first_token_s: 60, between_tokens_s: 60}
  down: {prompt: answer@1, route: down, max_tokens: 100, attempts: 1}
  judge: {prompt: scripted-judge@1, route: up, max_tokens: 100, deadline_s: 60, attempt_s: 60}
  judge_down: {prompt: prompt@1, route: down, max_tokens: 100, attempts: 1}
prices: prices.yaml
prompts: prompts
records: {folder: records}
"""

PRICES = """\
prices:
  - {model: "fake*", from: 2026-01-01, input: 1, output: 4, source: test, looked_up: 2026-01-01}
"""

ANSWER = """\
inputs: {question: text, passages: passages}
user: |
  {{ question }}
  ANSWER:
  {% if "zebra" in question %}
  NO_ANSWER
  {% else %}
  {% for passage in passages[:1] %}
  {{ passage.text }} [1][9]
  {% endfor %}
  {% endif %}
"""
"""What the first passage says, with a citation of it and one of a passage that there is not."""

JUDGE = """\
inputs: {prompt: text}
user: |
  {{ prompt }}
  ANSWER:
  {% if "either YES or NO" in prompt %}
  YES
  {% elif "Choose Pause." in prompt %}
  4.5
  The same in more words.
  {% else %}
  I would rather not say.
  {% endif %}
"""
"""Says that everything is faithful, and how correct an answer about pausing is, but no other."""


def write_configuration(bedrock: Bedrock, folder: Path) -> Path:
    """The gateway's file, with all that it names beside it."""
    path = folder / "generation.yaml"
    path.write_text(CONFIGURATION % bedrock.endpoints["us-east-1"])
    (folder / "prices.yaml").write_text(PRICES)
    for name, text in (("scripted-answer", ANSWER), ("scripted-judge", JUDGE)):
        (folder / "prompts" / name).mkdir(parents=True)
        (folder / "prompts" / name / "1.yaml").write_text(text)
    return path


@contextmanager
def opened(bedrock: Bedrock, folder: Path) -> Iterator[Gateway]:
    """The gateway itself."""
    gateway = open_gateway(write_configuration(bedrock, folder), folder)
    try:
        yield gateway
    finally:
        gateway.close()
