"""One call as it goes, with what is written down of it."""

import threading
import time
import uuid
from collections.abc import Callable, Generator
from datetime import UTC, datetime

from opentelemetry.context import get_current

from generation.asked import Asked, Completion
from generation.books import Books
from generation.call import Call
from generation.errors import CallError, CancelledError, GenerationError
from generation.messages import Usage
from generation.money.allowance import Allowance
from generation.pieces import Restarted, Text
from generation.recording import Told, call_record
from generation.telemetry import metrics, spans


class Stream:
    """A call: iterate over it once, for `Text` and `Restarted`, then `completion` is there. Who
    stops reading cancels it; `cancel` does so from any thread."""

    def __init__(
        self,
        asked: Asked,
        books: Books,
        make: Callable[[Asked, float, Callable[[int], None]], Call],
    ) -> None:
        """`make` makes the call of a deadline, with an allowance's `cover`. Nothing is sent before
        the stream is read; the deadline counts from here."""
        self.call_id = uuid.uuid4().hex
        self._asked, self._books, self._make = asked, books, make
        # Who waits for a thread to read in waits for the answer.
        self._deadline = time.monotonic() + asked.use_case.deadline_s
        self._context = get_current()  # Who reads may do so in a thread without the caller's span.
        self._lock = threading.Lock()
        self._call: Call | None = None
        self._cancelled = False
        self._completion: Completion | None = None

    # Nothing but the reader holds this generator, so that it ends with the reading: left to the
    # collector, it would write down the call in the midst of whatever the thread is doing then.
    def __iter__(self) -> Generator[Text | Restarted, None, None]:
        if self._call is not None:
            raise RuntimeError("an answer is read once")
        told = Told(began=time.monotonic(), time=datetime.now(UTC))
        allowance = None
        try:
            allowance = Allowance(lambda: self._books.reserve(self._asked))
            self._begin(told, allowance)
            assert self._call is not None
            for piece in self._call.pieces():
                told.first = told.first or time.monotonic()
                yield piece
        except GenerationError as exc:
            told.error = exc
            raise
        except (GeneratorExit, KeyboardInterrupt):
            told.error = CancelledError()
            raise
        finally:
            self._finish(told, allowance)

    @property
    def completion(self) -> Completion:
        """The whole answer.

        Raises:
            RuntimeError: its last piece was not read yet.
        """
        if self._completion is None:
            raise RuntimeError("the answer is complete when its last piece was read")
        return self._completion

    def cancel(self) -> None:
        """End the call, which closes its connection; who reads gets a CancelledError."""
        with self._lock:
            self._cancelled = True
            if self._call is not None:
                self._call.cancel()

    def _begin(self, told: Told, allowance: Allowance) -> None:
        with self._lock:
            if self._cancelled:
                raise CancelledError
            self._call = self._make(self._asked, self._deadline, allowance.cover)

    def _finish(self, told: Told, allowance: Allowance | None) -> None:
        """Settle the call before all else, and write down what became of it."""
        call, told.ended = self._call, time.monotonic()
        attempts = [] if call is None else call.attempts
        costs = self._books.costs_of(attempts)
        usage, cost_nano = sum((one.usage for one in attempts), Usage()), sum(costs)
        if allowance is not None:
            allowance.settle(cost_nano)
        if isinstance(told.error, CallError):
            told.error.usage, told.error.cost_nano = usage, cost_nano
        self._books.add(self._asked, attempts, costs)
        if call is not None and call.end is not None:
            self._completion = Completion(
                call_id=self.call_id,
                text=call.text,
                stop_reason=call.end.stop_reason,
                target=call.winner.name,
                attempts=len(attempts),
                usage=usage,
                cost_nano=cost_nano,
                first_token_s=(told.first or told.ended) - told.began,
                seconds=told.ended - told.began,
            )
        record = call_record(self.call_id, self._asked, told, call, costs)
        if self._books.records is not None:
            self._books.records.write(record)
        metrics.observe(record)
        spans.emit(record, self._context)
