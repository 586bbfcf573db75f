"""How far budgets are used up, as the ledger has it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from generation.money.budgets import Budgets
from generation.money.ledger import Ledger
from generation.money.nano import NANO
from generation.money.periods import Calendar
from generation.money.purses import Limit, limits_of
from generation.money.standings import Standing, standings
from generation.use_cases import Budget
from tests.generation.money.spending import paid

NOON = 1_795_608_000.0  # 2026-11-25 12:00 UTC.
TOTAL = limits_of("total", Budget(day_usd=10, month_usd=100))
OWN = limits_of("use_case", Budget(day_usd=4))
EACH = limits_of("tenant", Budget(day_usd=1))
LIMITS = {"": TOTAL, "answer": [*OWN, *EACH], "judge": OWN}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/passages.db"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    made = Ledger(url)
    yield made
    made.close()


def spend(url: str, tenant: str, usd: float, limits: list[Limit]) -> None:
    budgets = Budgets(url, clock=lambda: NOON)
    budgets.reserve("answer", tenant, limits, round(usd * NANO)).settle(round(usd * NANO))
    budgets.close()


def found(ledger: Ledger, now: float = NOON) -> list[tuple[str, str, float]]:
    periods = Calendar(lambda: now).periods(now)
    return [said(standing) for standing in standings(ledger, LIMITS, periods)]


def said(standing: Standing) -> tuple[str, str, float]:
    key = standing.key
    return f"{key.scope} {key.use_case} {key.tenant}".strip(), key.period, standing.share


def test_a_budget_that_nobody_used_stands_at_nothing(ledger: Ledger) -> None:
    assert found(ledger) == [
        ("total", "2026-11-25", 0),
        ("total", "2026-11", 0),
        ("use_case answer", "2026-11-25", 0),
        ("use_case judge", "2026-11-25", 0),
    ]


def test_what_calls_spend_is_taken_of_all_their_budgets(url: str, ledger: Ledger) -> None:
    spend(url, "acme", 0.25, [*TOTAL, *OWN, *EACH])
    spend(url, "basil", 0.5, [*TOTAL, *OWN, *EACH])
    spend(url, "", 0.25, [*TOTAL, *OWN])
    assert found(ledger) == [
        ("total", "2026-11-25", 0.1),
        ("total", "2026-11", 0.01),
        ("use_case answer", "2026-11-25", 0.25),
        ("tenant answer basil", "2026-11-25", 0.5),
        ("tenant answer acme", "2026-11-25", 0.25),
        ("use_case judge", "2026-11-25", 0),
    ]


def test_another_day_begins_at_nothing_and_the_month_goes_on(url: str, ledger: Ledger) -> None:
    spend(url, "acme", 1, [*TOTAL, *OWN, *EACH])
    assert found(ledger, NOON + 86_400) == [
        ("total", "2026-11-26", 0),
        ("total", "2026-11", 0.01),
        ("use_case answer", "2026-11-26", 0),
        ("use_case judge", "2026-11-26", 0),
    ]


def test_what_was_spent_before_a_budget_was_declared_is_taken_of_it(
    url: str, ledger: Ledger
) -> None:
    paid(url, "2026-11-03", "judge", "", 2)
    paid(url, "2026-11-25", "answer", "acme", 0.5)
    assert found(ledger) == [
        ("total", "2026-11-25", 0.05),
        ("total", "2026-11", 0.025),
        ("use_case answer", "2026-11-25", 0.125),
        ("tenant answer acme", "2026-11-25", 0.5),
        ("use_case judge", "2026-11-25", 0),
    ]
    spend(url, "acme", 0.25, EACH)
    assert ("tenant answer acme", "2026-11-25", 0.75) in found(ledger)
