"""A plain boto3 client of the stand-in, raw requests to it, and the shapes that answers have."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from benchmarks.gateway.bedrock import Bedrock, Fault, Faults, Plan

REGION = "us-east-1"
MODEL = "fake.len5-v1:0"
SESSION = botocore.session.get_session()
SERVICE = SESSION.get_service_model("bedrock-runtime")
FULL = "w0 w1 w2 w3 w4"


@contextmanager
def client(bedrock: Any, region: str = REGION, timeout_s: float = 20) -> Iterator[Any]:
    """A client of a region that tries once."""
    made = SESSION.create_client(
        "bedrock-runtime",
        region_name=region,
        endpoint_url=bedrock.endpoints[region],
        aws_access_key_id="AKIAEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            read_timeout=timeout_s,
            max_pool_connections=64,
        ),
    )
    try:
        yield made
    finally:
        made.close()


@contextmanager
def failing(*faults: Fault, timeout_s: float = 20) -> Iterator[tuple[Bedrock, Any]]:
    """A stand-in where such faults happen, and a client of it."""
    plan = Plan(faults=(Faults(faults=faults),))
    with (
        Bedrock.served(plan=plan) as bedrock,
        client(bedrock, timeout_s=timeout_s) as bedrock_client,
    ):
        yield bedrock, bedrock_client


def said(*texts: str) -> list[dict[str, Any]]:
    """A conversation that the user begins."""
    roles = ("user", "assistant") * len(texts)
    return [
        {"role": role, "content": [{"text": text}]}
        for role, text in zip(roles, texts, strict=False)
    ]


def ask(bedrock_client: Any, *texts: str, model: str = MODEL, **more: Any) -> Any:
    """What Converse answers."""
    return bedrock_client.converse(modelId=model, messages=said(*texts or ("hello",)), **more)


def text_of(answer: Mapping[str, Any]) -> str:
    """The text that Converse answered."""
    return "".join(part["text"] for part in answer["output"]["message"]["content"])


def stream(bedrock_client: Any, *texts: str, model: str = MODEL, **more: Any) -> list[Any]:
    """The events that ConverseStream answers."""
    messages = said(*texts or ("hello",))
    return list(stream_into([], bedrock_client, model=model, messages=messages, **more))


def stream_into(
    events: list[Any], bedrock_client: Any, *, model: str = MODEL, **more: Any
) -> list[Any]:
    """Add the events of a stream as they come, so that those before an error are not lost."""
    more.setdefault("messages", said("hello"))
    answer = bedrock_client.converse_stream(modelId=model, **more)
    try:
        for event in answer["stream"]:
            events.append(event)
    finally:
        answer["stream"].close()
    return events


def deltas(events: list[Any]) -> list[str]:
    """The text of each token."""
    found = (event.get("contentBlockDelta") for event in events)
    return [delta["delta"]["text"] for delta in found if delta]


def signed(
    url: str,
    body: bytes,
    *,
    model: str = MODEL,
    operation: str = "converse",
    region: str = REGION,
    service: str = "bedrock",
) -> dict[str, str]:
    """The headers of a signed request."""
    request = AWSRequest("POST", f"{url}/model/{quote(model, safe='')}/{operation}", data=body)
    SigV4Auth(Credentials("AKIAEXAMPLE", "secret"), service, region).add_auth(request)
    return dict(request.headers.items())


def request(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    model: str = MODEL,
    operation: str = "converse",
) -> bytes:
    """The bytes of a request."""
    lines = {"Host": urlsplit(url).netloc, "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    target = f"/model/{quote(model, safe='')}/{operation}"
    return f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    """A connection to a region."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as sock:
        yield sock


def until_closed(sock: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    received = b""
    while data := sock.recv(65_536):
        received += data
    return received


def now() -> str:
    """The time as a signature has it."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def check_shape(shape: Any, value: Any, where: str = "") -> None:
    """That a value is what the service's model says.

    Raises:
        AssertionError: it is not.
    """
    if shape.type_name == "structure":
        _check_structure(shape, value, where)
    elif shape.type_name == "list":
        for number, one in enumerate(value):
            check_shape(shape.member, one, f"{where}[{number}]")
    elif shape.type_name == "string":
        assert isinstance(value, str), where
        assert not shape.enum or value in shape.enum, f"{where}: {value}"
        if pattern := shape.metadata.get("pattern"):
            assert re.fullmatch(pattern, value), f"{where}: {value}"
    elif shape.type_name in ("integer", "long"):
        assert type(value) is int, where
        assert value >= shape.metadata.get("min", value), f"{where}: {value}"
        assert value <= shape.metadata.get("max", value), f"{where}: {value}"
    else:
        raise AssertionError(f"{where}: no answer has a {shape.type_name}")


def _check_structure(shape: Any, value: Any, where: str) -> None:
    assert isinstance(value, dict), where
    assert set(value) <= set(shape.members), f"{where}: {set(value) - set(shape.members)}"
    assert set(shape.required_members) <= set(value), where
    assert not getattr(shape, "is_tagged_union", False) or len(value) == 1, where
    for name, member in value.items():
        check_shape(shape.members[name], member, f"{where}.{name}")
