"""Admission by quota: what Bedrock would throttle waits here, goes elsewhere, or is refused."""

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from generation.errors import CancelledError, OverQuotaError
from generation.targets import Quota

_HEADROOM = 0.98
"""Of a quota so much is used: the service's clock and count are not quite ours."""

_LAST = 1_000_000  # Behind everyone who waits.


class Buckets:
    """A target's token buckets, full at first and filled evenly: Bedrock takes the input and
    `maxTokens` when a request arrives, and gives back what was not used when it ends
    (https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html)."""

    def __init__(self, quota: Quota, now: float) -> None:
        self._rates = {"tokens": _HEADROOM * quota.tokens_per_minute / 60}
        if quota.requests_per_minute is not None:
            self._rates["requests"] = _HEADROOM * quota.requests_per_minute / 60
        self.output_weight = quota.output_weight
        self._levels = {name: 60 * rate for name, rate in self._rates.items()}
        self._filled = now

    def wait_s(self, tokens: int, now: float) -> float:
        """Seconds until a request of so many tokens is admitted: 0 for now, infinity for never."""
        self._fill(now)
        wanted = {"tokens": tokens, "requests": 1}
        waits = [0.0]
        for name, rate in self._rates.items():
            if wanted[name] > 60 * rate:
                return float("inf")
            waits.append((wanted[name] - self._levels[name]) / rate)
        return max(waits)

    def take(self, tokens: int) -> None:
        """Admit a request."""
        self._levels["tokens"] -= tokens
        if "requests" in self._levels:
            self._levels["requests"] -= 1

    def give_back(self, tokens: int, now: float) -> None:
        """Tokens that were taken and not used; below 0 where more were used."""
        self._fill(now)
        full = 60 * self._rates["tokens"]
        self._levels["tokens"] = min(full, self._levels["tokens"] + tokens)

    def _fill(self, now: float) -> None:
        passed, self._filled = max(0.0, now - self._filled), now
        for name, rate in self._rates.items():
            self._levels[name] = min(60 * rate, self._levels[name] + passed * rate)


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A request's place in a target's quota, to be settled when it has ended."""

    target: str
    tokens: int
    waited_s: float
    _settle: Callable[[int, int], None] = field(repr=False)

    def settle(self, input_tokens: int, output_tokens: int) -> None:
        """Give back what was not used; all of it for a request that was turned away."""
        self._settle(input_tokens, output_tokens)


@dataclass(order=True)
class _Waiting:
    priority: int
    number: int
    targets: tuple[str, ...] = field(compare=False)


class Admission:
    """The quotas of all targets in this process; safe for threads.

    Who waits is served by priority, then in the order of arrival: nobody takes a target's quota
    that somebody before them waits for.
    """

    def __init__(
        self, quotas: Mapping[str, Quota | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        now = clock()
        self._buckets = {n: Buckets(quota, now) for n, quota in quotas.items() if quota}
        self._changed = threading.Condition()
        self._waiting: list[_Waiting] = []
        self._numbers = itertools.count()

    def admit(
        self,
        targets: Sequence[str],
        input_tokens: int,
        max_tokens: int,
        *,
        priority: int,
        until: float,
        cancelled: threading.Event | None = None,
    ) -> Admitted:
        """A place at the first of the targets that has one now, or that has one first, before the
        time `until` of the clock.

        Raises:
            OverQuotaError: none will have one by then; nobody has waited for nothing.
            CancelledError: `cancelled` is set; call `wake` after that.
        """
        tokens = input_tokens + max_tokens
        began = self._clock()
        with self._changed:
            me = _Waiting(priority, next(self._numbers), tuple(targets))
            while True:
                if cancelled is not None and cancelled.is_set():
                    self._leave(me)
                    raise CancelledError
                now = self._clock()
                waits = [self._wait_s(me, name, tokens, now) for name in targets]
                for name, wait in zip(targets, waits, strict=True):
                    if wait <= 0:
                        self._leave(me)
                        return self._taken(name, tokens, now - began)
                if now + min(waits) > until:
                    self._leave(me)
                    raise OverQuotaError(_refusal(targets, tokens, min(waits), until - now))
                if me not in self._waiting:
                    self._waiting.append(me)
                self._changed.wait(min(waits))

    def wake(self) -> None:
        """Let everyone who waits look whether they are cancelled."""
        with self._changed:
            self._changed.notify_all()

    def try_admit(self, name: str, input_tokens: int, max_tokens: int) -> Admitted | None:
        """A place at a target where it has one now, and nobody waits for it."""
        tokens = input_tokens + max_tokens
        with self._changed:
            last = _Waiting(_LAST, next(self._numbers), (name,))
            if self._wait_s(last, name, tokens, self._clock()) > 0:
                return None
            return self._taken(name, tokens, 0.0)

    def _wait_s(self, me: _Waiting, name: str, tokens: int, now: float) -> float:
        buckets = self._buckets.get(name)
        if buckets is None:
            return 0.0
        own = buckets.wait_s(tokens, now)
        before = any(other < me and name in other.targets for other in self._waiting)
        # Whoever is before me leaves a notice; until then I look again now and then.
        return max(own, 0.05) if before else own

    def _leave(self, me: _Waiting) -> None:
        if me in self._waiting:
            self._waiting.remove(me)
            self._changed.notify_all()

    def _taken(self, name: str, tokens: int, waited_s: float) -> Admitted:
        buckets = self._buckets.get(name)
        if buckets is None:
            return Admitted(target=name, tokens=0, waited_s=waited_s, _settle=lambda *_: None)
        buckets.take(tokens)

        def settle(input_tokens: int, output_tokens: int) -> None:
            used = input_tokens + buckets.output_weight * output_tokens
            with self._changed:
                buckets.give_back(tokens - used, self._clock())
                if self._waiting:
                    self._changed.notify_all()

        return Admitted(target=name, tokens=tokens, waited_s=waited_s, _settle=settle)


def _refusal(targets: Sequence[str], tokens: int, wait_s: float, left_s: float) -> str:
    names = ", ".join(targets)
    if wait_s == float("inf"):
        return f"{tokens} tokens are more than a minute's quota of {names}; lower max_tokens"
    return (
        f"{tokens} tokens are admitted by {names} in {wait_s:.1f} s at the earliest, and the call "
        f"has {max(0.0, left_s):.1f} s left"
    )
