"""A real server for the tests that need one: on loopback, on a free port, stopped by its own id."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import IO, Any

import httpx

from tests.acceptance.commands import ROOT, environment

START_LIMIT_S = 60
STOP_LIMIT_S = 30


@dataclass(frozen=True)
class Server:
    """A server at a URL, with its folder, its process, and what that says on standard error."""

    url: str
    folder: Path
    process: "subprocess.Popen[bytes]"
    log: IO[str]

    def stop(self) -> tuple[int, str]:
        """End it as a process manager does; its exit code and what it said."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """Wait for its end; its exit code and what it said."""
        try:
            code = self.process.wait(timeout=STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.log.seek(0)
        return code, self.log.read()


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def serve_command(*words: str | Path) -> list[str]:
    """The command line that starts the API."""
    return [sys.executable, "-m", "retrieval", "serve", *map(str, words)]


@contextmanager
def started(
    command: Sequence[str],
    port: int,
    folder: Path = ROOT,
    ready: str = "/readyz",
    variables: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """The API by a command that is to serve it on a port, run in a folder with more environment
    variables, `ready` when it answers that path; it is stopped after the block where that has not
    done it.

    Raises:
        AssertionError: the process ended at once, or was not ready in time.
    """
    # A file, not a pipe, which would hold the server up once it is full.
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(**(variables or {})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        server = Server(f"http://127.0.0.1:{port}", folder, process, log)
        try:
            _wait_until_ready(server, ready)
            yield server
        finally:
            if process.poll() is None:
                server.stop()


@contextmanager
def serving(catalog: Path, data_dir: Path) -> Iterator[str]:
    """The API as a process of its own over a data folder, ready to answer at the URL given."""
    port = free_port()
    places = ("--catalog", catalog, "--data-dir", data_dir, "--port", str(port))
    with started(serve_command(*places), port) as server:
        yield server.url


def _wait_until_ready(server: Server, path: str) -> None:
    until = time.monotonic() + START_LIMIT_S
    while not _ready(server.url + path):
        if server.process.poll() is not None:
            code, said = server.ended()
            raise AssertionError(f"the server ended with code {code}:\n{said}")
        assert time.monotonic() < until, f"the server was not ready after {START_LIMIT_S} s"
        time.sleep(0.1)


def _ready(url: str) -> bool:
    """Whether every index can be searched."""
    try:
        return httpx.get(url).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False  # Not listening yet.


def until(condition: Callable[[], Any], what: str, limit_s: float = 90) -> Any:
    """What a condition gives once that is true; it is looked at again and again.

    Raises:
        AssertionError: it was not true in time.
    """
    end = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < end, f"after {limit_s:g} s: not {what}"
        time.sleep(0.02)
    return found


@contextmanager
def working(folder: Path, **variables: str) -> Iterator[Server]:
    """`python -m indexers worker` in a folder, with more environment variables, ready to work; it
    listens nowhere, so its URL is empty. It is stopped after the block where that has not done it.

    Raises:
        AssertionError: the process ended at once, or was not ready in time.
    """
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "indexers", "worker"],
            cwd=folder,
            env={**environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        worker = Server("", folder, process, log)
        try:
            until(lambda: "is ready" in said_by(worker) or process.poll() is not None, "ready")
            assert process.poll() is None, said_by(worker)
            yield worker
        finally:
            if process.poll() is None:
                worker.stop()


def said_by(server: Server) -> str:
    """What a process has said so far on standard error."""
    # Not by a seek: the process writes where the file's position is.
    return os.pread(server.log.fileno(), 1_000_000, 0).decode()


@contextmanager
def silent_site() -> Iterator[str]:
    """The address of a web page that takes a request and never answers it."""
    with socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/page"


def page_source(url: str) -> str:
    """A catalog's source of one page on loopback, that is waited for but not asked again."""
    patience = "timeout_s: 20, max_wait_s: 0.1, backoff_s: 0.01"
    return f'{{kind: http, urls: ["{url}"], allow_private_hosts: [127.0.0.1], {patience}}}'
