"""Who calls the stand-in for Bedrock: the gateway, and boto3 as it comes."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.eventstream import ParserError
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from generation.configuration import parsed
from generation.gateway import Gateway

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
TOKENS = 20
MODEL = f"fake.ttft10-itl1-len{TOKENS}-v1:0"
DEADLINE_S = 10.0
MAX_TOKENS = 200
INPUTS: Mapping[str, Any] = {
    "question": "How do I pause my plan while I am on holiday?",
    "passages": [
        {"id": str(n), "title": "Plans", "text": "Choose Pause in the settings of the plan. " * 8}
        for n in range(4)
    ],
}
_PRICES = """\
prices:
  - {model: "fake*", from: 2026-01-01, input: 1, output: 4, source: none, looked_up: 2026-01-01}
"""


@contextmanager
def credentials() -> Iterator[None]:
    """Credentials that the stand-in takes, for as long as the block runs."""
    before = dict(os.environ)
    os.environ |= {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}
    os.environ.pop("AWS_SESSION_TOKEN", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before


def gateway_over(
    endpoints: Mapping[str, str], folder: Path, *, model: str = MODEL, **limits: Any
) -> Gateway:
    """A gateway with a target in each region, with records, budgets and costs, and a use case with
    these limits."""
    (folder / "prices.yaml").write_text(_PRICES)
    configuration = {
        "regions": {region: {"endpoint_url": url} for region, url in endpoints.items()},
        "targets": {region: {"model": model, "region": region} for region in endpoints},
        "routes": {"all": {"targets": [*endpoints]}},
        "use_cases": {
            "answer": {
                "prompt": "answer@1",
                "route": "all",
                "max_tokens": MAX_TOKENS,
                "budget": {"day_usd": 1000},
                **limits,
            }
        },
        "prices": "prices.yaml",
        "records": {"folder": "records"},
    }
    return Gateway(parsed(configuration, folder), f"sqlite:///{folder}/passages.db")


def boto3_call(
    endpoints: Mapping[str, str], *, stream: bool, model: str = MODEL
) -> Callable[[int], str]:
    """A function that asks boto3 with its defaults, one region after another; the answer's text,
    or nothing where it failed."""
    regions = [*endpoints]
    clients = {
        region: boto3.session.Session().client(
            "bedrock-runtime",
            region_name=region,
            endpoint_url=endpoints[region],
            config=Config(max_pool_connections=64),
        )
        for region in regions
    }
    asked: dict[str, Any] = {
        "modelId": model,
        "messages": [{"role": "user", "content": [{"text": str(INPUTS)}]}],
        "inferenceConfig": {"maxTokens": MAX_TOKENS},
    }

    def call(number: int) -> str:
        client = clients[regions[number % len(regions)]]
        try:
            if stream:
                events = client.converse_stream(**asked)["stream"]
                return "".join(
                    event["contentBlockDelta"]["delta"]["text"]
                    for event in events
                    if "contentBlockDelta" in event
                )
            answer = client.converse(**asked)
            return str(answer["output"]["message"]["content"][0]["text"])
        except (
            BotoCoreError,
            ClientError,
            ParserError,
            HTTPError,
            OSError,
            LookupError,
            ValueError,
        ):
            return ""

    return call
