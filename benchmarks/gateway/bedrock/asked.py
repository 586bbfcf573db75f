"""What a request asks of which model, checked as bedrock-runtime checks it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from benchmarks.gateway.bedrock.models import Model, model_of
from benchmarks.gateway.bedrock.refusals import RefusedError, invalid

_PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream)")
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]*")
_TIERS = ("priority", "default", "flex", "reserved")
_MOST_METADATA, _LONGEST_METADATA = 16, 256

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Converse or, where it streams, ConverseStream, of a model."""

    model_id: str
    streams: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that the model can answer. `last_user` is the text of the last user message,
    `prefill` that of the assistant's after it, and `read_bytes` is how much the model reads."""

    model: Model
    last_user: str
    prefill: str
    read_bytes: int
    max_tokens: int
    stop: Sequence[str]
    tier: str | None

    @property
    def input_tokens(self) -> int:
        """A token for every 4 bytes of the texts in UTF-8 (system and messages), rounded down, and
        one more: a rule of this stand-in."""
        return self.read_bytes // 4 + 1


def operation(method: str, target: str) -> Operation:
    """What a request line asks for.

    Raises:
        RefusedError: it is neither Converse nor ConverseStream.
    """
    found = _PATH.fullmatch(target)
    if found is None or method != "POST":
        raise RefusedError("UnknownOperationException", f"{method} {target} is no operation here.")
    return Operation(model_id=unquote(found[1]), streams=found[2] == "converse-stream")


def body_of(raw: bytes) -> dict[str, Any]:
    """The body of a request.

    Raises:
        RefusedError: it is not a JSON object.
    """
    try:
        body = json.loads(raw)
    except ValueError as exc:
        raise RefusedError("SerializationException", f"The body is not JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise RefusedError("SerializationException", "The body is not a JSON object.")
    return body


def metadata_of(body: Mapping[str, Any]) -> Metadata:
    """`requestMetadata`, in the order of its keys.

    Raises:
        RefusedError: the service would not take it.
    """
    given = _object(body, "requestMetadata")
    if len(given) > _MOST_METADATA:
        raise _violates("requestMetadata", f"have at most {_MOST_METADATA} entries")
    for name, value in given.items():
        for text in (name, value):
            if not isinstance(text, str) or len(text) > _LONGEST_METADATA:
                raise _violates("requestMetadata", f"have at most {_LONGEST_METADATA} characters")
            if not _METADATA.fullmatch(text):
                raise _violates("requestMetadata", f"match {_METADATA.pattern}")
    return tuple(sorted(given.items()))


def asked_of(model_id: str, region: str, body: Mapping[str, Any]) -> Asked:
    """What the body of a request asks of a model.

    Raises:
        RefusedError: the model would not take it, or there is none.
    """
    model = model_of(model_id, region)
    system = _texts(_objects(body, "system"), "SystemContentBlock", "system")
    messages = _messages(_objects(body, "messages"))
    prefill = _prefill(messages, model)
    users = [text for role, text in messages if role == "user"]
    config = _object(body, "inferenceConfig")
    _check_between(config, "temperature", 0, 1)
    _check_between(config, "topP", 0, 1)
    return Asked(
        model=model,
        last_user=users[-1],
        prefill=prefill,
        read_bytes=len("".join((system, *(text for _, text in messages))).encode()),
        max_tokens=_max_tokens(config, model),
        stop=[str(text) for text in config.get("stopSequences") or ()],
        tier=_tier(body),
    )


def _messages(given: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    messages = []
    for number, one in enumerate(given):
        role, content = one.get("role"), _objects(one, "content")
        if role not in ("user", "assistant"):
            raise _violates(f"messages.{number + 1}.member.role", "be one of: user, assistant")
        where = f"messages.{number}.content"
        if not content:
            raise invalid(
                f"The content field in the Message object at messages.{number} is empty. "
                "Add a ContentBlock object to the content field and try again."
            )
        messages.append((role, _texts(content, "ContentBlock", where)))
    _check_turns([role for role, _ in messages])
    return messages


def _check_turns(roles: Sequence[str]) -> None:
    if not roles or roles[0] != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a "
            "conversation that starts with a user message."
        )
    if any(role == before for before, role in pairwise(roles)):
        raise invalid(
            "A conversation must alternate between user and assistant roles. Make sure "
            "the conversation alternates between user and assistant roles and try "
            "again."
        )


def _texts(blocks: Sequence[Mapping[str, Any]], kind: str, where: str) -> str:
    texts = []
    for number, block in enumerate(blocks):
        if "cachePoint" in block:
            continue
        if "text" not in block:
            raise invalid(
                f"This model doesn't support the {', '.join(block)} field of the {kind} "
                f"object at {where}.{number}. Remove it, and try again."
            )
        if not isinstance(block["text"], str):
            raise _misshapen("text", "a string")
        if not block["text"].strip():
            raise invalid(
                f"The text field in the {kind} object at {where}.{number} is blank. Add "
                "text to the text field, and try again."
            )
        texts.append(block["text"])
    return "".join(texts)


def _prefill(messages: Sequence[tuple[str, str]], model: Model) -> str:
    role, text = messages[-1]
    if role == "user":
        return ""
    if not model.prefill:
        raise invalid(
            "This model does not support assistant message prefill. The conversation "
            "must end with a user message."
        )
    if text != text.rstrip():
        raise invalid(
            "The model returned the following errors: messages: final assistant content "
            "cannot end with trailing whitespace"
        )
    return text


def _max_tokens(config: Mapping[str, Any], model: Model) -> int:
    given = config.get("maxTokens")
    if given is None:
        return model.max_tokens
    if not isinstance(given, int) or given < 1:
        raise _violates("inferenceConfig.maxTokens", "have value greater than or equal to 1")
    if given > model.max_tokens:
        raise invalid(
            f"The maximum tokens you requested exceeds the model limit of "
            f"{model.max_tokens}. Try again with a maximum tokens value that is lower "
            f"than {model.max_tokens}."
        )
    return given


def _check_between(config: Mapping[str, Any], name: str, low: float, high: float) -> None:
    given = config.get(name)
    if given is not None and not (isinstance(given, int | float) and low <= given <= high):
        raise _violates(f"inferenceConfig.{name}", f"have value between {low} and {high}")


def _tier(body: Mapping[str, Any]) -> str | None:
    tier = _object(body, "serviceTier").get("type")
    if tier is None:
        return None
    if tier not in _TIERS:
        raise _violates("serviceTier.type", f"be one of: {', '.join(_TIERS)}")
    return str(tier)


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given = body.get(name) or {}
    if not isinstance(given, dict):
        raise _misshapen(name, "an object")
    return given


def _objects(body: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    given = body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise _misshapen(name, "a list of objects")
    return given


def _misshapen(name: str, right: str) -> RefusedError:
    return RefusedError("SerializationException", f"{name} is not {right}.")


def _violates(where: str, must: str) -> RefusedError:
    return invalid(
        f"1 validation error detected: Value at '{where}' failed to satisfy constraint: "
        f"Member must {must}"
    )
