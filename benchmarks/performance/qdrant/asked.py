"""What is asked of the stand-in, and how it refuses."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.requests import Request


class Refused(Exception):  # noqa: N818 - An answer like others, with a status of the protocol's.
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, error: str) -> None:
        super().__init__(error)
        self.status = status


def unknown(asked: object) -> Refused:
    """How the stand-in says that a server might do what it cannot."""
    return Refused(HTTPStatus.NOT_IMPLEMENTED, f"This stand-in for Qdrant does not know {asked}")


def only(body: dict[str, Any], *known: str) -> dict[str, Any]:
    """A JSON object; Refused where it has other fields than the known ones."""
    if more := body.keys() - {*known}:
        raise unknown(f"the fields {sorted(more)}")
    return body


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: the collection or alias in its path, its body, whether to wait for the disk."""

    name: str
    body: dict[str, Any]
    wait: bool

    @classmethod
    def read(cls, request: Request, body: bytes) -> "Asked":
        """A request as it came; Refused where it has unknown parameters."""
        wait = only(dict(request.query_params), "wait").get("wait") == "true"
        return cls(request.path_params.get("name", ""), json.loads(body) if body else {}, wait)
