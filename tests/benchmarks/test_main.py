import json
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks.__main__ import FAILED, WRONG, main
from benchmarks.progress import shown
from generation.commands.output import UNREAD
from indexers.store.edge import EdgeStore

SUITE = """\
datasets:
  help: {form: retrieval, path: help}
builds:
  long: {words: 20}
  short: {words: 4}
searches:
  first: {top_k: 1}
measures: [hit@1, tokens, abstained]
"""

REAL_SUITE = """\
datasets:
  help: {form: retrieval, path: help}
builds:
  own: {}
  short: {chunker: {kind: sentence_splitter}}
searches:
  both: {}
  words: {strategy: sparse, min_relevance: 0}
measures: [hit@1]
"""
"""A suite for Passages itself; the other one is for the engine of these tests."""

OpenEngine = Callable[[Path], Any]


@pytest.fixture
def arguments(tmp_path: Path, data: Path) -> list[str]:
    suite = tmp_path / "mine.yaml"
    suite.write_text(SUITE, encoding="utf-8")
    return ["run", str(suite), "--out", str(tmp_path / "out"), "--data", str(data)]


def test_a_run_leaves_records_and_a_summary(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments, open_engine) == 0
    printed = capsys.readouterr()
    assert "long/first (baseline)" in printed.out
    assert "help short/first: questions 3/3" in printed.err
    lines = (tmp_path / "out" / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6
    rows = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    keys = ["dataset", "build", "search", "answerer", "measure", "value", "low", "high", "queries"]
    assert [list(row) for row in rows] == [keys] * 6


def test_json_for_a_program(
    arguments: list[str], open_engine: OpenEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--json"], open_engine) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["measure"] for row in rows} == {"hit@1", "tokens", "abstained"}


def test_a_run_is_never_written_over(
    arguments: list[str], open_engine: OpenEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments, open_engine) == 0
    assert main(arguments, open_engine) == FAILED
    assert "holds a run already; choose another folder" in capsys.readouterr().err


def test_a_run_that_never_began_is_in_nobodys_way(
    arguments: list[str], data: Path, open_engine: OpenEngine
) -> None:
    assert main([*arguments[:-1], str(data / "none")], open_engine) == FAILED
    assert main(arguments, open_engine) == 0


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("mine.yaml", "mine.yaml is not a folder; choose another one with --out"),
        ("mine.yaml/out", "mine.yaml/out cannot be used for a run: Not a directory"),
    ],
)
def test_what_cannot_be_a_runs_folder_is_named(
    out: str,
    said: str,
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*arguments, "--out", str(tmp_path / out)], open_engine) == FAILED
    assert said in capsys.readouterr().err


def test_a_summary_that_cannot_be_written_is_named(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(arguments, open_engine) == 0
    (tmp_path / "out" / "summary.json").unlink()
    (tmp_path / "out" / "summary.json").mkdir()
    assert main(["report", str(tmp_path / "out")]) == FAILED
    assert "summary.json cannot be used for a run: Is a directory" in capsys.readouterr().err


def test_a_folder_of_indexes_that_another_process_uses_is_named(
    tmp_path: Path, arguments: list[str], data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    indexes = tmp_path / "indexes"
    (tmp_path / "mine.yaml").write_text(REAL_SUITE, encoding="utf-8")
    (tmp_path / "calibrate.yaml").write_text(REAL_SUITE[: REAL_SUITE.index("builds")])
    calibration = ["calibrate", str(tmp_path / "calibrate.yaml"), "--data", str(data)]
    store = EdgeStore(indexes / "store")
    for command in (arguments, calibration):
        assert main([*command, "--data-dir", str(indexes)]) == FAILED
        error = capsys.readouterr().err
        assert f"another process is using the indexes in {indexes}" in error
        assert "choose another folder with --data-dir" in error
    store.close()


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("{kind: sentence_splitter}", "{kind: sentences}", "mine.yaml:5: unknown kind 'sentences'"),
        ("strategy: sparse", "strategy: magic", "mine.yaml:8: unknown strategy 'magic'; valid: "),
    ],
)
def test_a_slip_in_a_later_build_or_search_is_named_before_anything_is_indexed(
    right: str,
    wrong: str,
    said: str,
    tmp_path: Path,
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "mine.yaml").write_text(REAL_SUITE.replace(right, wrong), encoding="utf-8")
    assert main([*arguments, "--data-dir", str(tmp_path / "indexes")]) == WRONG
    printed = capsys.readouterr()
    assert said in printed.err
    assert "indexing" not in printed.err
    assert (tmp_path / "out" / "records.jsonl").read_text(encoding="utf-8") == ""
    assert list((tmp_path / "indexes" / "store" / "collections").iterdir()) == []


def test_a_report_takes_new_measures_from_old_records(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(arguments, open_engine)
    copy = tmp_path / "out" / "suite.yaml"
    copy.write_text(copy.read_text(encoding="utf-8").replace("hit@1", "nDCG@3"), encoding="utf-8")
    capsys.readouterr()
    assert main(["report", str(tmp_path / "out"), "--failures", "2"]) == 0
    assert "nDCG@3" in capsys.readouterr().out


def test_failures_for_a_program_are_records_with_their_scores(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    strict = SUITE.replace("{top_k: 1}", "{at_least: 0.99}").replace("hit@1", "answered")
    (tmp_path / "mine.yaml").write_text(strict, encoding="utf-8")
    assert main([*arguments, "--json"], open_engine) == 0
    rows = json.loads(capsys.readouterr().out)
    for limit, failed in (("1", ["q1"]), ("9", ["q1", "q2"])):
        assert main(["report", str(tmp_path / "out"), "--json", "--failures", limit]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed["measures"] == rows
        assert [one["record"]["query_id"] for one in printed["failures"]] == failed * 2
        assert {(one["measure"], one["score"]) for one in printed["failures"]} == {("answered", 0)}
    assert main(["report", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == rows


@pytest.mark.parametrize("limit", ["-1", "0", "many"])
def test_a_number_of_failures_is_above_zero(
    limit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["report", str(tmp_path), "--failures", limit])
    assert f"'{limit}' is not a whole number above 0" in capsys.readouterr().err


def test_nobody_who_reads_on_is_no_failure_to_tell_of(
    tmp_path: Path, arguments: list[str], open_engine: OpenEngine
) -> None:
    main(arguments, open_engine)
    for more in ([], ["--json"]):
        command = [sys.executable, "-m", "benchmarks", "report", str(tmp_path / "out"), *more]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(60) == UNREAD


def test_two_systems_are_compared(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(arguments, open_engine)
    capsys.readouterr()
    out = str(tmp_path / "out")
    assert main(["compare", out, "long/first", "short/first", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["measure"] == "hit@1"
    assert main(["compare", out, "long/first", "short/first"]) == 0
    assert "no winner" in capsys.readouterr().out
    assert main(["compare", out, "long/first", "short/last"]) == FAILED
    assert "there are: long/first, short/first" in capsys.readouterr().err


def test_what_is_wrong_ends_in_one_line_and_a_code(
    tmp_path: Path,
    arguments: list[str],
    open_engine: OpenEngine,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["report", str(tmp_path)]) == FAILED
    assert "give the folder that `run` wrote to" in capsys.readouterr().err
    assert main([*arguments[:-2]], open_engine) == FAILED
    assert "pass --data DIR" in capsys.readouterr().err
    (tmp_path / "mine.yaml").write_text("datasets: 3\n", encoding="utf-8")
    assert main(arguments, open_engine) == WRONG
    assert "mine.yaml:1: 'datasets' must be a mapping, not 3" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "report", "compare"])
def test_each_commands_help_has_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"example: python -m benchmarks {command} " in " ".join(capsys.readouterr().out.split())


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = StringIO()
    assert Console(file=stream).is_terminal
    with shown(stream) as on_progress:
        on_progress("help long: indexing", 1, None)
        on_progress("help long/first: questions", 3, 3)
    assert "help long/first: questions" in stream.getvalue()
