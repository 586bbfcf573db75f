"""What a caller wants of the gateway, and what it gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation.messages import Request, Usage
from generation.prompts.template import Template
from generation.records.prompt import PromptRecord
from generation.use_cases import UseCase


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a caller wants of the gateway."""

    name: str
    use_case: UseCase
    request: Request
    template: Template
    inputs: Mapping[str, Any]
    tenant: str
    request_id: str | None

    @property
    def prompt(self) -> PromptRecord:
        """What is recorded of the prompt."""
        return PromptRecord(
            id=self.template.id,
            version=self.template.version,
            digest=self.template.digest,
            inputs=self.inputs,
            system=self.request.system,
            messages=self.request.messages,
        )


WHOLE = ("end_turn", "stop_sequence")
"""The stop reasons of an answer that came to its own end."""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """An answer. `first_token_s` and `seconds` count from the call's beginning; `attempts` is how
    many requests it took, `usage` and `cost_nano` are the sums over them."""

    call_id: str
    text: str
    stop_reason: str
    target: str
    attempts: int
    usage: Usage
    cost_nano: int
    first_token_s: float
    seconds: float
