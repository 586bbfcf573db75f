"""Processes that write records."""

import logging
import multiprocessing
import resource
import time
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from generation.records.writer import RecordWriter
from tests.generation.records.samples import call

SPAWN = multiprocessing.get_context("spawn")
LIMIT_S = 60
"""Far more than any of this takes."""


def write_some(folder: Path, name: str, count: int) -> None:
    """Write so many records, with ids that begin with a name."""
    with RecordWriter(folder, max_bytes=100_000) as writer:
        for number in range(count):
            writer.write(call(call_id=f"{name}-{number}"))


def write_and_forget(folder: Path, count: int) -> None:
    """Write so many records, and end without closing the writer."""
    writer = RecordWriter(folder)
    for number in range(count):
        writer.write(call(call_id=f"forgotten-{number}"))


def write_on(folder: Path, said: "SimpleQueue[int]") -> None:
    """Write records until the process is ended; say how many there are for sure."""
    writer, number = RecordWriter(folder, max_bytes=300_000), 0
    while True:
        for _ in range(20):
            writer.write(call(call_id=f"call-{number}"))
            number += 1
        writer.flush()
        said.put(number)


def write_with_little_room(
    folder: Path, limit: int, said: "SimpleQueue[tuple[int, list[str]]]"
) -> None:
    """Write records of which one has no room in any file, where no file may have more than `limit`
    bytes; say how many are lost, and what was logged."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("generation.records.writer").addHandler(handler)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    with RecordWriter(folder) as writer:
        for number in range(40):
            answer = "x" * 2 * limit if number in (10, 11) else "yes"
            writer.write(call(call_id=f"call-{number}", answer=answer))
    said.put((writer.lost, messages))


def until(true: Callable[[], bool]) -> None:
    """Wait for something."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < LIMIT_S
        time.sleep(0.01)
