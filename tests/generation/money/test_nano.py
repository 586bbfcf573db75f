"""Sums of money: exact, and readable."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.money.nano import NANO, nano_of, said, usd_of


@given(st.integers(0, 10**15))
def test_a_sum_survives_being_written_in_dollars(nano: int) -> None:
    assert nano_of(Decimal(nano) / NANO) == nano


@pytest.mark.parametrize(
    ("usd", "nano"), [(0.1, 10**8), (1, NANO), (1e-9, 1), (4e-10, 0), (5e-10, 1), (0.1 + 0.2, None)]
)
def test_a_float_counts_as_it_is_written(usd: float, nano: int | None) -> None:
    assert nano_of(usd) == (nano if nano is not None else 300_000_000)


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "$0.00"),
        (NANO, "$1.00"),
        (1_500_000_000, "$1.50"),
        (1, "$0.000000001"),
        (12 * NANO + 345_000_000, "$12.345"),
    ],
)
def test_a_sum_is_said_with_cents_at_least(nano: int, text: str) -> None:
    assert said(nano) == text


def test_reports_are_in_dollars() -> None:
    assert usd_of(2_500_000_000) == 2.5
