"""What is set aside for one call, which may be billed for several attempts."""

from collections.abc import Callable

from generation.money.budgets import Reservation


class Allowance:
    """A reservation for each attempt that may be billed; of one thread."""

    def __init__(self, reserve: Callable[[], Reservation]) -> None:
        """`reserve` sets aside what one attempt may cost at most, and is called for the first one
        here; what it raises is not caught."""
        self._reserve = reserve
        self._held = [reserve()]

    def cover(self, attempts: int) -> None:
        """Have so many attempts reserved for.

        Raises:
            OverBudgetError: a limit would be passed. LedgerError: the ledger cannot say.
        """
        while len(self._held) < attempts:
            self._held.append(self._reserve())

    def settle(self, cost_nano: int) -> None:
        """Spend what the attempts really cost, and keep the rest for other calls. What is over all
        reservations is owed; nothing of the others is free before it is spent."""
        *others, last = self._held
        for reservation in others:
            part = min(reservation.nano, cost_nano)
            reservation.settle(part)
            cost_nano -= part
        last.settle(cost_nano)
