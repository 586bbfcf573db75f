"""What is recorded of a prompt: not its text, but what the text can be made from again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generation.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRecord:
    """A template by id, version and digest, the inputs that it was filled with, and what came of
    that. Of `system` and `messages` only the hash is recorded."""

    id: str
    version: int
    digest: str
    inputs: Mapping[str, Any]
    system: str
    messages: tuple[Message, ...]

    def to_json(self) -> dict[str, Any]:
        """Its JSON. `redacted` is false until a writer changes the inputs."""
        return {
            "id": self.id,
            "version": self.version,
            "digest": self.digest,
            "sha256": sha256_of(self.system, self.messages),
            "inputs": dict(self.inputs),
            "redacted": False,
        }

    def without_prompt(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A body of Converse, with a reference to the template in place of its texts. `sha256` is
        of what was sent; where that goes on with an answer, the answer's beginning is left out of
        it, and `answer_chars` says how long it was."""
        rest = {key: value for key, value in body.items() if key not in ("system", "messages")}
        if "messages" not in body:
            return rest
        messages = [
            Message(role=turn["role"], text=_text(turn["content"])) for turn in body["messages"]
        ]
        beginning = messages.pop() if messages and messages[-1].role == "assistant" else None
        rest["prompt"] = {
            "template": self.id,
            "version": self.version,
            "sha256": sha256_of(_text(body.get("system", ())), messages),
            "answer_chars": len(beginning.text) if beginning else 0,
        }
        return rest


def sha256_of(system: str, messages: Sequence[Message]) -> str:
    """The SHA-256 of a prompt, in hex: of the JSON array of the system's text and each message's
    role and text, in ASCII, with no spaces between."""
    texts = [system, *(part for message in messages for part in (message.role, message.text))]
    return hashlib.sha256(json.dumps(texts, separators=(",", ":")).encode()).hexdigest()


def _text(content: Sequence[Mapping[str, Any]]) -> str:
    return "".join(block.get("text", "") for block in content)
