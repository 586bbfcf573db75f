"""Attempts under way: each in a thread of its own, all of a call speaking into one queue."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Literal

from generation.bedrock import Bedrock
from generation.exchange import End, Event, Exchange
from generation.faults import Fault
from generation.messages import Request, Usage
from generation.quota import Admitted
from generation.targets import Target
from generation.use_cases import UseCase
from generation.wire import Attempt

Outcome = Literal["succeeded", "failed", "cancelled"]


@dataclass(slots=True, eq=False, kw_only=True)
class Running:
    """One attempt of a call, from its beginning to how it ended. Times are of `time.monotonic`.

    `usage` is what Bedrock reported, or, where `estimated`, what a broken attempt may be billed.
    """

    name: str
    target: Target
    request: Request
    wire: Attempt
    admitted: Admitted
    backoff_s: float
    hedge: bool
    began: float = field(default_factory=time.monotonic)
    first: float | None = None
    latest: float | None = None
    ended: float | None = None
    deltas: int = 0
    end: End | None = None
    fault: Fault | None = None
    usage: Usage = field(default_factory=Usage)
    estimated: bool = False

    @property
    def outcome(self) -> Outcome:
        """succeeded, failed, or cancelled."""
        if self.end is not None:
            return "succeeded"
        return "failed" if self.fault is not None else "cancelled"

    @property
    def first_s(self) -> float | None:
        """Seconds to its first token."""
        return None if self.first is None else self.first - self.began

    @property
    def silent_s(self) -> float:
        """Seconds since it said anything."""
        return time.monotonic() - (self.latest or self.began)

    def due(self, use_case: UseCase) -> float:
        """When it has been silent for too long."""
        if self.latest is None:
            return self.began + use_case.first_limit_s
        return self.latest + use_case.between_tokens_s

    @property
    def exchange(self) -> Exchange:
        """What went over the wire."""
        return self.wire.exchange


@dataclass(frozen=True, slots=True)
class Defect:
    """An attempt's thread came upon what nobody foresaw."""

    error: BaseException


Inbox = SimpleQueue[tuple[Running | None, Event | Defect | None]]
"""What the attempts of a call say; (None, None) is the caller's wish to end."""


class Attempts:
    """The threads in which attempts wait for Bedrock."""

    def __init__(self, bedrock: Bedrock, at_once: int) -> None:
        """At most `at_once` attempts are under way; more wait for their turn."""
        self._bedrock = bedrock
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="bedrock")
        self._under_way: set[Running] = set()

    def start(self, running: Running, inbox: Inbox, *, stream: bool) -> None:
        """Send an attempt's request; its events come to the inbox."""
        self._under_way.add(running)
        future = self._pool.submit(self._run, running, inbox, stream)
        future.add_done_callback(partial(self._done, running, inbox))

    def close(self) -> None:
        """Cancel what is under way, and wait for its threads."""
        for running in self._under_way.copy():  # Each leaves as it ends.
            running.wire.cancel()
        self._pool.shutdown(cancel_futures=True)

    def _run(self, running: Running, inbox: Inbox, stream: bool) -> None:
        events = self._bedrock.send(running.target, running.request, running.wire, stream=stream)
        for event in events:
            inbox.put((running, event))

    def _done(self, running: Running, inbox: Inbox, future: "Future[None]") -> None:
        self._under_way.discard(running)
        if not future.cancelled() and (error := future.exception()) is not None:
            inbox.put((running, Defect(error)))
