"""python -m generation replay: which calls are sent again, with what, and what comes of it."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gateway.bedrock import Bedrock, Fault, Plan
from generation.__main__ import BROKEN, FAILED, WRONG, main
from generation.commands.planning import LeftOut, Planned, Planner, latest
from generation.configuration import load_configuration
from generation.errors import ExhaustedError, PromptError
from generation.records.reader import read_records
from generation.records.writer import RecordWriter
from tests.generation.commands.places import called, changed, configured
from tests.generation.gateways import ANSWER, plan
from tests.generation.records.samples import NOON, call, prompt


@pytest.fixture
def folder(tmp_path: Path, bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "PASSAGES_GENERATION"):
        monkeypatch.delenv(name, raising=False)
    return configured(tmp_path, bedrock.endpoints)


def replayed(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main(["replay", "records", "--json", *words]) == code
    return json.loads(capsys.readouterr().out)


def test_a_call_is_sent_again_and_compared(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (call_id,) = called(folder, "How do I pause?", tenant="acme")
    (one,) = replayed(capsys)["calls"]
    assert (one["call_id"], one["verdict"], one["error"]) == (call_id, "same", None)
    assert (one["use_case"], one["prompt"]) == ("answer", "answer@1")
    assert one["recorded"]["answer"] == one["now"]["answer"] == ANSWER
    for name in ("usage", "cost", "attempts", "target", "stop_reason"):
        assert one["recorded"][name] == one["now"][name], name


def test_what_is_sent_is_the_prompt_to_the_letter_and_no_tenants(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (call_id,) = called(folder, "How do I pause?", tenant="acme")
    replayed(capsys)
    first, again = read_records(folder / "records")
    assert again["prompt"] == first["prompt"]
    assert (first["tenant"], again["tenant"]) == ("acme", None)
    assert again["request_id"] == f"replay:{call_id}"


def test_replays_are_not_replayed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    called(folder, "How do I pause?")
    replayed(capsys)
    assert replayed(capsys)["total"]["same"] == 1


def test_another_use_case_and_another_prompt_take_the_place_of_the_recorded_ones(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    called(folder, "How do I pause?")
    bedrock.reset()
    found = replayed(capsys, "--use-case", "other", "--prompt", "answer@2")
    (one,) = found["calls"]
    assert (one["use_case"], one["prompt"], one["verdict"]) == ("other", "answer@2", "changed")
    assert one["now"]["answer"] == "w0 w1 w2 w3 w4", "which has five tokens at most"
    assert found["total"]["now"]["tokens"] == sum(
        (bedrock.counts().where().input, bedrock.counts().where().output)
    )
    *_, written = read_records(folder / "records")
    assert (written["prompt"]["id"], written["prompt"]["version"]) == ("answer", 2)


def test_a_call_whose_inputs_are_redacted_is_listed_and_not_sent(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    redacted, _ = called(folder, "I am ada@example.com, pause my plan", "How do I pause?")
    bedrock.reset()
    for words in ([], ["--prompt", "answer@2"]):
        found = replayed(capsys, *words)
        assert found["left_out"] == [{"call_id": redacted, "why": "the inputs are redacted"}]
    assert bedrock.counts().where().requests == 2
    alone = replayed(capsys, "--call", redacted, code=FAILED)
    assert alone["calls"] == []


def test_a_new_answer_is_redacted_as_the_recorded_one_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "generation.yaml"
    rule = "redact: [{name: second, pattern: w1}]\n"
    file.write_text(file.read_text().replace("len12", "len2") + rule)
    called(folder, "How do I pause?")
    (one,) = replayed(capsys)["calls"]
    assert (one["verdict"], one["now"]["answer"]) == ("same", "w0 [second]")


def test_what_fails_is_said_and_the_next_call_is_sent(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    called(folder, "How do I pause?", "How do I go on?")
    bedrock.set_plan(plan(Fault(kind="InternalServerException")))
    found = replayed(capsys, code=FAILED)
    assert [one["verdict"] for one in found["calls"]] == ["failed", "failed"]
    assert found["calls"][0]["error"].startswith("ExhaustedError: 2 attempts failed")
    assert found["calls"][0]["now"]["answer"] is None
    assert found["total"]["failed"] == 2


def test_only_calls_that_came_through_both_times_are_compared(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(folder, "routes:", "routes:\n  far: {targets: [west]}")
    changed(folder, "route: all, max_tokens: 5", "route: far, max_tokens: 5, attempts: 1")
    called(folder, "How do I pause?")
    called(folder, "How do I go on?", use_case="other")
    bedrock.set_plan(plan(Fault(kind="half_body"), region="us-west-2"))
    found = replayed(capsys, code=FAILED)
    total, (same, failed) = found["total"], found["calls"]
    assert (total["same"], total["failed"], total["compared"]) == (1, 1, 1)
    for when in ("recorded", "now"):
        assert total[when]["cost"] == same[when]["cost"]
        assert total[when]["total_ms"] == pytest.approx(same[when]["total_ms"], abs=0.1)
        assert total["others"][when]["cost"] == failed[when]["cost"]
    assert total["others"]["calls"] == 1
    assert failed["now"]["cost"]["nano"] > 0, "the model may have been at work"
    *_, last = read_records(folder / "records")
    assert (last["call_id"], last["cost"]) == (failed["now"]["call_id"], failed["now"]["cost"])


def test_what_failed_when_it_was_recorded_is_not_compared_either(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    bedrock.set_plan(plan(Fault(kind="half_body")))
    with pytest.raises(ExhaustedError):
        called(folder, "How do I pause?")
    bedrock.set_plan(Plan())
    assert main(["replay", "records"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "sent: 1 (0 same, 1 changed, 0 failed); not sent: 0" in lines
    assert "did not, then or now: 1" in lines
    assert not any(line.startswith("came through") for line in lines)


def test_a_call_is_found_by_the_request_that_it_was_made_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    called(folder, "How do I pause?")
    first, again = called(folder, "How do I go on?", "And then?", request_id="req-7")
    for _ in range(2):  # There are replays of them by the second time.
        found = replayed(capsys, "--call", "req-7")["calls"]
        assert [one["call_id"] for one in found] == [first, again]
    assert [one["call_id"] for one in replayed(capsys, "--call", again)["calls"]] == [again]


def test_the_budget_of_the_use_case_holds(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    (call_id,) = called(folder, "How do I pause?")
    file = folder / "generation.yaml"
    file.write_text(file.read_text().replace("{day_usd: 0.01}", "{day_usd: 0.0001}"))
    bedrock.reset()
    (one,) = replayed(capsys, code=FAILED)["calls"]
    assert one["call_id"] == call_id
    assert one["error"].startswith("OverBudgetError: ")
    assert bedrock.counts().where().requests == 0


def test_what_it_may_cost_at_most_is_said_first_and_is_not_passed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    called(folder, "How do I pause?")
    capsys.readouterr()
    assert main(["replay", "records", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("1 of the latest 1 calls can be sent again, for $0.00")
    most = float(err.partition("for $")[2].split()[0])
    assert 0 < json.loads(out)["calls"][0]["now"]["cost"]["usd"] <= most


def test_a_dry_run_shows_prompts_and_sends_nothing(
    folder: Path, bedrock: Bedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    called(folder, "How do I pause?")
    bedrock.reset()
    (one,) = replayed(capsys, "--dry-run", "--prompt", "answer@2")["prompts"]
    assert one["system"] == "Be brief."
    text = "Choose Pause in the settings. How do I pause?"
    assert one["messages"] == [{"role": "user", "text": text}]
    assert bedrock.counts().where().requests == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--call", "x"], WRONG, "no call 'x' is recorded in records"),
        (["--of", "judge"], WRONG, "no call of the use case 'judge' is recorded in records"),
        (["--use-case", "judge"], WRONG, "no use case 'judge'; there are answer, other"),
        (["--prompt", "answer@9"], WRONG, "there is no template answer@9; there are answer@1"),
        (["nowhere"], BROKEN, "nowhere: cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    folder: Path,
    bedrock: Bedrock,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    said: str,
) -> None:
    called(folder, "How do I pause?")
    bedrock.reset()
    assert main(["replay", "records", *words]) == code
    assert said in capsys.readouterr().err
    assert bedrock.counts().where().requests == 0


def recorded(folder: Path, name: str, **changes: Any) -> Path:
    with RecordWriter(folder / name) as writer:
        writer.write(call(**changes))
    return folder / name


def test_the_latest_calls_are_those_of_the_latest_time_wherever_they_are(tmp_path: Path) -> None:
    new = recorded(tmp_path, "a", call_id="new", time=NOON + timedelta(hours=2))
    middle = recorded(tmp_path, "b", call_id="middle", time=NOON + timedelta(hours=1))
    old = recorded(tmp_path, "c", call_id="old", time=NOON)

    def ids(limit: int) -> list[str]:
        found = latest([new, middle, old], limit=limit, id_=None, use_case=None)
        return [record["call_id"] for record in found]

    assert ids(2) == ["middle", "new"]
    assert ids(9) == ["old", "middle", "new"]


def planned(folder: Path, *, template: Any = None, **changes: Any) -> Planned | LeftOut:
    """What is planned for a record with changes."""
    made = next(iter(read_records(recorded(folder, "planned"))))
    planner = Planner(load_configuration(folder / "generation.yaml"), None, template)
    return planner.plan({**made, **changes})


def test_a_use_case_that_is_no_longer_configured_can_be_replaced(folder: Path) -> None:
    found = planned(folder, use_case="judge")
    assert isinstance(found, LeftOut)
    assert found.why == "no use case 'judge' is configured; choose one by --use-case"


def test_a_template_that_takes_other_inputs_is_a_reason_not_to_send(folder: Path) -> None:
    found = planned(folder, template=("brief", 1))
    assert isinstance(found, LeftOut)
    assert "brief@1: there is no input 'passages'" in found.why


@pytest.mark.parametrize("template", [None, ("answer", 2)])
@pytest.mark.parametrize("damaged", [None, {}, {"id": "answer"}])
def test_what_is_no_record_of_a_call_is_a_reason_not_to_send(
    folder: Path, damaged: Mapping[str, Any] | None, template: Any
) -> None:
    found = planned(folder, template=template, prompt=damaged)
    assert isinstance(found, LeftOut)
    assert "this is no record of a call" in found.why


def test_a_call_of_which_all_is_there_is_planned_with_its_prompt(folder: Path) -> None:
    found = planned(folder)
    assert isinstance(found, Planned)
    asked = prompt()
    assert (found.system, found.messages) == (asked.system, asked.messages)
    with pytest.raises(PromptError):
        planned(folder, template=("answer", 9))
