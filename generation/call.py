"""One call: attempts until one succeeds, within one budget of attempts and time."""

import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue

from generation.attempts import Attempts, Defect, Inbox, Running
from generation.choosing import Choice, Chooser
from generation.continuing import SoFar
from generation.errors import (
    BrokenStreamError,
    CancelledError,
    DeadlineError,
    DefectError,
    ExhaustedError,
    LedgerError,
    OverBudgetError,
    OverQuotaError,
    RejectedError,
)
from generation.estimate import Estimates
from generation.exchange import Delta, End, Event
from generation.faults import Advice, Fault
from generation.health import Health
from generation.messages import Request, Usage
from generation.pieces import Restarted, Text
from generation.use_cases import UseCase
from generation.wire import Attempt


class Call:
    """The attempts of one call. `pieces` is read to its end once; `attempts` and `end` then say
    what became of it."""

    def __init__(
        self,
        request: Request,
        use_case: UseCase,
        chooser: Chooser,
        attempts: Attempts,
        estimates: Estimates,
        cover: Callable[[int], None],
    ) -> None:
        """`cover` sets aside what so many attempts may cost: see `Allowance`."""
        self._request, self._use_case, self._deadline = request, use_case, chooser.deadline
        self._chooser, self._starter, self._estimates = chooser, attempts, estimates
        self._cover = cover
        self._inbox: Inbox = SimpleQueue()
        self._live: list[Running] = []
        self._so_far = SoFar(request)
        self._hedged = False
        self.attempts: list[Running] = []
        self.end: End | None = None

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._so_far.text

    @property
    def winner(self) -> Running:
        """The attempt that came to the end."""
        return next(running for running in self.attempts if running.end is not None)

    def cancel(self) -> None:
        """Let the thread that reads the pieces come to an end, with a CancelledError."""
        self._chooser.cancel()
        self._inbox.put((None, None))

    def pieces(self) -> Iterator[Text | Restarted]:
        """The answer as it comes; in one piece where the use case does not stream.

        Raises:
            RejectedError: Bedrock does not accept the request.
            ExhaustedError: every attempt failed. DeadlineError: the deadline passed.
            BrokenStreamError: it broke after its first token, and is not to be taken up again.
            OverQuotaError: no target has the quota, and none was asked.
            CancelledError: see `cancel`. DefectError: what nobody foresaw.
        """
        try:
            while self.end is None:
                if not self._live:
                    self._begin(self._so_far.request())
                running, event = self._next_event()
                if isinstance(event, Delta):
                    yield from self._delta(running, event)
                elif isinstance(event, End):
                    self._ended(running, event)
                else:
                    yield from self._failed(running, event)
        finally:
            for running in [*self._live]:
                self._drop(running)

    def _begin(self, request: Request) -> None:
        if len(self.attempts) >= self._use_case.attempts:
            raise ExhaustedError(
                f"{len(self.attempts)} attempts failed, the last one by {self.attempts[-1].fault}",
                text=self.text,
            )
        if time.monotonic() >= self._deadline:
            raise self._late()
        try:
            self._set_aside()
        except (OverBudgetError, LedgerError) as exc:
            failed = self.attempts[-1].fault
            raise ExhaustedError(
                f"the last attempt failed by {failed}; {exc}", text=self.text
            ) from exc
        self._start(self._chosen(request), request, hedge=False)

    def _set_aside(self) -> None:
        """What one more attempt may cost: those that may be billed have used up their own."""
        self._cover(1 + sum(r.estimated or r.ended is None for r in self.attempts))

    def _chosen(self, request: Request) -> Choice:
        continues = self._so_far.begun
        try:
            return self._chooser.next(self._tokens(), request.max_tokens, continues=continues)
        except CancelledError as exc:
            raise CancelledError(text=self.text) from exc
        except (OverQuotaError, ExhaustedError) as exc:
            if not self.attempts:
                raise
            raise ExhaustedError(str(exc), text=self.text) from exc

    def _start(self, choice: Choice, request: Request, *, hedge: bool) -> None:
        name = choice.admitted.target
        left_s = max(0.001, self._deadline - time.monotonic())
        silence_s = min(self._use_case.first_limit_s, left_s)
        if self._use_case.stream:
            silence_s = min(max(silence_s, self._use_case.between_tokens_s), left_s)
        running = Running(
            name=name,
            target=self._chooser.target(name),
            request=request,
            wire=Attempt(silence_s),
            admitted=choice.admitted,
            backoff_s=choice.backoff_s,
            hedge=hedge,
        )
        self._health(running).begin(self._use_case.first_limit_s)
        self._live.append(running)
        self.attempts.append(running)
        self._starter.start(running, self._inbox, stream=self._use_case.stream)

    def _next_event(self) -> tuple[Running, Event]:
        """What a live attempt says next, its silence among that."""
        while True:
            due, late = min(
                ((r.due(self._use_case), r) for r in self._live), key=lambda pair: pair[0]
            )
            until = min(due, self._deadline, self._hedge_due())
            try:
                running, event = self._inbox.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                if until == self._deadline:
                    raise self._late() from None
                if until == due:
                    return late, Fault(name="Silent", message=f"nothing for {late.silent_s:.1f} s")
                self._hedge()
                continue
            if running is None:
                raise CancelledError(text=self.text)
            if isinstance(event, Defect):
                raise DefectError(repr(event.error), text=self.text) from event.error
            if event is not None and running in self._live:
                return running, event

    def _delta(self, running: Running, delta: Delta) -> Iterator[Text]:
        running.latest = time.monotonic()
        running.deltas += 1
        if running.first is None:
            self._came(running)
            for other in [r for r in self._live if r is not running]:
                self._drop(other)
        text = self._so_far.add(delta.text)
        if text:
            yield Text(text)

    def _came(self, running: Running) -> None:
        running.first = running.latest = running.latest or time.monotonic()
        self._health(running).succeed(running.first - running.began)

    def _ended(self, running: Running, end: End) -> None:
        if running.first is None:  # An answer without any text.
            self._came(running)
        running.end, running.usage, self.end = end, end.usage, end
        read = end.usage.input + end.usage.cache_read + end.usage.cache_write
        self._estimates.learn(running.target.model, running.request.chars, read)
        self._settle(running)

    def _failed(self, running: Running, fault: Fault) -> Iterator[Restarted]:
        running.fault = fault
        running.wire.cancel()
        self._estimate(running, billed=fault.may_be_billed)
        self._settle(running)
        refused = fault.advice is Advice.NEVER
        if refused and running.request is self._request:
            raise RejectedError(f"{running.name}: {fault}", text=self.text)
        if refused:  # It was the beginning of an answer that the model does not take.
            self._chooser.whole_only(running.name)
        else:
            self._health(running).fail(fault)
            self._chooser.failed(running.name, fault)
        if self._live or not self._so_far.begun:
            return
        if self._use_case.on_broken == "fail":
            raise BrokenStreamError(f"{running.name}: {fault}", text=self.text)
        if refused or self._use_case.on_broken == "restart" or not self._chooser.can_continue():
            self._so_far.restart()
            yield Restarted(str(fault))

    def _hedge(self) -> None:
        self._hedged = True
        try:
            self._set_aside()
        except (OverBudgetError, LedgerError):
            return  # The one that is under way may still come.
        busy = [running.name for running in self._live]
        choice = self._chooser.another(busy, self._tokens(), self._request.max_tokens)
        if choice is not None:
            self._start(choice, self._request, hedge=True)

    def _hedge_due(self) -> float:
        after_s = self._use_case.hedge_after_s
        waits = len(self._live) == 1 and self._live[0].first is None and not self.text
        left = len(self.attempts) < self._use_case.attempts
        if after_s is None or self._hedged or not waits or not left:
            return float("inf")
        return self._live[0].began + after_s

    def _drop(self, running: Running) -> None:
        """Cancel an attempt that is no longer wanted."""
        running.wire.cancel()
        self._estimate(running, billed=True)
        self._settle(running)

    def _estimate(self, running: Running, *, billed: bool) -> None:
        """What an attempt may be billed that has not come to its end."""
        # What had no thread by the time it was cancelled is not sent any more.
        if billed and running.exchange.request_headers:
            running.usage = Usage(input=self._tokens(), output=running.deltas)
            running.estimated = True

    def _settle(self, running: Running) -> None:
        running.ended = time.monotonic()
        self._live.remove(running)
        running.admitted.settle(running.usage.input, running.usage.output)

    def _tokens(self) -> int:
        return self._estimates.tokens(self._chooser.first_model, self._request.chars)

    def _health(self, running: Running) -> Health:
        return self._chooser.health(running.name)

    def _late(self) -> DeadlineError:
        tried: Sequence[str] = [f"{r.name}: {r.fault or 'under way'}" for r in self.attempts]
        limit = f"{self._use_case.deadline_s:g} s"
        said = "; ".join(tried) or "no target was asked in time"
        return DeadlineError(f"no answer within {limit}: {said}", text=self.text)
