"""A real server for the tests that need one: on loopback, on a free port, stopped by its own id."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket

import httpx

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(catalog: Path, data_dir: Path) -> Iterator[str]:
    """The API as a process of its own over a data folder, ready to answer at the URL given."""
    port = free_port()
    command = [sys.executable, "-m", "retrieval", "serve", "--catalog", str(catalog)]
    environment = {name: v for name, v in os.environ.items() if not name.startswith("QDRANT_")}
    process = subprocess.Popen(
        [*command, "--data-dir", str(data_dir), "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until every index can be searched.

    Raises:
        AssertionError: the process ended, or took more than a minute.
    """
    for _ in range(600):
        assert process.poll() is None, f"the server ended with code {process.returncode}"
        try:
            if httpx.get(f"{url}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # Not listening yet.
        time.sleep(0.1)
    raise AssertionError("the server was not ready within a minute")
