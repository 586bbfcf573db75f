"""What goes over the wire in one attempt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from generation.faults import Fault
from generation.messages import Usage


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer: about one token."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The answer is complete. `latency_ms` is what Bedrock says that it took."""

    stop_reason: str
    usage: Usage
    latency_ms: int | None = None


Event = Delta | End | Fault
"""An attempt gives deltas, and then an end or a fault."""


@dataclass(slots=True)
class Exchange:
    """The envelope of a request and of its response, filled in as they go; for the records."""

    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def request_id(self) -> str | None:
        """Bedrock's own id of the request."""
        return self.response_headers.get("x-amzn-requestid")
