"""python -m generation costs: sums of calls, and budgets."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gateway.bedrock import Bedrock
from generation.__main__ import BROKEN, WRONG, main
from generation.money.budgets import Budgets
from generation.money.costs import CostLine, Costs
from generation.money.periods import today
from generation.money.purses import limits_of
from generation.use_cases import Budget
from tests.generation.commands.places import called, configured


@pytest.fixture
def folder(tmp_path: Path, bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "PASSAGES_GENERATION"):
        monkeypatch.delenv(name, raising=False)
    return configured(tmp_path, bedrock.endpoints, "budget: {month_usd: 1}\n")


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["costs", "--json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def spent(folder: Path, day: date) -> None:
    costs = Costs(f"sqlite:///{folder}/data/passages.db")
    costs.add(
        CostLine(
            day=day,
            use_case="answer",
            tenant="",
            model="m",
            region="us-east-1",
            tier="standard",
            target="east",
            cost_nano=7,
        )
    )
    costs.close()


def test_sums_are_those_of_the_calls(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    called(folder, "One?", "Two?", tenant="acme")
    called(folder, "Three?")
    found = shown(capsys, "--by", "use_case,tenant")
    assert [(row["use_case"], row["tenant"], row["calls"]) for row in found["rows"]] == [
        ("answer", "acme", 2),
        ("answer", "", 1),
    ]
    counted = bedrock.counts().where()
    total = found["total"]
    assert (total["calls"], total["attempts"]) == (3, counted.requests)
    assert total["usage"]["input_tokens"] == counted.input
    assert total["cost"]["nano"] == 1000 * counted.input + 4000 * counted.output


def test_budgets_are_shown_with_what_is_taken_of_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    called(folder, "One?", tenant="acme")
    found = shown(capsys)
    cost = found["total"]["cost"]["nano"]
    budgets = {(b["scope"], b["tenant"]): b for b in found["budgets"]}
    assert set(budgets) == {("total", ""), ("use_case", ""), ("tenant", "acme")}
    assert {budget["taken"]["nano"] for budget in budgets.values()} == {cost}
    assert budgets["tenant", "acme"]["share"] == pytest.approx(cost / 5_000_000, abs=1e-4)


def test_days_are_from_since_to_until(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spent(folder, today())
    spent(folder, today() - timedelta(days=40))
    assert shown(capsys)["total"]["calls"] == 1
    assert shown(capsys, "--since", "today")["total"]["calls"] == 1
    since = (today() - timedelta(days=40)).isoformat()
    assert shown(capsys, "--since", since)["total"]["calls"] == 2
    assert shown(capsys, "--since", since, "--until", since)["total"]["calls"] == 1


def test_to_look_is_not_to_make_a_database(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["costs", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "data holds no database" in err
    assert json.loads(out)["rows"] == []
    assert not (folder / "data").exists()


def test_costs_are_shown_without_a_configuration(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spent(folder, today())
    assert main(["costs", "--json", "--generation", "none.yaml"]) == 0
    out, err = capsys.readouterr()
    assert "budgets are not shown: none.yaml: cannot be read" in err
    assert (json.loads(out)["total"]["calls"], json.loads(out)["budgets"]) == (1, [])


def test_of_many_tenants_people_see_the_dearest(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    budgets = Budgets(f"sqlite:///{folder}/data/passages.db")
    each = limits_of("tenant", Budget(day_usd=0.005))
    for number in range(12):
        nano = 1000 * (12 - number)
        budgets.reserve("answer", f"t{number:02}", each, nano).settle(nano)
    budgets.close()
    assert main(["costs"]) == 0
    out = capsys.readouterr().out
    assert out.count("answer, tenant t") == 10
    assert out.index("tenant t00") < out.index("tenant t01")
    assert f"2 more tenants of answer in {today()}: --json has them" in out
    assert len(shown(capsys)["budgets"]) == 14


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--since", "2026-11-26", "--until", "2026-11-25"], WRONG, "is after --until 2026-11-25"),
        (["--data-dir", "prices.yaml"], 0, "prices.yaml holds no database"),
    ],
)
def test_what_is_wrong_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert main(["costs", *words]) == code
    assert said in capsys.readouterr().err


def test_a_database_that_cannot_be_read_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere/else")
    assert main(["costs"]) == BROKEN
    assert "not mysql://" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "yesterday"], "'yesterday' is not a day as in 2026-11-25, today, or month"),
        (["--by", "use_case,colour"], "not summed by 'colour'; valid: day, use_case, tenant"),
    ],
)
def test_options_that_are_not_valid_list_what_is(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["costs", *words])
    assert stopped.value.code == WRONG
    assert said in capsys.readouterr().err
