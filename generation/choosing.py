"""Which target a call's next attempt goes to, and when."""

import random
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from generation.errors import CancelledError, ExhaustedError
from generation.faults import Advice, Fault
from generation.health import Health
from generation.quota import Admission, Admitted
from generation.routes import Route
from generation.targets import Target

_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.1, 2.0


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Every target with what is known of it; shared by all calls of a process."""

    targets: Mapping[str, Target]
    health: Mapping[str, Health]
    admission: Admission
    chance: random.Random = field(default_factory=random.Random)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A target that has admitted an attempt, and how long was waited before asking it again."""

    admitted: Admitted
    backoff_s: float


class Chooser:
    """The way of one call through its route: ready targets before resting ones, those not tried
    before those that have failed."""

    def __init__(self, fleet: Fleet, route: Route, priority: int, deadline: float) -> None:
        """`deadline` is a time of `time.monotonic`."""
        self.deadline = deadline
        self._fleet = fleet
        self._ranked = route.ranked(fleet.health, fleet.chance)
        self._priority = priority
        self._faults: dict[str, Fault] = {}
        self._failed = 0
        self._cancelled = threading.Event()
        self._whole_only: set[str] = set()

    @property
    def first_model(self) -> str:
        """The model of the target that it would ask first."""
        return self._fleet.targets[self._ranked[0]].model

    def target(self, name: str) -> Target:
        """A target by its name."""
        return self._fleet.targets[name]

    def health(self, name: str) -> Health:
        """What is known of a target."""
        return self._fleet.health[name]

    def cancel(self) -> None:
        """Let who waits in `next`, or calls it later, get a CancelledError; from any thread."""
        self._cancelled.set()
        self._fleet.admission.wake()

    def can_continue(self) -> bool:
        """Whether a target is left that takes up an answer which was begun for it."""
        return bool(self._left(continues=True))

    def failed(self, name: str, fault: Fault) -> None:
        """An attempt at a target has failed."""
        self._faults[name] = fault
        self._failed += 1

    def whole_only(self, name: str) -> None:
        """A target has refused the beginning of an answer; it is none the worse for a question."""
        self._whole_only.add(name)

    def next(self, input_tokens: int, max_tokens: int, *, continues: bool) -> Choice:
        """The next target, once it has admitted so many tokens; one that continues an answer,
        where it has to.

        Raises:
            ExhaustedError: no target is left to try before the deadline.
            OverQuotaError: none has the quota for it before the deadline.
            CancelledError: see `cancel`.
        """
        ready = self._ready(continues)
        backoff_s = self._backoff_s() if ready[0] in self._faults else 0.0
        self._rest(backoff_s)
        admitted = self._fleet.admission.admit(
            ready,
            input_tokens,
            max_tokens,
            priority=self._priority,
            until=self.deadline,
            cancelled=self._cancelled,
        )
        return Choice(admitted=admitted, backoff_s=backoff_s)

    def another(self, busy: Collection[str], input_tokens: int, max_tokens: int) -> Choice | None:
        """A target beside those that are busy with the call, where one can be asked at once."""
        for name in self._left(continues=False):
            if name not in busy and name not in self._faults and self._fleet.health[name].ready():
                admitted = self._fleet.admission.try_admit(name, input_tokens, max_tokens)
                if admitted is not None:
                    return Choice(admitted=admitted, backoff_s=0.0)
        return None

    def _ready(self, continues: bool) -> Sequence[str]:
        """The targets that may be asked now, best first; one at least."""
        health = self._fleet.health
        while True:
            left = self._left(continues)
            if not left:
                raise ExhaustedError(f"no target is left to try: {self._said()}")
            ready = [name for name in left if health[name].ready()]
            if ready:
                return ready
            rest_s, name = min((health[name].rests_s(), name) for name in left)
            if time.monotonic() + rest_s < self.deadline:
                self._rest(rest_s)
            elif not health[name].asked_to_wait():
                return [name]  # It may be well again, and nothing else is left.
            else:
                raise ExhaustedError(
                    f"every target is to be left alone for {rest_s:.1f} s or more, which is past "
                    f"the deadline: {self._said()}"
                )

    def _rest(self, seconds: float) -> None:
        if self._cancelled.wait(seconds):
            raise CancelledError

    def _left(self, continues: bool) -> Sequence[str]:
        names = [
            name
            for name in self._ranked
            if not (name in self._faults and self._faults[name].lasting)
            and not (continues and self._takes_no_beginning(name))
        ]
        return sorted(names, key=self._worth)

    def _takes_no_beginning(self, name: str) -> bool:
        return name in self._whole_only or not self._fleet.targets[name].continues

    def _worth(self, name: str) -> int:
        fault = self._faults.get(name)
        if fault is None:
            return 0
        return 1 if fault.advice is Advice.HERE else 2

    def _backoff_s(self) -> float:
        longest = min(_FIRST_BACKOFF_S * 2 ** (self._failed - 1), _LONGEST_BACKOFF_S)
        left = max(0.0, self.deadline - time.monotonic())
        return min(self._fleet.chance.uniform(longest / 2, longest), left)

    def _said(self) -> str:
        said = [f"{name}: {fault}" for name, fault in self._faults.items()]
        return "; ".join(said) or "none was asked by this call, since others have failed there"
