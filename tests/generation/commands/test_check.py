"""python -m generation check: what it sends, counts and warns of."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gateway.bedrock import Bedrock, Fault, Plan
from benchmarks.gateway.bedrock import Faults as FaultsOf
from generation.__main__ import BROKEN, FAILED, WRONG, main
from generation.commands.check import warnings
from generation.configuration import parsed
from generation.money.costs import Costs
from generation.money.periods import today
from tests.generation.commands.places import changed, configured

TARGETS = {name: {"model": "m", "region": "us-east-1"} for name in "abc"}
USE_CASE = {"prompt": "answer@1", "max_tokens": 9}


@pytest.fixture
def folder(tmp_path: Path, bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "PASSAGES_GENERATION"):
        monkeypatch.delenv(name, raising=False)
    return configured(tmp_path, bedrock.endpoints)


def checked(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert main(["check", "--json", *words]) == code
    return json.loads(capsys.readouterr().out)


def test_each_target_is_asked_once_for_a_few_tokens(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    found = checked(capsys)
    assert [(one["target"], one["ok"]) for one in found["targets"]] == [
        ("east", True),
        ("west", True),
    ]
    counted = bedrock.counts()
    assert counted.where().requests == 2
    assert counted.where(region="us-west-2", model_id="us.fake.len12-v1:0").requests == 1
    assert sum(one["usage"]["input_tokens"] for one in found["targets"]) == counted.where().input
    assert sum(one["usage"]["output_tokens"] for one in found["targets"]) == counted.where().output
    assert found["cost"]["nano"] == 1000 * counted.where().input + 4000 * counted.where().output


def test_what_it_costs_is_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(capsys)
    costs = Costs(f"sqlite:///{folder}/data/passages.db")
    (row,) = costs.summary(today(), today(), ("use_case",))
    costs.close()
    assert (row.by, row.calls, row.cost_nano) == ({"use_case": "check"}, 2, found["cost"]["nano"])


def test_a_fault_is_neither_tried_again_nor_elsewhere(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = FaultsOf(region="us-west-2", faults=(Fault(kind="AccessDeniedException"),))
    bedrock.set_plan(Plan(faults=(denied,)))
    east, west = checked(capsys, code=FAILED)["targets"]
    assert (east["ok"], west["ok"]) == (True, False)
    assert west["fault"]["name"] == "AccessDeniedException"
    assert "bedrock:InvokeModel on us.fake.len12-v1:0 in us-west-2" in west["to_do"]
    assert bedrock.counts().where().requests == 2


def test_only_the_targets_of_a_use_case_are_asked(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "generation.yaml").read_text()
    routes = "routes:\n  near: {targets: [east, east]}"
    text = text.replace("routes:", routes).replace("answer@1, route: all", "answer@1, route: near")
    (folder / "generation.yaml").write_text(text)
    found = checked(capsys, "--use-case", "other")
    assert [one["target"] for one in found["targets"]] == ["east"]
    assert found["warnings"] == ["the use case 'other' has only the target 'east' to go to"]


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("route: all", "route: fast", WRONG, "use_cases.answer.route: no 'fast'; routes: all"),
        ("answer@1", "answer@9", WRONG, "there is no template answer@9"),
        ("fake.len12", "unknown.len12", WRONG, "no standard price for unknown.len12-v1:0"),
        ("http://127", "127", WRONG, "regions.us-east-1.endpoint_url: "),
        ("records:", "redact: [birthday]\nrecords:", WRONG, "birthday"),
        ("", "", BROKEN, "the ledger"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    folder: Path,
    bedrock: Bedrock,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    code: int,
    said: str,
) -> None:
    file = folder / "generation.yaml"
    file.write_text(file.read_text().replace(old, new, 1))
    words = ["--data-dir", "prices.yaml"] if code == BROKEN else []
    assert main(["check", *words]) == code
    assert said in capsys.readouterr().err
    assert bedrock.counts().where().requests == 0
    assert not (folder / "data").exists(), "a database that nobody needs"


def test_a_target_is_asked_in_each_way_that_it_is_used(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(folder, "max_tokens: 5}", "max_tokens: 5, stream: true}")
    found = checked(capsys)["targets"]
    assert [(one["target"], one["stream"]) for one in found] == [
        ("east", False),
        ("east", True),
        ("west", False),
        ("west", True),
    ]
    assert bedrock.counts().where().requests == 4
    (one, *_) = checked(capsys, "--use-case", "other")["targets"]
    assert (one["target"], one["stream"]) == ("east", True)


def test_a_target_that_no_use_case_goes_to_is_asked_for_a_whole_answer(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(folder, "targets: [east, west]", "targets: [east]")
    found = checked(capsys)
    assert [(one["target"], one["stream"]) for one in found["targets"]] == [
        ("east", False),
        ("west", False),
    ]
    assert "no route names the target 'west'" in found["warnings"]


@pytest.mark.parametrize(("kind", "stream"), [("half_body", False), ("early_end", True)])
def test_what_fails_in_one_way_only_is_seen(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str], kind: Any, stream: bool
) -> None:
    changed(folder, "max_tokens: 5}", "max_tokens: 5, stream: true}")
    broken = FaultsOf(region="us-west-2", faults=(Fault(kind=kind),))
    bedrock.set_plan(Plan(faults=(broken,)))
    found = checked(capsys, code=FAILED)["targets"]
    assert [(one["target"], one["stream"]) for one in found if not one["ok"]] == [("west", stream)]
    assert main(["check"]) == FAILED
    assert "1 of 2 targets can be called" in capsys.readouterr().out


@pytest.mark.parametrize("records", ["prices.yaml", "prices.yaml/deep", "taken/deep"])
def test_a_folder_of_records_that_cannot_be_written_to_is_said(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str], records: str
) -> None:
    (folder / "taken").symlink_to("nowhere")
    changed(folder, "records: {folder: records}", f"records: {{folder: {records}}}")
    before = sorted(folder.iterdir())
    assert main(["check"]) == BROKEN
    assert f"error: {records}: records cannot be written there" in capsys.readouterr().err
    assert bedrock.counts().where().requests == 0
    assert sorted(folder.iterdir()) == before


def test_a_price_that_another_use_case_needs_is_missed_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(folder, "west: {model: fake.len12-v1:0", "west: {model: unknown-v1:0")
    changed(folder, "routes:", "routes:\n  near: {targets: [east]}")
    changed(folder, "answer@1, route: all", "answer@1, route: near")
    assert main(["check", "--use-case", "other"]) == WRONG
    assert "no standard price for unknown-v1:0" in capsys.readouterr().err


def test_the_folder_of_records_is_as_it_was(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(folder, "records: {folder: records}", "records: {folder: new/records}")
    checked(capsys)
    assert not (folder / "new").exists()
    old = folder / "new" / "records" / "calls-20200101-host-1-0001.jsonl"
    old.parent.mkdir(parents=True)
    old.touch()
    checked(capsys)
    assert old.exists(), "which the gateway would delete"


def test_tokens_of_the_prompt_cache_are_shown_as_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(folder, "fake.len12-v1:0", "fake.len12-cache2-write1-v1:0")
    (one, *_) = checked(capsys)["targets"]
    usage = one["usage"]
    assert (usage["cache_read_tokens"], usage["cache_write_tokens"]) == (2, 1)
    assert main(["check"]) == 0
    assert f" {usage['input_tokens'] + 3} + 8 " in capsys.readouterr().out


def test_no_use_case_of_that_name_lists_those_that_there_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--use-case", "judge"]) == WRONG
    assert "error: no use case 'judge'; there are answer, other" in capsys.readouterr().err


def test_what_is_probably_not_meant_is_warned_of() -> None:
    configuration = parsed(
        {
            "targets": TARGETS,
            "routes": {"two": {"targets": ["a", "b"]}, "one": {"targets": ["b"]}},
            "use_cases": {"x": {**USE_CASE, "route": "two"}, "y": {**USE_CASE, "route": "one"}},
            "regions": {"us-esat-1": {}},
        },
        Path(),
    )
    assert warnings(configuration) == [
        "no target is in the region 'us-esat-1'",
        "no route names the target 'c'",
        "the use case 'y' has only the target 'b' to go to",
    ]
    assert warnings(configuration, "x") == []
