"""The command line of the stand-in: serve a folder on a port of loopback until SIGTERM."""

import argparse
import sys
from pathlib import Path

import uvicorn

from benchmarks.performance.qdrant import HOST
from benchmarks.performance.qdrant.app import make_app
from benchmarks.performance.qdrant.collections import Collections

_KEEP_ALIVE_S = 60
"""Longer than clients keep an idle connection, so that none sends into one that is closing."""

_PARSER = argparse.ArgumentParser(
    prog="python -m benchmarks.performance.qdrant",
    description="A stand-in for a Qdrant server: what ServerStore asks of one, on loopback.",
)
_PARSER.add_argument("--folder", type=Path, required=True, help="where the collections are kept")
_PARSER.add_argument("--port", type=int, required=True, help=f"the port of {HOST} to listen on")


def _opened(folder: Path) -> Collections:
    try:
        return Collections(folder)
    except OSError as exc:
        sys.exit(f"{folder}: {exc.strerror}")


if __name__ == "__main__":
    given = _PARSER.parse_args()
    uvicorn.run(
        make_app(_opened(given.folder)),
        host=HOST,
        port=given.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
