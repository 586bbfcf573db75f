"""Hard budgets of one process and of two: nothing passes them, and nothing is lost of them."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.errors import LedgerError, OverBudgetError
from generation.money.budgets import Budgets
from generation.money.nano import NANO
from generation.money.purses import Limit, limits_of
from generation.use_cases import Budget
from tests.generation.money.spending import DAY_S, NOON, Clock, day_limit, month_limit, paid, until
from tests.postgres import bare

NEVER_S = 10**9
CENT = NANO // 100


@contextmanager
def opened(
    url: str, clock: Callable[[], float] | None = None, idle_s: float = NEVER_S, wait_s: float = 5
) -> Iterator[Budgets]:
    budgets = Budgets(url, clock=clock or Clock(), idle_s=idle_s, wait_s=wait_s)
    try:
        yield budgets
    finally:
        budgets.close()


@pytest.fixture
def budgets(database_url: str) -> Iterator[Budgets]:
    with opened(database_url) as made:
        yield made


def taken(url: str) -> dict[str, int]:
    """What is taken, by scope, use case, tenant and period."""
    with bare(url) as connection:
        found = connection.execute(
            sa.text("SELECT scope, use_case, tenant, period, taken FROM gateway_budgets")
        )
        return {"/".join(row[:4]): row[4] for row in found}


def spend(budgets: Budgets, limit: Limit, most: int, cost: int | None = None) -> None:
    budgets.reserve("answer", "acme", [limit], most).settle(most if cost is None else cost)


def test_a_call_within_its_budget_is_let_through(budgets: Budgets) -> None:
    spend(budgets, day_limit(1), NANO)


def test_a_call_over_its_budget_is_refused_with_all_that_one_wants_to_know(
    budgets: Budgets,
) -> None:
    spend(budgets, day_limit(1), 99 * CENT)
    said = (
        r"the budget of use case 'answer' for 2026-11-25 is used up: \$0.99 of \$1.00 are spent or "
        r"set aside for calls, and this one may need \$0.02 more; it is free again at 2026-11-26 "
        r"00:00 UTC"
    )
    with pytest.raises(OverBudgetError, match=said):
        spend(budgets, day_limit(1), 2 * CENT)
    spend(budgets, day_limit(1), CENT)


def test_a_month_is_free_again_when_the_next_one_begins(budgets: Budgets) -> None:
    spend(budgets, month_limit(1), NANO)
    with pytest.raises(OverBudgetError, match=r"for 2026-11 .* again at 2026-12-01 00:00 UTC"):
        spend(budgets, month_limit(1), 1)


def test_a_call_that_no_budget_would_ever_allow_is_told_so(budgets: Budgets) -> None:
    with pytest.raises(OverBudgetError, match=r"may cost \$2.00, which is more than all of"):
        spend(budgets, day_limit(1), 2 * NANO)


def test_what_a_call_did_not_cost_can_be_spent_by_others(budgets: Budgets) -> None:
    for _ in range(100):
        spend(budgets, day_limit(1), 50 * CENT, 0)
    for _ in range(50):
        spend(budgets, day_limit(1), 50 * CENT, CENT)


def test_scopes_and_tenants_have_budgets_of_their_own(budgets: Budgets, database_url: str) -> None:
    def reserve(use_case: str, tenant: str, *scopes: str) -> None:
        limits = [Limit(scope=scope, span="day", nano=NANO) for scope in scopes]  # type: ignore[arg-type]
        budgets.reserve(use_case, tenant, limits, NANO).settle(NANO)

    reserve("answer", "acme", "tenant")
    reserve("answer", "other", "tenant")
    reserve("judge", "acme", "tenant", "use_case")
    reserve("answer", "acme", "use_case", "total")
    assert set(taken(database_url)) == {
        "tenant/answer/acme/2026-11-25",
        "tenant/answer/other/2026-11-25",
        "tenant/judge/acme/2026-11-25",
        "use_case/judge//2026-11-25",
        "use_case/answer//2026-11-25",
        "total///2026-11-25",
    }
    for scope, whose in (
        ("tenant", "the budget of tenant 'acme' of use case 'answer'"),
        ("use_case", "the budget of use case 'answer'"),
        ("total", "the total budget for 2026-11-25"),
    ):
        with pytest.raises(OverBudgetError, match=whose):
            reserve("answer", "acme", scope)


def test_a_budget_begins_with_what_was_spent_before_it_was_declared(
    budgets: Budgets, database_url: str
) -> None:
    paid(database_url, "2026-10-31", "answer", "acme", 5)
    paid(database_url, "2026-11-03", "answer", "basil", 0.25)
    paid(database_url, "2026-11-25", "answer", "acme", 0.5)
    paid(database_url, "2026-11-25", "judge", "acme", 5)
    with pytest.raises(OverBudgetError, match=r"\$0.75 of \$1.00 are spent"):
        spend(budgets, month_limit(1), NANO // 2)
    spend(budgets, month_limit(1), NANO // 4)
    spend(budgets, day_limit(1), NANO // 2)
    with pytest.raises(OverBudgetError, match=r"\$1.00 of \$1.00 are spent"):
        spend(budgets, day_limit(1), 1)
    (tenants,) = limits_of("tenant", Budget(day_usd=1))
    spend(budgets, tenants, NANO // 2)


def test_a_budget_that_was_not_declared_for_a_while_knows_of_what_was_spent_then(
    database_url: str,
) -> None:
    for paid_without_it in (2.0, 0.0):
        with opened(database_url) as budgets:
            spend(budgets, month_limit(10), NANO)
        if paid_without_it:
            paid(database_url, "2026-11-25", "answer", "acme", 1 + paid_without_it)
    assert taken(database_url) == {"use_case/answer//2026-11": 4 * NANO}


def test_of_several_limits_all_are_taken_or_none(budgets: Budgets, database_url: str) -> None:
    spend(budgets, day_limit(1), 60 * CENT)
    limits = [month_limit(10), day_limit(1)]
    for _ in range(3):
        with pytest.raises(OverBudgetError, match="2026-11-25"):
            budgets.reserve("answer", "acme", limits, 50 * CENT)
    assert taken(database_url) == {"use_case/answer//2026-11-25": 60 * CENT}
    budgets.reserve("answer", "acme", limits, 40 * CENT).settle(40 * CENT)
    assert taken(database_url)["use_case/answer//2026-11"] == 40 * CENT


def test_a_declared_budget_is_a_limit_for_each_span_that_it_names() -> None:
    day = Limit(scope="tenant", span="day", nano=100_000_000, warn_at=0.5)
    month = Limit(scope="tenant", span="month", nano=3 * NANO, warn_at=0.5)

    def limits(day_usd: float | None, month_usd: float | None) -> list[Limit]:
        return limits_of("tenant", Budget(day_usd=day_usd, month_usd=month_usd, warn_at=0.5))

    assert limits(None, None) == []
    assert limits(0.1, None) == [day]
    assert limits(0.1, 3) == [day, month]


def test_without_limits_nothing_is_asked(budgets: Budgets, database_url: str) -> None:
    budgets.reserve("answer", "acme", [], NANO).settle(NANO)
    assert taken(database_url) == {}


def test_money_is_taken_in_chunks_while_these_fit(budgets: Budgets, database_url: str) -> None:
    spend(budgets, day_limit(1), CENT // 10)
    assert taken(database_url)["use_case/answer//2026-11-25"] == NANO // 200
    spend(budgets, day_limit(1), 98 * CENT)
    spend(budgets, day_limit(1), CENT + 6 * CENT // 10)  # Beside a cent, no chunk fits any more.
    assert taken(database_url)["use_case/answer//2026-11-25"] == 997 * CENT // 10


def test_only_the_first_settlement_counts(budgets: Budgets, database_url: str) -> None:
    reservation = budgets.reserve("answer", "acme", [day_limit(1)], 50 * CENT)
    reservation.settle(10 * CENT)
    reservation.settle(0)
    budgets.close()
    assert taken(database_url)["use_case/answer//2026-11-25"] == 10 * CENT


def test_a_process_that_closes_gives_back_what_it_has_not_spent(database_url: str) -> None:
    with opened(database_url) as first:
        spend(first, day_limit(1), 90 * CENT, 7)
        first.reserve("answer", "acme", [day_limit(1)], 5)  # Still under way.
    assert taken(database_url) == {"use_case/answer//2026-11-25": 12}


def test_an_idle_process_gives_back_what_another_one_wants(database_url: str) -> None:
    with opened(database_url, idle_s=0) as idle, opened(database_url) as busy:
        spend(idle, day_limit(1), 90 * CENT, 0)

        def possible() -> bool:
            with suppress(OverBudgetError):
                busy.reserve("answer", "acme", [day_limit(1)], 90 * CENT).settle(0)
                return True
            return False

        until(possible, "an idle process gives back")


def test_what_a_call_cost_beyond_its_reservation_is_taken_beyond_the_limit(
    database_url: str,
) -> None:
    with opened(database_url) as budgets:
        spend(budgets, day_limit(1), 90 * CENT)
        spend(budgets, day_limit(1), 10 * CENT, 15 * CENT)
        until(
            lambda: taken(database_url)["use_case/answer//2026-11-25"] == 105 * CENT,
            "the difference is taken",
        )
        with pytest.raises(OverBudgetError, match=r"\$1.05 of \$1.00"):
            spend(budgets, day_limit(1), 1)


def test_a_new_day_has_a_new_budget_and_the_month_goes_on(database_url: str) -> None:
    clock = Clock()
    limits = [day_limit(1), month_limit(1.5)]
    with opened(database_url, clock) as budgets:
        budgets.reserve("answer", "acme", limits, NANO).settle(NANO)
        with pytest.raises(OverBudgetError, match="2026-11-25"):
            budgets.reserve("answer", "acme", limits, CENT)
        clock.now += DAY_S
        budgets.reserve("answer", "acme", limits, 50 * CENT).settle(50 * CENT)
        with pytest.raises(OverBudgetError, match="for 2026-11 "):
            budgets.reserve("answer", "acme", limits, CENT)
        clock.now += 5 * DAY_S  # 2026-12-01
        budgets.reserve("answer", "acme", limits, NANO).settle(NANO)


def test_a_call_over_midnight_counts_for_the_day_on_which_it_began(database_url: str) -> None:
    clock = Clock(NOON + DAY_S / 2 - 1)
    with opened(database_url, clock) as budgets:
        reservation = budgets.reserve("answer", "acme", [day_limit(1)], 90 * CENT)
        clock.now += 2
        spend(budgets, day_limit(1), NANO)
        reservation.settle(30 * CENT)
        until(
            lambda: (
                taken(database_url)
                == {
                    "use_case/answer//2026-11-25": 30 * CENT,
                    "use_case/answer//2026-11-26": NANO,
                }
            ),
            "yesterday's rest is given back",
        )


def test_a_warning_is_logged_once_for_all_processes(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    limit = day_limit(1, warn_at=0.5)
    clock = Clock()
    with (
        caplog.at_level(logging.WARNING, logger="generation.money"),
        opened(database_url, clock) as first,
        opened(database_url, clock) as second,
    ):
        spend(first, limit, 45 * CENT)
        assert not caplog.records
        for budgets in (first, second, first):
            spend(budgets, limit, 10 * CENT)
        assert first.warned["use_case"] + second.warned["use_case"] == 1
        clock.now += DAY_S
        spend(second, limit, 60 * CENT)
        assert second.warned["use_case"] == 1
    said = "the budget of use case 'answer' for 2026-11-25 is nearly used up: $0.55 of $1.00 are"
    assert said in caplog.records[0].getMessage()
    assert len(caplog.records) == 2


def test_while_its_purse_lasts_a_process_needs_no_database(tmp_path: Path) -> None:
    path, limit = tmp_path / "passages.db", day_limit(100)
    with opened(f"sqlite:///{path}", wait_s=0.05) as budgets:
        spend(budgets, limit, CENT)
        other = sqlite3.connect(path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(49):
                spend(budgets, limit, CENT)
            with pytest.raises(LedgerError, match="database is locked"):
                spend(budgets, limit, CENT)
        finally:
            other.close()
        spend(budgets, limit, CENT)
    assert taken(f"sqlite:///{path}") == {"use_case/answer//2026-11-25": 51 * CENT}


def test_money_that_cannot_be_given_back_stays_counted_as_spent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "passages.db"
    with opened(f"sqlite:///{path}", wait_s=0.05) as budgets:
        spend(budgets, day_limit(1), 90 * CENT, 10 * CENT)
        other = sqlite3.connect(path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            budgets.close()
        finally:
            other.close()
    assert "$0.80 stay counted as spent: the ledger sqlite" in caplog.text
    assert taken(f"sqlite:///{path}") == {"use_case/answer//2026-11-25": 90 * CENT}


def test_a_difference_that_cannot_be_taken_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "passages.db"
    with opened(f"sqlite:///{path}", wait_s=0.05) as budgets:
        reservation = budgets.reserve("answer", "acme", [day_limit(1)], NANO)
        other = sqlite3.connect(path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            reservation.settle(3 * NANO)
            with pytest.raises(LedgerError, match="database is locked"):
                spend(budgets, day_limit(5), CENT)
        finally:
            other.close()
        until(
            lambda: taken(f"sqlite:///{path}") == {"use_case/answer//2026-11-25": 3 * NANO},
            "the difference is taken",
        )


def test_threads_share_the_purses(budgets: Budgets, database_url: str) -> None:
    limits = [day_limit(1), Limit(scope="total", span="month", nano=2 * NANO)]

    def calls(number: int) -> int:
        spent = 0
        for i in range(400):
            with suppress(OverBudgetError):
                reservation = budgets.reserve("answer", "acme", limits, CENT)
                cost = (number * i) % CENT
                reservation.settle(cost)
                spent += cost
        return spent

    with ThreadPoolExecutor(8) as pool:
        spent = sum(pool.map(calls, range(101, 109)))
    budgets.close()
    assert spent <= NANO
    assert taken(database_url) == {
        "use_case/answer//2026-11-25": spent,
        "total///2026-11": spent,
    }


Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "reserve", "settle", "settle", "tomorrow", "reopen"]),
        st.integers(0, 300),
        st.integers(0, 300),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=40)
@given(steps)
def test_whatever_happens_no_budget_is_passed_and_the_sums_are_exact(script: list[Step]) -> None:
    limits = [day_limit(1e-6), month_limit(1.5e-6)]  # 1,000 and 1,500 nano-dollars.
    clock = Clock()
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/passages.db"
        workers = [Budgets(url, clock=clock, idle_s=0) for _ in range(2)]
        spent: dict[str, int] = {}
        open_calls = []
        for what, a, b in script:
            day = f"use_case/answer//2026-11-{25 + int((clock.now - NOON) // DAY_S):02}"
            if what == "reserve":
                with suppress(OverBudgetError):
                    open_calls.append((day, workers[a % 2].reserve("answer", "t", limits, b)))
            elif what == "settle" and open_calls:
                began, reservation = open_calls.pop(a % len(open_calls))
                cost = min(b, reservation.nano)
                reservation.settle(cost)
                for key in (began, "use_case/answer//2026-11"):
                    spent[key] = spent.get(key, 0) + cost
            elif what == "tomorrow" and clock.now < NOON + 3 * DAY_S:
                clock.now += DAY_S
            elif what == "reopen":
                for _, reservation in open_calls:
                    reservation.settle(0)
                open_calls.clear()
                workers.pop(a % 2).close()
                workers.append(Budgets(url, clock=clock, idle_s=0))
            for key, nano in taken(url).items():
                assert spent.get(key, 0) <= nano <= (1_500 if key.endswith("-11") else 1_000)
        for _, reservation in open_calls:
            reservation.settle(0)
        for worker in workers:
            worker.close()
        left = {key: nano for key, nano in taken(url).items() if nano}
        assert left == {key: nano for key, nano in spent.items() if nano}
