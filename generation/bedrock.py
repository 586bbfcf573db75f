"""Amazon Bedrock's runtime through boto3: Converse and ConverseStream, one attempt at a time.

botocore's own retries are off: it would try again without knowing how much time and how many
attempts the call has left, and which other target could take it.
"""

import threading
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import boto3
from botocore import exceptions
from botocore.config import Config
from botocore.eventstream import ParserError
from pydantic import Field, Strict, StringConstraints
from pydantic.dataclasses import dataclass
from urllib3.exceptions import HTTPError

from generation.errors import ConfigurationError
from generation.exchange import Delta, End, Event, Exchange
from generation.faults import Fault
from generation.messages import Request, Usage
from generation.raised import fault_of
from generation.targets import STRICT, Target
from generation.wire import Attempt, own_connections

_SECRET_HEADERS = ("authorization", "x-amz-security-token")
_CONNECTIONS = 512


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Region:
    """How a region is reached: AWS's own address unless `endpoint_url` names another one, as for a
    VPC endpoint or a stand-in."""

    endpoint_url: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+")] | None = None
    connect_timeout_s: Annotated[float, Strict(), Field(gt=0, le=60)] = 2.0


class Bedrock:
    """Clients of the regions, made when they are first used; safe for threads. Credentials are
    found as boto3 always does."""

    def __init__(self, regions: Mapping[str, Region]) -> None:
        self._regions = regions
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()

    def warm(self, region: str) -> None:
        """Make a region's client, which takes a tenth of a second.

        Raises:
            ConfigurationError: boto3's own settings or credentials are not valid.
        """
        try:
            self._client(region)
        except exceptions.BotoCoreError as exc:
            raise ConfigurationError(f"boto3 cannot make a client for {region}: {exc}") from exc

    def send(
        self, target: Target, request: Request, attempt: Attempt, *, stream: bool
    ) -> Iterator[Event]:
        """Send a request, and give what comes back; without `stream` that is one delta. An attempt
        that is cancelled ends without an end."""
        if attempt.cancelled:  # While it waited for a thread.
            return
        attempt.enter()
        try:
            client = self._client(target.region)
            asked = _body(target, request)
            attempt.exchange.request_body = asked
            if stream:
                yield from _streamed(client.converse_stream(**asked), attempt)
            else:
                answer = client.converse(**asked)
                attempt.leave()
                yield from _whole(answer, attempt.exchange)
        except (exceptions.BotoCoreError, exceptions.ClientError, HTTPError, OSError) as exc:
            attempt.leave()
            if not attempt.cancelled:
                yield fault_of(exc, attempt.exchange)
        except (ParserError, ValueError) as exc:  # A body that is cut off is no JSON either.
            yield Fault(name="DamagedFrame", message=str(exc))

    def _client(self, region: str) -> Any:
        with self._making:  # A session is not safe for threads while it makes a client.
            if region not in self._clients:
                self._clients[region] = self._made(region)
            return self._clients[region]

    def _made(self, region: str) -> Any:
        where = self._regions.get(region, Region())
        client = boto3.session.Session().client(
            "bedrock-runtime",
            region_name=region,
            endpoint_url=where.endpoint_url,
            config=Config(
                connect_timeout=where.connect_timeout_s,
                retries={"total_max_attempts": 1, "mode": "standard"},
                max_pool_connections=_CONNECTIONS,
                tcp_keepalive=True,
            ),
        )
        own_connections(client)
        client.meta.events.register("before-call.bedrock-runtime", self._before_call)
        client.meta.events.register("before-send.bedrock-runtime", self._before_send)
        return client

    def _before_call(self, context: dict[str, Any], **_: Any) -> None:
        context["read_timeout"] = Attempt.here().read_timeout_s

    def _before_send(self, request: Any, **_: Any) -> None:
        Attempt.here().exchange.request_headers = {
            name.lower(): value.decode("latin-1") if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
            if name.lower() not in _SECRET_HEADERS
        }


def _body(target: Target, request: Request) -> dict[str, Any]:
    config: dict[str, Any] = {"maxTokens": request.max_tokens}
    if request.temperature is not None:
        config["temperature"] = request.temperature
    if request.top_p is not None:
        config["topP"] = request.top_p
    if request.stop:
        config["stopSequences"] = list(request.stop)
    body: dict[str, Any] = {
        "modelId": target.model_id,
        "messages": [{"role": m.role, "content": [{"text": m.text}]} for m in request.messages],
        "inferenceConfig": config,
    }
    if request.system:
        body["system"] = [{"text": request.system}]
    if request.tags:
        body["requestMetadata"] = dict(request.tags)
    if target.tier != "default":
        body["serviceTier"] = {"type": target.tier}
    return body


def _whole(answer: Mapping[str, Any], exchange: Exchange) -> Iterator[Event]:
    _note(answer, exchange)
    exchange.response_body = {k: v for k, v in answer.items() if k != "ResponseMetadata"}
    if not exchange.response_body:  # botocore takes a body that is no JSON for an empty one.
        yield Fault(name="CutOff", message="the answer ended before its last byte")
        return
    content = answer["output"]["message"]["content"]
    yield Delta("".join(part.get("text", "") for part in content))
    yield _end(answer["stopReason"], answer)


def _streamed(answer: Mapping[str, Any], attempt: Attempt) -> Iterator[Event]:
    _note(answer, attempt.exchange)
    stream = answer["stream"]
    stop_reason, metadata = None, None
    try:
        for event in stream:
            if "contentBlockDelta" in event:
                yield Delta(event["contentBlockDelta"]["delta"].get("text", ""))
            elif "messageStop" in event:
                stop_reason = event["messageStop"]["stopReason"]
            elif "metadata" in event:
                metadata = event["metadata"]
    finally:
        stream.close()
        attempt.leave()
    if attempt.cancelled:
        return
    if stop_reason is None or metadata is None:
        yield Fault(name="CutOff", message="the stream ended before its last event")
        return
    attempt.exchange.response_body = {"stopReason": stop_reason, **metadata}
    yield _end(stop_reason, metadata)


def _note(answer: Mapping[str, Any], exchange: Exchange) -> None:
    about = answer["ResponseMetadata"]
    exchange.status, exchange.response_headers = about["HTTPStatusCode"], about["HTTPHeaders"]


def _end(stop_reason: str, about: Mapping[str, Any]) -> End:
    usage = about["usage"]
    return End(
        stop_reason=stop_reason,
        usage=Usage(
            input=usage["inputTokens"],
            output=usage["outputTokens"],
            cache_read=usage.get("cacheReadInputTokens", 0),
            cache_write=usage.get("cacheWriteInputTokens", 0),
        ),
        latency_ms=about.get("metrics", {}).get("latencyMs"),
    )
