"""What the last requests tell of a target: whether to ask it now, and how fast it is."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable

from generation.faults import Fault

_IN_A_ROW = 5
_WINDOW, _FEWEST, _SHARE = 20, 8, 0.5
"""A target is left alone after five failures in a row, or when half of the last twenty failed."""

_FIRST_REST_S, _LONGEST_REST_S = 1.0, 30.0
_FIRST_PAUSE_S = 0.25
_LASTING_REST_S = 60.0
_SMOOTHING = 0.2


class Health:
    """A circuit breaker and a pause for throttling, of one target; safe for threads.

    While it rests nothing is sent, apart from one probe each time that the rest is over: a probe
    that succeeds closes the circuit, one that fails doubles the rest, up to half a minute.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._random = random.Random()
        self._latest: deque[bool] = deque(maxlen=_WINDOW)
        self._failures = 0
        self._rests_until = self._asked_until = 0.0
        self._rest_s = 0.0
        self._probing_until = 0.0
        self._pause_s = 0.0
        self._first_s: float | None = None

    @property
    def first_s(self) -> float | None:
        """Seconds to the first token, smoothed; None before the first success."""
        return self._first_s

    def ready(self) -> bool:
        """Whether it may be asked now, or probed."""
        with self._lock:
            now = self._clock()
            return now >= self._rests_until and now >= self._probing_until

    def begin(self, limit_s: float) -> None:
        """A request is sent; when the circuit is open it is the probe, and for at most `limit_s`
        the only one."""
        with self._lock:
            if self._rest_s or self._pause_s:
                self._probing_until = self._clock() + limit_s

    def succeed(self, first_s: float) -> None:
        """A request came to its first token after so many seconds."""
        with self._lock:
            known = self._first_s
            step = 0.0 if known is None else (1 - _SMOOTHING) * (known - first_s)
            self._first_s = first_s + step
            self._latest.append(True)
            self._failures = 0
            if self._rest_s or self._pause_s:
                self._latest.clear()
            self._rest_s = self._pause_s = self._rests_until = self._probing_until = 0.0

    def fail(self, fault: Fault) -> None:
        """A request failed by something that is the target's own."""
        with self._lock:
            now = self._clock()
            probed = self._rest_s > 0
            self._probing_until = 0.0
            if fault.retry_after_s is not None:
                self._asked_until = now + fault.retry_after_s
            if fault.throttles:
                self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_REST_S)
                wait = fault.retry_after_s or self._uneven(self._pause_s)
                self._rests_until = max(self._rests_until, now + wait)
                return
            self._latest.append(False)
            self._failures += 1
            if fault.lasting:
                self._rest_s = _LASTING_REST_S
            elif probed or self._broken():
                self._rest_s = min(max(_FIRST_REST_S, 2 * self._rest_s), _LONGEST_REST_S)
            wait = max(fault.retry_after_s or 0.0, self._uneven(self._rest_s))
            self._rests_until = max(self._rests_until, now + wait)

    def rests_s(self) -> float:
        """Seconds until it may be asked again."""
        with self._lock:
            return max(0.0, max(self._rests_until, self._probing_until) - self._clock())

    def asked_to_wait(self) -> bool:
        """Whether the service itself has said that it is not to be asked yet."""
        with self._lock:
            return self._clock() < self._asked_until

    def _broken(self) -> bool:
        failed = self._latest.count(False)
        often = len(self._latest) >= _FEWEST and failed >= _SHARE * len(self._latest)
        return often or self._failures >= _IN_A_ROW

    def _uneven(self, seconds: float) -> float:
        # Otherwise every process would come back in the same instant.
        return seconds * self._random.uniform(0.5, 1.0)
