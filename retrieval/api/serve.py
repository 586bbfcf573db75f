"""The API as a process."""

import gc
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from indexers.jobs.service import Service
from retrieval.api.app import make_app
from retrieval.engine import Engine
from retrieval.writers import Writers


def serve(
    engine: Engine,
    service: Service,
    worker: "Worker | None",
    writers: Writers,
    *,
    host: str,
    port: int,
    data_dir: Path,
) -> None:
    """Serve until a signal stops it; finishes the requests that it has begun. The worker, if there
    is one, works on jobs until then, in this process."""
    # uvicorn stops at SIGTERM by itself and then sends it again, which would end the process here
    # and now, with the note of where it runs left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _announced(url_of(host, port), data_dir):
        app = make_app(engine, service, writers, worker.close if worker else lambda: None)
        engine.warm()
        # What is loaded by now stays, and an answer's many small values go by themselves: the
        # collector has little to find, and looks more often than it has to by default.
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        uvicorn.run(app, host=host, port=port, log_level="info", access_log=False)


if TYPE_CHECKING:
    from indexers.jobs.worker import Worker  # DBOS comes with it.


def url_of(host: str, port: int) -> str:
    """Where a client on this machine finds what listens on an address."""
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{loopback}]:{port}" if ":" in loopback else f"http://{loopback}:{port}"


@contextmanager
def _announced(url: str, data_dir: Path) -> Iterator[None]:
    data_dir.mkdir(parents=True, exist_ok=True)  # With both servers, nothing else is kept there.
    note = data_dir / "server.json"
    note.write_text(json.dumps({"url": url, "pid": os.getpid()}))
    try:
        yield
    finally:
        note.unlink(missing_ok=True)
