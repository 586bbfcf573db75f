"""What is set aside for a call of several attempts."""

from hypothesis import given
from hypothesis import strategies as st

from generation.money.allowance import Allowance
from generation.money.budgets import Reservation


class Purse:
    """Money that is reserved from, and what every reservation was settled with."""

    def __init__(self, left: int = 0) -> None:
        self.left = left
        self.lowest = left

    def reserve(self) -> Reservation:
        self.left -= 100
        return Reservation(100, self.settle)

    def settle(self, reservation: Reservation, nano: int) -> None:
        self.left += reservation.nano - nano
        self.lowest = min(self.lowest, self.left)


@given(st.integers(1, 6), st.integers(0, 800))
def test_what_an_attempt_did_not_cost_is_free_and_what_is_over_all_of_it_is_owed(
    attempts: int, cost: int
) -> None:
    purse = Purse(1000)
    allowance = Allowance(purse.reserve)
    allowance.cover(attempts)
    allowance.cover(1)
    assert purse.left == 1000 - 100 * attempts
    freed = purse.left
    allowance.settle(cost)
    assert purse.left == 1000 - cost
    assert purse.lowest >= min(freed, 1000 - cost)
