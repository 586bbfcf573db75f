"""Sixteen processes that race for one budget, and one that is killed: nothing passes the limit."""

from pathlib import Path

from generation.money.budgets import Budgets
from generation.money.nano import NANO
from tests.generation.money.spending import (
    MOST,
    SPAWN,
    Clock,
    day_limit,
    month_limit,
    race,
    spend_on,
    until,
)
from tests.generation.money.test_budgets import taken

WORKERS = 16
LIMIT_S = 120


def test_sixteen_processes_never_spend_more_than_the_limit(database_url: str) -> None:
    limits = [day_limit(5), month_limit(20)]
    start, spent = SPAWN.Barrier(WORKERS), SPAWN.SimpleQueue()
    workers = [
        SPAWN.Process(target=race, args=(database_url, number, limits, start, spent))
        for number in range(WORKERS)
    ]
    for worker in workers:
        worker.start()
    sums = [spent.get() for _ in workers]
    for worker in workers:
        worker.join(LIMIT_S)
        assert worker.exitcode == 0
    assert sum(map(bool, sums)) > WORKERS / 2  # It was a race.
    assert sum(sums) <= 5 * NANO
    assert taken(database_url) == {
        "use_case/answer//2026-11-25": sum(sums),
        "use_case/answer//2026-11": sum(sums),
    }
    # Nobody was refused while much was left: at most each one's purse, and a call of each.
    assert sum(sums) >= 5 * NANO - WORKERS * (5 * NANO // 200 + MOST)


def test_a_process_that_is_killed_leaves_no_more_than_a_chunk_and_a_call(
    database_url: str, tmp_path: Path
) -> None:
    limit, diary = day_limit(1_000), tmp_path / "spent"
    worker = SPAWN.Process(target=spend_on, args=(database_url, limit, diary))
    worker.start()
    try:
        until(lambda: diary.exists() and diary.stat().st_size > 20_000, "it spends", LIMIT_S)
    finally:
        worker.kill()
        worker.join(LIMIT_S)
    lines = diary.read_text().split("\n")[:-1]  # The last line may have been cut.
    spent = sum(int(line) for line in lines)
    (left,) = taken(database_url).values()
    assert spent <= left <= spent + limit.nano // 200 + 2 * MOST

    survivor = Budgets(database_url, clock=Clock())
    rest = limit.nano - left
    survivor.reserve("answer", "", [limit], rest).settle(rest)
    survivor.close()
    assert list(taken(database_url).values()) == [limit.nano]
