"""The API as a process of its own, and a client that keeps its connection."""

import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarksError
from benchmarks.performance.passages import ROOT, environment, python_m
from benchmarks.processes import LOOPBACK, free_port, stop

_START_LIMIT_S = 120


class Client:
    """One connection to the API, used again for every question.

    The standard library's client, because it adds the least of its own to what is measured.
    """

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(LOOPBACK, port, timeout=60)

    def retrieve(self, question: str) -> tuple[float, dict[str, Any]]:
        """Ask a question; the milliseconds until the whole answer was read, and the answer.

        Raises:
            BenchmarksError: the answer is an error.
        """
        body = json.dumps({"query": question, "deadline_ms": 60_000})
        started = time.perf_counter()
        self._connection.request("POST", "/retrieve", body, {"content-type": "application/json"})
        response = self._connection.getresponse()
        read = response.read()
        took_ms = (time.perf_counter() - started) * 1000
        if response.status != http.client.OK:
            raise BenchmarksError(f"/retrieve answered {response.status}: {read.decode()}")
        answer: dict[str, Any] = json.loads(read)
        return took_ms, answer

    def ready(self) -> bool:
        """Whether every index can be searched."""
        try:
            self._connection.request("GET", "/readyz")
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return False
        return response.status == http.client.OK

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def served(catalog: Path, data_dir: Path) -> Iterator[Client]:
    """A client of the API, which runs on a free port while the block does.

    Raises:
        BenchmarksError: it does not start.
    """
    port = free_port()
    places = ("--catalog", catalog, "--data-dir", data_dir, "--port", str(port))
    command = python_m("retrieval", "serve", *places)
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stderr=subprocess.DEVNULL)
    try:
        client = Client(port)
        _wait(process, client)
        yield client
        client.close()
    finally:
        stop(process)


def _wait(process: "subprocess.Popen[bytes]", client: Client) -> None:
    until = time.monotonic() + _START_LIMIT_S
    while not client.ready():
        if process.poll() is not None:
            raise BenchmarksError(f"the API stopped, with exit code {process.returncode}")
        if time.monotonic() > until:
            raise BenchmarksError(f"the API was not ready after {_START_LIMIT_S} s")
        time.sleep(0.1)
