"""A prompt made again from its record."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation.errors import RecordsError
from generation.messages import Message
from generation.prompts.templates import Templates
from generation.records.prompt import sha256_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A prompt. `exact` says whether it is the one that was sent, letter by letter; `why` says
    what keeps it from being so, and is empty otherwise."""

    system: str
    messages: tuple[Message, ...]
    exact: bool
    why: str


def rebuilt(record: Mapping[str, Any], templates: Templates) -> Rebuilt:
    """The prompt of a record, given as its JSON, from its template and its inputs.

    Raises:
        RecordsError: it is no record of a call.
        PromptError: there is no such template, or it does not take these inputs.
    """
    try:
        prompt = record["prompt"]
        id_, version, inputs = prompt["id"], prompt["version"], prompt["inputs"]
        digest, sha256, redacted = prompt["digest"], prompt["sha256"], prompt["redacted"]
    except (KeyError, TypeError) as exc:
        raise RecordsError(f"this is no record of a call: {exc} is missing in it") from exc
    template = templates.get(id_, version)
    system, messages = template.render(inputs)
    exact = sha256_of(system, messages) == sha256
    reasons = []
    if template.digest != digest:
        reasons.append(f"the template {template} is not what it was (its digest was {digest})")
    if redacted:
        reasons.append("the inputs are redacted")
    if not reasons:
        reasons.append("the same template and inputs make another text than they did")
    why = "" if exact else "; ".join(reasons)
    return Rebuilt(system=system, messages=messages, exact=exact, why=why)
