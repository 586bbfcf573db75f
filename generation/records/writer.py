"""Records on their way from the calls to a file."""

import atexit
import json
import logging
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from generation.errors import RecordsError
from generation.records.files import Rotating, remove_older
from generation.records.record import CallRecord
from generation.redaction import Redactor

_GIVE_WAY_S = 0.0001
"""After each record: without it a second's records are one turn at the interpreter, for which a
call waits 5 ms at a time."""

_EVERY_S = 0.25
_COMPLAIN_EVERY_S = 60.0
_UNWRITABLE = (OSError, TypeError, ValueError, LookupError, AttributeError, RecursionError)
"""What the system, the redaction or JSON may say of a record: none of it is to end the others."""

_logger = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class RecordWriter:
    """Writes records to files in a folder, one JSON line each; safe for threads, and for several
    processes over one folder. Make it in the process that uses it: its thread is not forked.

    A record that is handed over is redacted and written by a thread of its own, within a second.
    At most `waiting` records wait for that; who hands over more waits as well. What cannot be
    written is counted in `lost`, and logged once a minute at most: no caller fails for it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = 64_000_000,
        keep_days: int = 30,
        redactor: Redactor | None = None,
        waiting: int = 1000,
        now: Callable[[], datetime] = _now,
    ) -> None:
        """A file has at most `max_bytes`, or one record. Files of days that are more than
        `keep_days` ago are deleted; days are those of `now`, in UTC. Without a redactor every
        built-in rule is applied.

        Raises:
            RecordsError: the folder cannot be made, or not be written to.
        """
        check_folder(folder)
        self._folder, self._keep_days, self._now = folder, keep_days, now
        self._redactor = redactor or Redactor()
        self._file = Rotating(folder, max_bytes=max_bytes)
        self._tidied: date | None = None
        self._most = waiting
        self._waiting: deque[CallRecord] = deque()
        self._handed = self._done = self._lost = 0
        self._ended = False
        self._changed = threading.Condition()
        self._closing, self._due = threading.Event(), threading.Event()
        self._complained: float | None = None
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="records", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def lost(self) -> int:
        """How many records could not be written."""
        return self._lost

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, record: CallRecord) -> None:
        """Hand a record over, which takes microseconds unless `waiting` records wait already.
        After `close`, and in a process that was forked, it is lost."""
        with self._changed:
            while len(self._waiting) >= self._most and self._alive():
                self._due.set()
                self._changed.wait(_EVERY_S)
            late = not self._alive()
            if not late:
                self._handed += 1
                self._waiting.append(record)
                if 2 * len(self._waiting) > self._most:
                    self._due.set()
        if late:
            self._lose(RecordsError("the writer of records is closed, or of before a fork"))

    def flush(self) -> None:
        """Wait until everything that was handed over is written, or lost."""
        with self._changed:
            handed = self._handed
            self._due.set()
            self._changed.wait_for(lambda: self._done >= handed or not self._alive())

    def close(self) -> None:
        """Write what waits, and end."""
        atexit.unregister(self.close)
        self._closing.set()
        self._due.set()
        self._thread.join()

    def _alive(self) -> bool:
        return not self._ended and self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._ended:
                self._due.wait(_EVERY_S)
                self._due.clear()
                self._tidy()
                while (record := self._next()) is not None:
                    self._store(record)
                    time.sleep(_GIVE_WAY_S)
        finally:
            self._end()

    def _next(self) -> CallRecord | None:
        with self._changed:
            if self._waiting:
                return self._waiting.popleft()
            self._ended = self._closing.is_set()
            return None

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._lost += len(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        self._file.close()

    def _store(self, record: CallRecord) -> None:
        try:
            line = _line(_redacted(record.to_json(), self._redactor))
            self._file.append(line, self._today())
        except _UNWRITABLE as exc:
            self._lose(exc)
        else:
            self._recover()
        with self._changed:
            self._done += 1
            self._changed.notify_all()

    def _tidy(self) -> None:
        today = self._today()
        if today == self._tidied:
            return
        self._tidied = today
        try:
            self._file.turn(today)
            remove_older(self._folder, today, self._keep_days)
        except OSError as exc:
            _logger.error("old records in %s cannot be deleted: %s", self._folder, exc)

    def _today(self) -> date:
        return self._now().astimezone(UTC).date()

    def _lose(self, error: BaseException) -> None:
        with self._changed:
            self._lost += 1
            now = time.monotonic()
            if self._complained is not None and now - self._complained < _COMPLAIN_EVERY_S:
                return
            self._complained, self._failing = now, True
        _logger.error(
            "records of calls cannot be written to %s: %s: %s; %d are lost so far",
            self._folder,
            type(error).__name__,
            error,
            self._lost,
        )

    def _recover(self) -> None:
        if self._failing:
            self._failing = False
            _logger.warning(
                "records are written to %s again; %d are lost", self._folder, self._lost
            )


def _redacted(call: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    prompt = call["prompt"]
    inputs = redactor.value(prompt["inputs"])
    prompt |= {"inputs": inputs, "redacted": inputs != prompt["inputs"]}
    call |= {key: redactor.value(call[key]) for key in ("answer", "error")}
    for attempt in call["attempts"]:
        attempt |= {key: redactor.value(attempt[key]) for key in ("fault", "response_body")}
    return call


def _line(call: dict[str, Any]) -> bytes:
    said = json.dumps(call, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str)
    # Half of a surrogate pair has no UTF-8, and is escaped as JSON does it.
    return said.encode("utf-8", "backslashreplace") + b"\n"


def check_folder(folder: Path) -> None:
    """Make a folder of records where there is none, and see that it can be written to.

    Raises:
        RecordsError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        raise RecordsError(f"{folder}: records cannot be written there: {exc.strerror}") from exc
