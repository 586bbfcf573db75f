from pathlib import Path

from benchmarks.gateway.budget import Round, measure_budget
from benchmarks.performance.workplace import Workplace


def test_a_round_says_by_how_many_calls_the_budget_was_passed() -> None:
    passed = Round(budget=1000, billed=1050, succeeded=105, failed=0)
    assert (passed.passed_by, passed.unused) == (5.0, 0.0)
    kept = Round(budget=1000, billed=970, succeeded=97, failed=0)
    assert (kept.passed_by, kept.unused) == (0.0, 3.0)


def test_processes_that_race_for_a_budget_leave_little_of_it_and_do_not_pass_it(
    tmp_path: Path,
) -> None:
    place = Workplace(data=tmp_path, folder=tmp_path)
    rows = measure_budget(place, 40, databases=["SQLite"], workers=2, rounds=1)
    beyond = [row.value for row in rows if "calls beyond the budget" in row.name]
    assert beyond[0] == 0
    assert len(beyond) == 2
    unused = [row.value for row in rows if row.name == "left unused, at most"]
    assert unused[0] < 20
