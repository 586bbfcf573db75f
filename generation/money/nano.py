"""Money as whole nano-dollars: sums of millions of calls come out exact."""

from decimal import ROUND_HALF_UP, Decimal

NANO = 1_000_000_000
"""Nano-dollars of one US dollar."""


def nano_of(usd: float | Decimal) -> int:
    """A sum in dollars, to the nearest nano-dollar; a float counts as what it is written as."""
    return int((Decimal(str(usd)) * NANO).quantize(Decimal(1), ROUND_HALF_UP))


def usd_of(nano: int) -> float:
    """A sum in dollars, for reports."""
    return nano / NANO


def said(nano: int) -> str:
    """A sum as people read it: cents, and more digits where they say something."""
    digits = f"{Decimal(nano) / NANO:.9f}".rstrip("0")
    whole, _, fraction = digits.partition(".")
    return f"${whole}.{fraction:0<2}"
