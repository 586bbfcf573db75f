"""Processes that spend from one budget, and a clock that is set by hand."""

import multiprocessing
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from generation.errors import OverBudgetError
from generation.money.budgets import Budgets
from generation.money.costs import CostLine, Costs
from generation.money.nano import NANO
from generation.money.purses import Limit

SPAWN = multiprocessing.get_context("spawn")

NOON = 1_795_608_000.0
"""2026-11-25, 12:00 UTC."""

DAY_S = 86_400.0
MOST = NANO // 100
REFUSALS = 3


class Clock:
    """Seconds since 1970, as a test sets them."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def day_limit(usd: float, **more: Any) -> Limit:
    """A limit of a use case for a day."""
    return Limit(scope="use_case", span="day", nano=round(usd * NANO), **more)


def month_limit(usd: float, **more: Any) -> Limit:
    """A limit of a use case for a month."""
    return Limit(scope="use_case", span="month", nano=round(usd * NANO), **more)


def paid(url: str, day: str, use_case: str, tenant: str, usd: float) -> None:
    """Count what a call has cost, without a budget."""
    costs = Costs(url)
    costs.add(
        CostLine(
            day=date.fromisoformat(day),
            use_case=use_case,
            tenant=tenant,
            model="m",
            region="us-east-1",
            tier="default",
            target="t",
            cost_nano=round(usd * NANO),
        )
    )
    costs.close()


def until(condition: Callable[[], bool], what: str, limit_s: float = 10) -> None:
    """Wait until something is so."""
    late = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < late, f"not within {limit_s} s: {what}"
        time.sleep(0.02)


def race(url: str, number: int, limits: list[Limit], start: Barrier, spent: Any) -> None:
    """One of several processes: spend until nothing more is to be had."""
    chance = random.Random(number)
    budgets = Budgets(url, clock=Clock(), wait_s=30)
    mine = refused = 0
    start.wait(60)
    while refused < REFUSALS:
        most = chance.randrange(MOST // 100, MOST)
        try:
            reservation = budgets.reserve("answer", "", limits, most)
        except OverBudgetError:
            refused += 1
            continue
        time.sleep(0.001)  # A call takes its time, and the others reserve meanwhile.
        cost = chance.randrange(most + 1)
        mine += cost
        reservation.settle(cost)
    budgets.close()
    spent.put(mine)


def spend_on(url: str, limit: Limit, diary: Path) -> None:
    """A process that is to be killed: it writes down what a call costs before it settles it."""
    chance = random.Random(1)
    budgets = Budgets(url, clock=Clock())
    with diary.open("w") as written, suppress(OverBudgetError):
        while True:
            reservation = budgets.reserve("answer", "", [limit], MOST)
            cost = chance.randrange(MOST + 1)
            written.write(f"{cost}\n")
            written.flush()
            reservation.settle(cost)
