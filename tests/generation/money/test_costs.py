"""What was called and what it cost: summed in memory, written in batches, added up."""

import logging
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.errors import ConfigurationError, LedgerError
from generation.messages import Usage
from generation.money.costs import CostLine, CostRow, Costs
from tests.generation.money.spending import until

DAY = date(2026, 11, 25)
LINE = CostLine(
    day=DAY,
    use_case="answer",
    tenant="acme",
    model="amazon.nova-lite-v1:0",
    region="us-east-1",
    tier="standard",
    target="nova",
    usage=Usage(input=1000, output=200, cache_read=400, cache_write=10),
    cost_nano=114_000,
)
NEVER_S = 10**6


@pytest.fixture
def costs(database_url: str) -> Iterator[Costs]:
    made = Costs(database_url, every_s=NEVER_S)
    yield made
    made.close()


def summed(url: str, since: date = DAY, until: date = DAY) -> list[CostRow]:
    """What is written, as another process sees it."""
    reader = Costs(url)
    try:
        return reader.summary(since, until)
    finally:
        reader.close()


def test_a_call_comes_out_as_it_went_in(costs: Costs) -> None:
    costs.add(LINE)
    assert costs.summary(DAY, DAY) == [
        CostRow(
            by={"use_case": "answer", "model": "amazon.nova-lite-v1:0"},
            calls=1,
            attempts=1,
            usage=LINE.usage,
            cost_nano=114_000,
        )
    ]
    assert costs.summary(DAY, DAY)[0].usd == 0.000114


def test_calls_add_up_over_flushes_and_processes(costs: Costs, database_url: str) -> None:
    other = Costs(database_url)
    for _ in range(3):
        costs.add(LINE)
        costs.flush()
        other.add(replace(LINE, calls=0, attempts=2))
    other.close()
    (row,) = costs.summary(DAY, DAY)
    assert (row.calls, row.attempts, row.cost_nano) == (3, 9, 6 * 114_000)
    assert row.usage == Usage(input=6000, output=1200, cache_read=2400, cache_write=60)


def test_sums_go_by_what_is_asked_for_and_the_dearest_is_first(costs: Costs) -> None:
    costs.add(LINE)
    costs.add(replace(LINE, tenant="other", cost_nano=200_000))
    costs.add(replace(LINE, profile="team-a", region="eu-west-1"))

    def by(*names: str) -> list[tuple[str, int]]:
        rows = costs.summary(DAY, DAY, by=names)  # type: ignore[arg-type]
        return [("/".join(row.by.values()), row.cost_nano) for row in rows]

    assert by("tenant") == [("acme", 228_000), ("other", 200_000)]
    assert by("region", "profile") == [("us-east-1/", 314_000), ("eu-west-1/team-a", 114_000)]
    assert by("day", "target", "tier") == [("2026-11-25/nova/standard", 428_000)]
    assert by() == [("", 428_000)]


def test_days_are_counted_from_the_first_to_the_last(costs: Costs) -> None:
    for day in (24, 25, 26, 27):
        costs.add(replace(LINE, day=date(2026, 11, day), calls=day))
    (row,) = costs.summary(date(2026, 11, 25), date(2026, 11, 26))
    assert row.calls == 51
    assert costs.summary(date(2026, 1, 1), date(2026, 1, 31), by=()) == []


def test_what_costs_are_not_summed_by_is_refused(costs: Costs) -> None:
    with pytest.raises(ConfigurationError, match="'colour'; valid: day, use_case, tenant, model"):
        costs.summary(DAY, DAY, by=["colour"])  # type: ignore[list-item]


def test_they_are_written_by_themselves_after_a_moment(database_url: str) -> None:
    costs = Costs(database_url, every_s=0.05)
    costs.add(LINE)
    until(lambda: bool(summed(database_url)), "the flusher writes")
    costs.close()


def test_closing_writes_what_was_added(database_url: str) -> None:
    costs = Costs(database_url, every_s=NEVER_S)
    costs.add(LINE)
    assert summed(database_url) == []
    costs.close()
    assert len(summed(database_url)) == 1


def test_while_the_database_cannot_be_written_nothing_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "passages.db"
    costs = Costs(f"sqlite:///{path}", every_s=0.05, wait_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with caplog.at_level(logging.WARNING, logger="generation.money"):
        costs.add(LINE)
        until(lambda: "costs are not written: the ledger sqlite" in caplog.text, "it is logged")
    with pytest.raises(LedgerError, match="database is locked"):
        costs.summary(DAY, DAY)
    costs.add(LINE)
    other.close()
    assert costs.summary(DAY, DAY)[0].calls == 2
    costs.close()


def test_threads_add_while_it_is_written(costs: Costs) -> None:
    def work(number: int) -> None:
        for i in range(200):
            costs.add(replace(LINE, target=f"t{i % 3}"))
            if i % 50 == number:
                costs.flush()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    (row,) = costs.summary(DAY, DAY)
    assert (row.calls, row.cost_nano) == (800, 800 * 114_000)


lines = st.builds(
    replace,
    st.just(LINE),
    use_case=st.sampled_from(["answer", "judge"]),
    tenant=st.text("aé'%", max_size=2),
    attempts=st.integers(0, 9),
    usage=st.builds(Usage, input=st.integers(0, 10**9), output=st.integers(0, 10**9)),
    cost_nano=st.integers(0, 10**15),
)


@settings(deadline=None, max_examples=20)
@given(st.lists(lines, max_size=20), st.integers(1, 5))
def test_the_rows_are_the_sums_of_the_lines_exactly(added: list[CostLine], every: int) -> None:
    with TemporaryDirectory() as folder:
        costs = Costs(f"sqlite:///{folder}/passages.db", every_s=NEVER_S)
        for i, line in enumerate(added):
            costs.add(line)
            if i % every == 0:
                costs.flush()
        rows = costs.summary(DAY, DAY, by=["use_case", "tenant"])
        costs.close()
    assert sum(row.cost_nano for row in rows) == sum(line.cost_nano for line in added)
    assert sum(row.attempts for row in rows) == sum(line.attempts for line in added)
    for row in rows:
        mine = [x for x in added if {"use_case": x.use_case, "tenant": x.tenant} == row.by]
        assert row.usage == sum((x.usage for x in mine), Usage())
        assert row.cost_nano == sum(x.cost_nano for x in mine)
