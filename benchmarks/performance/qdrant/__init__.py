"""A stand-in for a Qdrant server where none can run: its REST protocol, spoken over Qdrant Edge.

    python -m benchmarks.performance.qdrant --folder FOLDER --port PORT

It is no Qdrant server. It lets several processes share one store over loopback in tests and
benchmarks, and it lets `ServerStore` be tested over HTTP. The engine is the real one: Qdrant Edge,
a shard a collection, kept in the folder. The requests and answers are those of Qdrant 1.17
(https://github.com/qdrant/qdrant, docs/redoc/v1.17.x/openapi.json), but only those that
`ServerStore` makes; all else is answered 501, with what was asked. There are no keys, no replicas
and no optimizer: no HNSW graph is built, and every search is exact. Python stands around each
request, so its speed says nothing about a server's. A live server is tested by QDRANT_URL, with
tests/indexers/test_store.py.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from benchmarks.errors import BenchmarksError
from benchmarks.processes import LOOPBACK, free_port, stop

__all__ = ["HOST", "qdrant_process", "started_qdrant"]

HOST = LOOPBACK
"""The stand-in has no keys, so it listens on loopback only."""

_ROOT = Path(__file__).resolve().parents[3]
_START_LIMIT_S = 60


@contextmanager
def started_qdrant(folder: Path, port: int | None = None) -> Iterator[str]:
    """The URL of a stand-in that runs over a folder while the block does, on a free port.

    Raises:
        BenchmarksError: it does not start.
    """
    port = port or free_port()
    with qdrant_process(folder, port):
        yield _url(port)


@contextmanager
def qdrant_process(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The process of a stand-in that listens on a port, ready to answer; it is stopped after the
    block where that has not done it.

    Raises:
        BenchmarksError: it does not start.
    """
    places = ("--folder", str(folder.resolve()), "--port", str(port))
    process = subprocess.Popen([sys.executable, "-m", __name__, *places], cwd=_ROOT)
    try:
        _wait_until_ready(process, _url(port))
        yield process
    finally:
        stop(process)


def _url(port: int) -> str:
    return f"http://{HOST}:{port}"


def _wait_until_ready(process: "subprocess.Popen[bytes]", url: str) -> None:
    until = time.monotonic() + _START_LIMIT_S
    while not _ready(url):
        if process.poll() is not None:
            raise BenchmarksError(f"the Qdrant stand-in stopped, exit code {process.returncode}")
        if time.monotonic() > until:
            raise BenchmarksError(f"the Qdrant stand-in was not ready after {_START_LIMIT_S} s")
        time.sleep(0.05)


def _ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=1):
            return True
    except OSError:
        return False
