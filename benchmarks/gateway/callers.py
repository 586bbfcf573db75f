"""Who calls the stand-in for Bedrock: the gateway, and boto3 as it comes."""

import gc
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

from benchmarks.gateway.bedrock import Row
from generation.configuration import parsed
from generation.gateway import Gateway
from generation.prompts.templates import Templates

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
ANSWER = " ".join(f"w{n}" for n in range(TOKENS))
INPUT_NANO, OUTPUT_NANO = 1000, 4000
"""What a token costs everywhere, in nano-dollars."""

_PRICES = f"""\
prices:
  - model: "fake*"
    from: 2026-01-01
    input: {INPUT_NANO / 1000:g}
    output: {OUTPUT_NANO / 1000:g}
    source: none
    looked_up: 2026-01-01
"""


def billed_nano(row: Row) -> int:
    """What the stand-in bills for the requests of a row, in nano-dollars."""
    return INPUT_NANO * row.input + OUTPUT_NANO * row.output


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


@contextmanager
def without_long_collections() -> Iterator[None]:
    """The collector told what stays, as the API tells it when it starts; for as long as the block
    runs. Otherwise it looks at all that boto3 has loaded every now and then, which stops every
    thread for .15 s."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def gateway_over(
    endpoints: Mapping[str, str],
    folder: Path,
    *,
    model: str = MODEL,
    target: Mapping[str, Any] | None = None,
    database_url: str | None = None,
    **limits: Any,
) -> Gateway:
    """A gateway with a target in each region, all of which have what `target` says, with records,
    budgets and costs in a folder, and a use case `answer` with these limits."""
    configuration = configuration_over(endpoints, model=model, target=target, **limits)
    return gateway_of(configuration, folder, database_url)


def gateway_of(
    configuration: Mapping[str, Any], folder: Path, database_url: str | None = None
) -> Gateway:
    """A gateway as `configuration_over` describes it; its database is in its folder unless an
    address is given."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prices.yaml").write_text(_PRICES)
    return Gateway(parsed(configuration, folder), database_url or database_in(folder))


def database_in(folder: Path) -> str:
    """The address of the database in a gateway's folder."""
    return f"sqlite:///{folder}/passages.db"


def records_in(folder: Path) -> Path:
    """The records in a gateway's folder."""
    return folder / "records"


def configuration_over(
    endpoints: Mapping[str, str],
    *,
    model: str = MODEL,
    target: Mapping[str, Any] | None = None,
    **limits: Any,
) -> dict[str, Any]:
    """What `gateway_over` tells its gateway."""
    return {
        "regions": {region: {"endpoint_url": url} for region, url in endpoints.items()},
        "targets": {
            region: {"model": model, "region": region, **(target or {})} for region in endpoints
        },
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


def boto3_call(
    endpoints: Mapping[str, str],
    *,
    stream: bool,
    model: str = MODEL,
    max_tokens: int | None = MAX_TOKENS,
    inputs: Mapping[str, Any] = INPUTS,
) -> Callable[[int], str]:
    """A function that asks boto3 with its defaults what the gateway asks, one region after another;
    the answer's text, or nothing where it failed. `maxTokens` is not sent where it is None."""
    clients = [_boto3_client(region, url) for region, url in endpoints.items()]
    system, messages = Templates.load(None).get("answer", 1).render(inputs)
    asked: dict[str, Any] = {
        "modelId": model,
        "system": [{"text": system}],
        "messages": [{"role": one.role, "content": [{"text": one.text}]} for one in messages],
        "inferenceConfig": {} if max_tokens is None else {"maxTokens": max_tokens},
    }

    def call(number: int) -> str:
        try:
            return _boto3_text(clients[number % len(clients)], asked, stream=stream)
        except _BOTO3_FAILS:
            return ""

    return call


_BOTO3_FAILS = (
    BotoCoreError,
    ClientError,
    ParserError,
    HTTPError,
    OSError,
    LookupError,
    ValueError,
)


def _boto3_client(region: str, endpoint_url: str) -> Any:
    return boto3.session.Session().client(
        "bedrock-runtime",
        region_name=region,
        endpoint_url=endpoint_url,
        config=Config(max_pool_connections=64),
    )


def _boto3_text(client: Any, asked: Mapping[str, Any], *, stream: bool) -> str:
    if not stream:
        return str(client.converse(**asked)["output"]["message"]["content"][0]["text"])
    return "".join(
        event["contentBlockDelta"]["delta"]["text"]
        for event in client.converse_stream(**asked)["stream"]
        if "contentBlockDelta" in event
    )
