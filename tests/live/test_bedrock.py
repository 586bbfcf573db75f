"""What the gateway promises of any Bedrock: of the stand-in always, and of the service itself where
BEDROCK_LIVE=1, by the credentials that boto3 finds. BEDROCK_LIVE_MODEL and BEDROCK_LIVE_REGION
choose another model than Nova Lite in us-east-1; a run costs less than a cent."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.gateway.bedrock import Bedrock
from benchmarks.processes import free_port
from generation.__main__ import main
from generation.configuration import parsed
from generation.errors import CancelledError, DeadlineError, RejectedError
from generation.gateway import Gateway
from generation.pieces import Text
from generation.prompts.templates import Templates
from generation.records.reader import read_records
from generation.records.replay import rebuilt
from tests.generation.gateways import INPUTS, PRICES

LIVE = os.environ.get("BEDROCK_LIVE") == "1"
MODEL = os.environ.get("BEDROCK_LIVE_MODEL", "amazon.nova-lite-v1:0")
REGION = os.environ.get("BEDROCK_LIVE_REGION", "us-east-1")
STREAM = {"stream": True, "first_token_s": 20}
WAYS = [pytest.param({}, id="whole"), pytest.param(STREAM, id="streamed")]


@dataclass(frozen=True, kw_only=True)
class Service:
    """A Bedrock: what its configuration has of its own."""

    model: str
    more: Mapping[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def stand_in() -> Iterator[Bedrock]:
    with Bedrock.served(regions=[REGION]) as bedrock:
        yield bedrock


@pytest.fixture(params=["stand-in", "live"])
def service(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Service:
    if request.param == "live":
        if not LIVE:
            pytest.skip("set BEDROCK_LIVE=1, and credentials of AWS, to ask Amazon Bedrock itself")
        return Service(model=MODEL)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-tests")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    bedrock: Bedrock = request.getfixturevalue("stand_in")
    (tmp_path / "prices.yaml").write_text(PRICES)
    endpoint = {"endpoint_url": bedrock.endpoints[REGION]}
    more = {"prices": "prices.yaml", "regions": {REGION: endpoint}}
    return Service(model="fake.ttft20-itl5-len60-v1:0", more=more)


def content(service: Service, **use_case: Any) -> dict[str, Any]:
    """A configuration with a target `a` and a use case `answer`, and what a test has of its own."""
    targets = {"a": {"model": service.model, "region": REGION}, **use_case.pop("targets", {})}
    given: dict[str, Any] = {
        "targets": targets,
        "routes": {"all": {"targets": list(reversed(targets))}},
        "records": {"folder": "records"},
        **service.more,
    }
    given["regions"] = {**given.get("regions", {}), **use_case.pop("regions", {})}
    given["use_cases"] = {
        "answer": {"prompt": "answer@1", "route": "all", "max_tokens": 100, **use_case}
    }
    return given


@contextmanager
def gateway(service: Service, folder: Path, **use_case: Any) -> Iterator[Gateway]:
    configuration = parsed(content(service, **use_case), folder)
    made = Gateway(configuration, f"sqlite:///{folder}/passages.db")
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_comes_with_its_tokens_and_its_cost(
    service: Service, tmp_path: Path, way: Any
) -> None:
    with gateway(service, tmp_path, **way) as bot:
        stream = bot.stream("answer", INPUTS)
        text = "".join(piece.text for piece in stream if isinstance(piece, Text))
        done = stream.completion
    assert text == done.text != ""
    assert (done.attempts, done.target) == (1, "a")
    assert done.usage.input > 300
    assert done.usage.output > 0
    assert done.cost_nano > 0
    (record,) = read_records(tmp_path / "records")
    (attempt,) = record["attempts"]
    assert attempt["usage"]["output_tokens"] == done.usage.output
    assert attempt["aws_request_id"]
    assert attempt["usage_estimated"] is False


@pytest.mark.parametrize("way", WAYS)
def test_a_limit_of_tokens_is_kept_and_said(service: Service, tmp_path: Path, way: Any) -> None:
    with gateway(service, tmp_path, max_tokens=3, **way) as bot:
        done = bot.complete("answer", INPUTS)
    assert done.stop_reason == "max_tokens"
    assert done.usage.output <= 3


def test_a_region_that_cannot_be_reached_is_left_for_one_that_can(
    service: Service, tmp_path: Path
) -> None:
    nowhere = {"eu-west-9": {"endpoint_url": f"http://127.0.0.1:{free_port()}"}}
    targets = {"b": {"model": service.model, "region": "eu-west-9"}}
    with gateway(service, tmp_path, regions=nowhere, targets=targets) as bot:
        done = bot.complete("answer", INPUTS)
    assert (done.target, done.attempts) == ("a", 2)


def test_what_no_model_takes_is_rejected_once(service: Service, tmp_path: Path) -> None:
    with gateway(service, tmp_path, max_tokens=10_000_000) as bot, pytest.raises(RejectedError):
        bot.complete("answer", INPUTS)
    (record,) = read_records(tmp_path / "records")
    assert [one["fault"]["name"] for one in record["attempts"]] == ["ValidationException"]


def test_a_stream_that_is_cancelled_ends(service: Service, tmp_path: Path) -> None:
    with gateway(service, tmp_path, **STREAM) as bot:
        stream = bot.stream("answer", INPUTS)
        pieces = iter(stream)
        assert next(pieces)
        stream.cancel()
        with pytest.raises(CancelledError):
            list(pieces)
    (record,) = read_records(tmp_path / "records")
    assert record["outcome"] == "cancelled"


def test_a_deadline_that_is_too_short_ends_the_call(service: Service, tmp_path: Path) -> None:
    limits = {"deadline_s": 0.005, "attempt_s": 0.005}
    with gateway(service, tmp_path, **limits) as bot, pytest.raises(DeadlineError):
        bot.complete("answer", INPUTS)


def test_the_prompt_can_be_made_again_of_its_record(service: Service, tmp_path: Path) -> None:
    with gateway(service, tmp_path) as bot:
        bot.complete("answer", INPUTS)
    (record,) = read_records(tmp_path / "records")
    assert rebuilt(record, Templates.load(None)).exact


def test_every_target_can_be_checked(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "generation.yaml"
    path.write_text(yaml.safe_dump(content(service)))
    assert main(["check", "--generation", str(path), "--data-dir", str(tmp_path)]) == 0
