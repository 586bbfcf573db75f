"""Hard budgets, shared by every process over the same ledger, and enforced before a call.

A process takes money from the ledger in chunks and spends it in memory, so that most calls do not
touch the database. What the ledger counts as taken is never less than what was spent:

- a process that first asks for a budget makes sure that at least what the sums of costs have of
  its period is taken, since calls may have been made while it was not declared;
- what a call may cost at most is taken before it is sent, never beyond the limit;
- what it did not cost stays in the process's purse, for its next calls, and is given back when the
  purse has not been used for some seconds, when its period is over, and when the process closes;
- a process that dies leaves what was in its purse counted as spent, which is a chunk (half a
  percent of the limit) and what its calls under way may have cost;
- what a call cost beyond what was reserved for it, as where a prompt was estimated too short, is
  taken without regard to the limit. Only by that can a budget be passed.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from generation.errors import LedgerError
from generation.money.background import Background
from generation.money.ledger import Ledger
from generation.money.nano import said
from generation.money.periods import Calendar, Period
from generation.money.purses import Got, Key, Limit, Purse, Want, begin, give, take

_SWEEP_S = 1.0

_log = logging.getLogger(__name__)


class Reservation:
    """Money that is set aside for a call, to be settled when it has ended; from any thread."""

    def __init__(self, nano: int, settle: Callable[["Reservation", int], None]) -> None:
        self.nano = nano
        self._settle = settle

    def settle(self, cost_nano: int) -> None:
        """Spend what the call really cost, and keep the rest for other calls. Takes microseconds,
        raises nothing, and only the first time counts."""
        self._settle(self, cost_nano)


class Budgets:
    """The budgets of all use cases and tenants; safe for threads and for several processes."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        idle_s: float = 5.0,
        wait_s: float = 5.0,
    ) -> None:
        """`url` is a postgresql:// or sqlite:/// address, `clock` gives seconds since 1970. A purse
        that was not used for `idle_s` is given back; nothing waits longer than `wait_s` for the
        database.

        Raises:
            LedgerError: the ledger cannot be opened.
        """
        self._ledger = Ledger(url, wait_s=wait_s)
        self._calendar, self._idle_s = Calendar(clock), idle_s
        self._purses: dict[Key, Purse] = {}
        self._open: dict[Reservation, Sequence[Purse]] = {}
        self._begun: dict[str, set[Key]] = {}
        self._lock = threading.Lock()  # What is in memory; never held while the ledger is asked.
        self._till = threading.Lock()  # One thread at a time asks the ledger.
        self.warned: Counter[str] = Counter()
        """How often this process was the one to warn, by the scope of the budget."""
        self._sweeping = Background("budgets", self._sweep, _SWEEP_S)

    def reserve(
        self, use_case: str, tenant: str, limits: Sequence[Limit], most_nano: int
    ) -> Reservation:
        """Set aside what a call may cost at most, of every limit or of none.

        Raises:
            OverBudgetError: a limit would be passed. The message says which one, how much of it is
                taken, and when it is free again.
            LedgerError: the ledger was asked, and could not answer.
        """
        with self._lock:
            purses = self._of(use_case, tenant, limits)
            if all(purse.left >= most_nano for purse in purses):
                for purse in purses:
                    purse.left -= most_nano
                return self._opened(purses, most_nano)
        return self._fetch(use_case, tenant, limits, most_nano)

    def close(self) -> None:
        """Give everything back. What calls under way have reserved stays counted as spent."""
        self._sweeping.close()
        self._sweep(last=True)
        self._ledger.close()

    def _of(self, use_case: str, tenant: str, limits: Sequence[Limit]) -> list[Purse]:
        now = self._calendar.clock()
        periods = self._calendar.periods(now)
        return [self._purse(use_case, tenant, limit, periods[limit.span], now) for limit in limits]

    def _purse(self, use_case: str, tenant: str, limit: Limit, period: Period, now: float) -> Purse:
        key = Key(
            limit.scope,
            use_case if limit.scope != "total" else "",
            tenant if limit.scope == "tenant" else "",
            period.name,
        )
        purse = self._purses.get(key)
        if purse is None:
            purse = self._purses[key] = Purse(key, period, limit)
        purse.limit, purse.touched = limit, now
        return purse

    def _opened(self, purses: Sequence[Purse], nano: int) -> Reservation:
        for purse in purses:
            purse.calls += 1
        reservation = Reservation(nano, self._settle)
        self._open[reservation] = purses
        return reservation

    def _fetch(
        self, use_case: str, tenant: str, limits: Sequence[Limit], most_nano: int
    ) -> Reservation:
        """Reserve with the ledger's help."""
        with self._till:
            self._begin(use_case, tenant, limits)
            with self._lock:
                # What is left is put aside, so that no other call comes to count on it.
                purses = self._of(use_case, tenant, limits)
                held = [min(purse.left, most_nano) for purse in purses]
                for purse, nano in zip(purses, held, strict=True):
                    purse.left -= nano
            wants = [Want(purse=p, nano=most_nano - h) for p, h in zip(purses, held, strict=True)]
            got: Got | None = None
            try:
                got = take(self._ledger, wants)
            finally:
                with self._lock:
                    for i, purse in enumerate(purses):
                        purse.left += held[i] + (got.nano[i] - most_nano if got else 0)
            with self._lock:
                reservation = self._opened(purses, most_nano)
        self._warn(got)
        return reservation

    def _begin(self, use_case: str, tenant: str, limits: Sequence[Limit]) -> None:
        """See `purses.begin`: once for each budget, since a process declares always the same."""
        with self._lock:
            purses = self._of(use_case, tenant, limits)
            periods = self._calendar.periods(self._calendar.clock()).values()
        begun = {period.name: self._begun.get(period.name, set()) for period in periods}
        new = [p.key for p in purses if p.key not in begun.get(p.key.period, ())]
        if new:
            begin(self._ledger, new)
            for key in new:
                begun.setdefault(key.period, set()).add(key)
            self._begun = begun  # Periods that are over are forgotten.

    def _settle(self, reservation: Reservation, cost_nano: int) -> None:
        with self._lock:
            purses = self._open.pop(reservation, ())
            now = self._calendar.clock()
            for purse in purses:
                purse.left += reservation.nano - cost_nano
                purse.calls -= 1
                purse.touched = now
            owes = any(purse.left < 0 for purse in purses)
        if owes:
            self._sweeping.wake()

    def _sweep(self, *, last: bool = False) -> None:
        """Give back what is not needed, and take what calls have cost beyond their reservations."""
        with self._till:
            with self._lock:
                now = self._calendar.clock()
                done = [p for p in self._purses.values() if last or self._is_done(p, now)]
                owing = [p for p in self._purses.values() if p.left < 0]
                gifts = [(p, p.left) for p in {*done, *owing} if p.left]
                for purse, _ in gifts:
                    purse.left = 0
            if gifts:
                self._give(gifts)
            with self._lock:
                for purse in done:
                    if not purse.calls and not purse.left:
                        self._purses.pop(purse.key, None)

    def _is_done(self, purse: Purse, now: float) -> bool:
        return now >= purse.period.ends or now >= purse.touched + self._idle_s

    def _give(self, gifts: Sequence[tuple[Purse, int]]) -> None:
        try:
            got = give(self._ledger, gifts)
        except LedgerError as exc:
            # It may have been written all the same: to give twice could pass a limit, to take
            # twice cannot.
            lost = sum(max(0, nano) for _, nano in gifts)
            _log.warning("%s stay counted as spent: %s", said(lost), exc)
            with self._lock:
                for purse, nano in gifts:
                    purse.left += min(0, nano)
        else:
            self._warn(got)

    def _warn(self, got: Got) -> None:
        for purse, taken in got.nearly:
            self.warned[purse.key.scope] += 1
            limit = said(purse.limit.nano)
            _log.warning("%s is nearly used up: %s of %s are taken", purse.key, said(taken), limit)
