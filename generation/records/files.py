"""The files that records are in.

They are named `calls-<day of UTC>-<host>-<process id>-<number>.jsonl`, so that their names sort by
day, then by who wrote them, then by age. A file is made under its name, appended to by one process
and never renamed, cut or opened again: what follows it (`tail -F`, Fluent Bit, the Kinesis agent)
needs no more than its name. A line that did not get all of its bytes is the last one of its file.
"""

import errno
import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

_NAME = re.compile(r"calls-(\d{8})-(.+)-(\d+)-(\d{4,})\.jsonl")
_HOST = re.sub(r"[^A-Za-z0-9.]", "-", socket.gethostname()) or "localhost"
_READABLE_BY_GROUP = 0o640  # By a shipper, say; what is in there is nobody else's business.


@dataclass(frozen=True, slots=True, order=True)
class RecordFile:
    """One file, by when it was begun."""

    day: date
    path: Path


def files_in(folder: Path) -> list[RecordFile]:
    """The files of records in a folder, in the order of their names. Raises OSError."""
    return sorted(_found(folder))


def _found(folder: Path) -> Iterator[RecordFile]:
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match is not None:
            with suppress(ValueError):  # No day of the calendar, so none of ours.
                yield RecordFile(datetime.strptime(match.group(1), "%Y%m%d").date(), path)


class Rotating:
    """The file that a process writes to, and the next ones; for one thread."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._day: date | None = None
        self._number = 0
        self._path: Path | None = None
        self._handle: int | None = None
        self._size = 0

    def append(self, line: bytes, today: date) -> None:
        """Write a line, which ends with a line feed: to the file that is open, or to a new one if
        that is full, of another day, deleted, or cannot be written to.

        Raises:
            OSError: not to a new one either. That may then end with a part of the line.
        """
        full = self._size > 0 and self._size + len(line) > self._max_bytes
        if full or today != self._day:
            self.close()
        if self._handle is not None:
            try:
                return self._write(self._handle, line)
            except OSError:
                self.close()
        handle = self._open(today)
        try:
            self._write(handle, line)
        except OSError:
            self.close()
            raise

    def turn(self, today: date) -> None:
        """Close a file of another day, though nothing comes to be written."""
        if today != self._day:
            self.close()

    def close(self) -> None:
        """Close the file; one that has nothing in it is removed."""
        handle, self._handle = self._handle, None
        if handle is None or self._path is None:
            return
        os.close(handle)
        if self._size == 0:
            self._number -= 1
            with suppress(OSError):  # An empty file more is nothing to stop for.
                self._path.unlink()

    def _open(self, today: date) -> int:
        self._folder.mkdir(parents=True, exist_ok=True)
        if today != self._day:
            self._day, self._number = today, 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        while True:
            self._number += 1
            name = f"calls-{today:%Y%m%d}-{_HOST}-{os.getpid()}-{self._number:04d}.jsonl"
            self._path = self._folder / name
            try:
                self._handle = os.open(self._path, flags, _READABLE_BY_GROUP)
            except FileExistsError:
                continue  # Of a process that had the same id: in containers they often do.
            self._size = 0
            return self._handle

    def _write(self, handle: int, line: bytes) -> None:
        written = os.write(handle, line)
        self._size += written
        if written < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        if os.fstat(handle).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "it was deleted", str(self._path))


def remove_older(folder: Path, today: date, keep_days: int) -> None:
    """Remove the files of days that are more than `keep_days` ago; there are none in a folder that
    is gone. Raises OSError."""
    oldest = today - timedelta(days=keep_days)
    with suppress(FileNotFoundError):
        for file in files_in(folder):
            if file.day < oldest:
                file.path.unlink(missing_ok=True)
