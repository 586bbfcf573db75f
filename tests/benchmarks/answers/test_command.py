"""A suite with answers, from the command line to its tables."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import FAILED, WRONG, main
from benchmarks.folder import RunFolder
from benchmarks.gateway.bedrock import Bedrock
from benchmarks.records import Record
from benchmarks.report import compare, summarise
from generation.records.reader import read_records
from tests.benchmarks.answers.asking import SUITE, write_configuration
from tests.benchmarks.conftest import write_lines

OpenEngine = Callable[[Path], Any]
MEASURES = (
    "[F1, F1_answerable, refusal_right, refusal_wrong, citation_precision, faithfulness, "
    "correctness, cost_usd, judge_cost_usd, TTFT_ms, hit@1]"
)
ANSWERING = "answerers: [extractive, answer, down]\njudge: judge\nat_once: 2\n"


@pytest.fixture
def suite(tmp_path: Path, data: Path) -> Path:
    """A suite over three questions: two have an answer, and the third none."""
    path = data / "help" / "queries.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    wanted = {"q1": "Choose Pause.", "q2": "It takes five working days."}
    write_lines(path, [{**row, "reference_answer": wanted.get(row["_id"])} for row in rows])
    found = tmp_path / "mine.yaml"
    shown = SUITE[: SUITE.index("measures")] + f"measures: {MEASURES}\n"
    found.write_text(shown + ANSWERING, encoding="utf-8")
    return found


@pytest.fixture
def arguments(tmp_path: Path, data: Path, suite: Path, bedrock: Bedrock) -> list[str]:
    configuration = write_configuration(bedrock, tmp_path)
    places = ["--out", str(tmp_path / "out"), "--data", str(data), "--data-dir", str(tmp_path)]
    return ["run", str(suite), *places, "--generation", str(configuration)]


def test_a_suite_from_question_to_answer(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments, open_engine) == 0
    printed = capsys.readouterr().out
    runs = RunFolder(tmp_path / "out").load().runs
    assert [key.system for key in runs] == [
        "long/first/extractive",
        "long/first/answer",
        "long/first/down",
    ]
    _, answer, down = runs.values()
    assert [record.query_id for record in answer] == ["q1", "q2", "q3"]
    assert_answered(answer)
    assert_failed(down)
    assert printed.index("F1_answerable") < printed.index("refusal_right") < printed.index("F1  ")
    values = {
        (row["answerer"], row["measure"]): row["value"]
        for row in json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    }
    # For the third question nothing was found, and so nobody asked.
    failed = [values[name, "failed"] for name in ("extractive", "answer", "down")]
    assert failed == pytest.approx([0, 0, 2 / 3])
    assert values["down", "refusal_wrong"] == 1.0
    # Of what the model answered, one of four verdicts was none.
    assert values["answer", "unjudged"] == pytest.approx(1 / 4)
    assert values["answer", "refusal_right"] == 1.0
    assert ("extractive", "TTFT_ms") not in values


def assert_answered(records: tuple[Record, ...]) -> None:
    """What the model of the script says: the first passage, or that there is no answer."""
    pause, refund, zebra = records
    assert pause.given is not None
    assert pause.given.text == pause.passages[0].text
    assert (pause.given.cited, pause.given.target) == ((1, 9), "up")
    assert pause.answers == ("Choose Pause.",)
    assert {name: said.score for name, said in (pause.verdicts or {}).items()} == {
        "faithfulness": 1.0,
        "correctness": 4.5,
    }
    assert (refund.verdicts or {})["correctness"].score is None
    assert zebra.given is not None
    # Nothing was found for it, and so nothing asked.
    assert (zebra.given.refused, zebra.given.target, zebra.verdicts) == (True, None, {})


def assert_failed(records: tuple[Record, ...]) -> None:
    pause, refund, _ = records
    for record in (pause, refund):
        assert record.given is not None
        assert (record.given.failed or "").startswith("RejectedError: down: ValidationException")
        assert record.verdicts == {}


def test_rescoring_is_equal_to_the_runs_own_scores(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*arguments, "--json"], open_engine) == 0
    scored = capsys.readouterr().out
    assert main(["report", str(tmp_path / "out"), "--json"]) == 0
    assert capsys.readouterr().out == scored
    copy = tmp_path / "out" / "suite.yaml"
    copy.write_text(copy.read_text().replace("hit@1", "ROUGE_L_answerable"), encoding="utf-8")
    stored = RunFolder(tmp_path / "out").load()
    cells = summarise(stored.runs, stored.suite.measures)
    assert "ROUGE_L_answerable" in {repr(cell.measure) for cell in cells}


def test_two_answerers_are_compared_question_by_question(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments, open_engine) == 0
    stored = RunFolder(tmp_path / "out").load()
    found = compare(stored.runs, stored.suite.measures, "long/first/answer", "long/first/down")
    by_name = {repr(comparison.measure): comparison for comparison in found}
    assert by_name["F1_answerable"].difference.value < 0
    assert by_name["F1_answerable"].difference.queries == 2
    assert str(by_name["hit@1"].verdict) == "no winner"
    capsys.readouterr()
    names = ["long/first/extractive", "long/first/answer"]
    assert main(["compare", str(tmp_path / "out"), *names]) == 0
    assert "long/first/answer against long/first/extractive" in capsys.readouterr().out
    assert main(["compare", str(tmp_path / "out"), "long/first", names[0]]) == FAILED
    assert f"no run of 'long/first'; there are: {names[0]}" in capsys.readouterr().err


@pytest.mark.parametrize("kept", [1, 4, 5, 8])
def test_an_answer_that_was_paid_for_is_not_asked_for_again(
    kept: int, tmp_path: Path, arguments: list[str], open_engine: OpenEngine
) -> None:
    """Wherever a run was cut off: also between the answers to one question."""
    assert main(arguments, open_engine) == 0
    folder = RunFolder(tmp_path / "out")
    lines = folder.records.read_bytes().splitlines(keepends=True)
    folder.records.write_bytes(b"".join(lines[:kept]) + lines[kept][:-9])
    asked = answers_recorded(tmp_path)
    assert main(arguments, open_engine) == 0
    again = folder.records.read_bytes().splitlines(keepends=True)
    assert again[:kept] == lines[:kept]
    assert [asked_by(line) for line in again] == [asked_by(line) for line in lines]
    # For the third question nobody is asked, since nothing is found.
    left = [asked_by(line) for line in lines[kept:]]
    assert answers_recorded(tmp_path) - asked == len({("q1", "answer"), ("q2", "answer")} & {*left})


def answers_recorded(folder: Path) -> int:
    """How many calls of the use case `answer` the gateway has recorded."""
    return sum(row["use_case"] == "answer" for row in read_records(folder / "records"))


def asked_by(line: bytes) -> tuple[str, str]:
    fields = json.loads(line)
    return fields["query_id"], fields["answerer"]


def test_a_run_goes_on_with_more_money_and_not_with_another_use_case(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments, open_engine) == 0
    folder = RunFolder(tmp_path / "out")
    lines = folder.records.read_bytes().splitlines(keepends=True)
    folder.records.write_bytes(b"".join(lines[:4]))
    configuration = Path(arguments[-1])
    text = configuration.read_text()
    for right, wrong, name in (
        ("max_tokens: 100, stream", "max_tokens: 99, stream", "answer"),
        ("max_tokens: 100, deadline_s", "max_tokens: 99, deadline_s", "judge"),
    ):
        configuration.write_text(text.replace(right, wrong))
        assert main(arguments, open_engine) == FAILED
        assert f"there have changed: the use case {name}; " in capsys.readouterr().err
    configuration.write_text(f"{text}budget: {{day_usd: 1.0}}\n")
    assert main(arguments, open_engine) == 0


def test_the_worst_answers_are_shown_with_their_references(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments, open_engine) == 0
    capsys.readouterr()
    assert main(["report", str(tmp_path / "out"), "--failures", "3"]) == 0
    printed = capsys.readouterr().out
    for said in (
        "help long/first/answer q1  F1_answerable 0.",
        "reference Choose Pause.",
        "answer    You can pause your plan for up to three boxes.",
        "[1][9]",
        "answer    failed: RejectedError: down: ValidationException",
        "judge     faithfulness 1: YES",
        "judge     correctness no verdict: I would rather not say.",
    ):
        assert said in printed


def test_a_use_case_needs_the_gateways_configuration(
    arguments: list[str], open_engine: OpenEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments[:-2], open_engine) == WRONG
    said = "mine.yaml:8: 'answerers' names a use case of the gateway: pass --generation PATH"
    assert said in capsys.readouterr().err


def test_a_configuration_that_is_not_valid_is_named_before_anything_is_built(
    arguments: list[str], open_engine: OpenEngine, engine: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments[:-1], f"{arguments[-1]}.txt"], open_engine) == FAILED
    assert "generation.yaml.txt cannot be used: " in capsys.readouterr().err
    assert engine.built == []


def test_quoted_answers_need_no_gateway(
    arguments: list[str],
    suite: Path,
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    named = suite.read_text().replace(ANSWERING, "answerers: {one: {max_sentences: 1}, two: {}}")
    suite.write_text(named, encoding="utf-8")
    assert main(arguments[:-2], open_engine) == 0
    printed = capsys.readouterr().out
    assert "long/first/one (baseline)" in printed
    assert "faithfulness" not in printed
