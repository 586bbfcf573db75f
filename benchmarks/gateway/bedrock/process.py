"""The stand-in as a process of its own, so that it takes no time from what is measured."""

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from benchmarks.errors import BenchmarksError
from benchmarks.gateway.bedrock.counts import Counted
from benchmarks.gateway.bedrock.faults import Plan
from benchmarks.processes import stop

_ROOT = Path(__file__).resolve().parents[3]
_MODULE = "benchmarks.gateway.bedrock"
_START_LIMIT_S = 30
_ANSWER_LIMIT_S = 30


class BedrockProcess:
    """The stand-in while it runs in a process of its own.

    `endpoints` has the URL of each region. Every method raises BenchmarksError where the process
    does not answer.
    """

    def __init__(self, endpoints: Mapping[str, str], admin_url: str) -> None:
        """One that runs already: what its first line said."""
        self.endpoints = endpoints
        self.admin_url = admin_url

    @classmethod
    @contextmanager
    def started(
        cls, regions: Sequence[str] = ("us-east-1",), plan: Plan | None = None
    ) -> Iterator["BedrockProcess"]:
        """Run it while the block does, each region on a free port of loopback.

        Raises:
            BenchmarksError: it does not start.
        """
        named = [word for region in regions for word in ("--region", region)]
        command = [sys.executable, "-m", _MODULE, *named]
        with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE) as process:
            try:
                said = _said(process)
                bedrock = cls(said["endpoints"], said["admin_url"])
                if plan is not None:
                    bedrock.set_plan(plan)
                yield bedrock
            finally:
                stop(process)

    def counts(self) -> Counted:
        """What it did until now."""
        return Counted.from_json(self._asked("GET", "/_counts"))

    def set_plan(self, plan: Plan) -> None:
        """Begin another plan: its times count from now, its draws from the first."""
        self._asked("POST", "/_plan", plan.to_json().encode())

    def reset(self) -> None:
        """Begin the same plan again, with counts of nothing."""
        self._asked("POST", "/_reset", b"")

    def _asked(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = Request(self.admin_url + path, data=body, method=method)
        try:
            with urlopen(request, timeout=_ANSWER_LIMIT_S) as answer:
                read: bytes = answer.read()
                return read
        except HTTPError as exc:
            with exc:
                said = exc.read().decode(errors="replace")
            raise BenchmarksError(f"{method} {path} of the stand-in: {said}") from exc
        except (URLError, OSError) as exc:
            raise BenchmarksError(f"{method} {path} of the stand-in: {exc}") from exc


def _said(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], _START_LIMIT_S)
    line = process.stdout.readline() if readable else b""
    if not line:
        raise BenchmarksError(f"the stand-in for Bedrock was not ready in {_START_LIMIT_S} s")
    said: dict[str, Any] = json.loads(line)
    return said
