"""The folder of a run, and the files in it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from benchmarks.errors import RecordsError
from benchmarks.origin import Origin
from benchmarks.records import Asked, by_run, drop_torn_line, on_disk, read_records
from benchmarks.stored import StoredRun
from benchmarks.suite import load_suite


@dataclass(frozen=True)
class RunFolder:
    """What `run` writes and `report` and `compare` read.

    `suite.yaml` is a copy of the suite: a measure that is added to it there is taken from the
    records, without another run.
    """

    path: Path

    @property
    def records(self) -> Path:
        """One line a question and system; see `benchmarks.records`."""
        return self.path / "records.jsonl"

    @property
    def suite(self) -> Path:
        """The suite as it was run."""
        return self.path / "suite.yaml"

    @property
    def origin(self) -> Path:
        """What the records come from; see `benchmarks.origin`."""
        return self.path / "origin.json"

    @property
    def summary(self) -> Path:
        """The values of all measures of a finished run; see `benchmarks.report.summary`."""
        return self.path / "summary.json"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folder, and keep other processes from running into it meanwhile.

        Raises:
            RecordsError: one does; or it is no folder, or cannot be made.
        """
        with on_disk(self.path):
            if self.path.exists() and not self.path.is_dir():
                raise RecordsError(f"{self.path} is not a folder; choose another one with --out")
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDONLY)
        try:
            _lock(handle, self.path)
            yield
        finally:
            os.close(handle)

    def begin(self, suite: Path) -> frozenset[Asked]:
        """Make the folder ready for a run: a new one, or the rest of one that was not finished.
        What was asked already.

        Raises:
            RecordsError: it holds a finished run, which is never written over, or one of another
                suite; or it cannot be written.
        """
        if not (self.records.exists() and any(read_records(self.records))):
            with on_disk(self.path):
                self.suite.write_bytes(suite.read_bytes())
                self.origin.unlink(missing_ok=True)
                self.records.write_bytes(b"")
            return frozenset()
        stored = self.load()
        if stored.origin is None or stored.finished:
            raise RecordsError(f"{self.path} holds a run already; choose another folder with --out")
        self._check_same(suite)
        drop_torn_line(self.records)
        return frozenset(record.asked for records in stored.runs.values() for record in records)

    def _check_same(self, suite: Path) -> None:
        with on_disk(suite):
            ours, theirs = suite.read_bytes().splitlines(), self.suite.read_bytes().splitlines()
        lines = enumerate(zip_longest(ours, theirs), start=1)
        differing = next((number for number, (one, other) in lines if one != other), None)
        if differing is not None:
            raise RecordsError(
                f"{self.path} holds a run that is not finished, of another suite: from line "
                f"{differing} {suite} differs from {self.suite}; give that suite to finish it, or "
                "choose another folder with --out"
            )

    def come_from(self, origin: Origin) -> None:
        """Write down what the records that follow come from.

        Raises:
            RecordsError: those that are there come from something else, or it cannot be written.
        """
        earlier = self._origin()
        if earlier is not None:
            if differing := origin.unlike(earlier):
                raise RecordsError(
                    f"{self.path} holds a run that is not finished, and since then there have "
                    f"changed: {', '.join(differing)}; its records and new ones would not compare: "
                    "undo that to finish it, or choose another folder with --out"
                )
            origin = replace(origin, sittings=earlier.sittings + 1)
        with on_disk(self.origin):
            written = self.origin.with_suffix(".new")
            written.write_text(origin.to_json() + "\n", encoding="utf-8")
            written.replace(self.origin)  # Whole or not at all: without it no run can be finished.

    def _origin(self) -> Origin | None:
        if not self.origin.exists():
            return None
        try:
            with on_disk(self.origin):
                return Origin.from_json(self.origin.read_text(encoding="utf-8"))
        except (TypeError, ValueError) as exc:
            raise RecordsError(f"{self.origin} is damaged: {exc}") from exc

    def summarise(self, text: str) -> None:
        """Write the summary, over one that is there.

        Raises:
            RecordsError: it cannot be written.
        """
        with on_disk(self.summary):
            self.summary.write_text(text, encoding="utf-8")

    def load(self) -> StoredRun:
        """The suite and the records of every run.

        Raises:
            RecordsError: the folder holds no run, or a file of it is damaged.
            SuiteError: the suite is not valid.
        """
        runs = by_run(read_records(self.records))
        return StoredRun(suite=load_suite(self.suite), runs=runs, origin=self._origin())


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise RecordsError(
            f"another process is running a suite into {path}; wait until it has ended, or choose "
            "another folder with --out"
        ) from exc
