"""Runs that were cut off: they go on, and are never taken for whole ones."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.__main__ import FAILED, INTERRUPTED, main
from benchmarks.datasets import Dataset, Question
from benchmarks.errors import RecordsError
from benchmarks.folder import RunFolder
from benchmarks.run import Found
from benchmarks.suite import BuildSpec, SearchSpec
from tests.benchmarks.conftest import OverlapEngine

SUITE = """\
datasets:
  help: {form: retrieval, path: help}
builds:
  long: {words: 20}
  short: {words: 4}
searches:
  first: {top_k: 1}
measures: [hit@1, tokens]
"""
RECORDS = 6
"""Three questions, two systems."""


@dataclass
class StoppedEngine(OverlapEngine):
    """Is interrupted, as by Ctrl-C, when it has answered so many questions; or waits there for ever
    for somebody to end its process."""

    answers: int = RECORDS
    waits: bool = False

    def search(
        self, dataset: Dataset, build: BuildSpec, search: SearchSpec, question: Question
    ) -> Found:
        if not self.answers:
            if self.waits:
                time.sleep(3600)
            raise KeyboardInterrupt
        self.answers -= 1
        return super().search(dataset, build, search, question)


Run = Callable[..., int]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "out")


@pytest.fixture
def run(suite: Path, folder: RunFolder, data: Path) -> Run:
    """Runs the suite with an engine that is stopped after so many questions; the exit code."""

    def running(answers: int = RECORDS, out: Path = folder.path) -> int:
        @contextmanager
        def opened(data_dir: Path) -> Iterator[OverlapEngine]:
            yield StoppedEngine(answers=answers)

        return main(["run", str(suite), "--out", str(out), "--data", str(data)], opened)

    return running


def test_the_same_command_goes_on_where_a_run_was_interrupted(
    run: Run, folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(4) == INTERRUPTED
    said = capsys.readouterr().err
    assert said.endswith(
        "interrupted: 4 of 6 records are there; the same command goes on from there\n"
    )
    assert not folder.summary.exists()
    # Two questions are left, and no third one is asked.
    assert run(2) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith(f"going on with the run in {folder.path}: 4 of 6 records")
    assert "long/first: questions" not in printed.err
    assert "It was run in 2 sittings: latencies were taken at different times" in printed.out
    assert "UNFINISHED" not in printed.out
    whole = RunFolder(tmp_path / "whole")
    assert run(out=whole.path) == 0
    assert folder.records.read_bytes() == whole.records.read_bytes()
    assert folder.summary.read_bytes() == whole.summary.read_bytes()
    assert "sittings" not in capsys.readouterr().out
    assert run() == FAILED
    assert "holds a run already; choose another folder" in capsys.readouterr().err


def test_a_run_that_was_interrupted_before_its_first_question_begins_anew(
    run: Run, folder: RunFolder, suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(0) == INTERRUPTED
    assert "interrupted: no records are there yet" in capsys.readouterr().err
    assert main(["report", str(folder.path)]) == 0
    assert "UNFINISHED: no records are there yet." in capsys.readouterr().out
    suite.write_text(SUITE.replace("top_k: 1", "top_k: 2"), encoding="utf-8")
    assert run() == 0
    assert "sittings" not in capsys.readouterr().out


def test_a_file_that_is_cut_anywhere_becomes_the_same_run_again(
    run: Run, folder: RunFolder, data: Path
) -> None:
    path = data / "help" / "queries.jsonl"
    # A cut may go through a letter.
    text = path.read_text(encoding="utf-8").replace("how", "¿cómo").replace("zebra", "çédille")
    path.write_text(text, encoding="utf-8")
    assert run() == 0
    whole = folder.records.read_bytes()
    origin = folder.origin.read_bytes()

    @given(st.integers(0, len(whole) - 1))
    @settings(max_examples=15, deadline=None)
    def cut(at: int) -> None:
        folder.records.write_bytes(whole[:at])
        folder.origin.write_bytes(origin)
        assert main(["report", str(folder.path)]) == 0
        assert run(RECORDS - whole[:at].count(b"\n")) == 0
        assert folder.records.read_bytes() == whole

    cut()


def test_an_unfinished_run_is_reported_over_the_questions_that_its_systems_share(
    run: Run, folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    run(4)
    capsys.readouterr()
    assert main(["report", str(folder.path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "UNFINISHED: 4 of 6 records are there. What follows is over:\n"
        "  help: the first 1 of 3 questions, 2 of 2 systems\n"
        "The same `run` command goes on with it.\n"
    )
    assert "n=1" in printed
    assert main(["report", str(folder.path), "--json"]) == 0
    both = capsys.readouterr()
    assert {row["queries"] for row in json.loads(both.out)} == {1}
    assert "UNFINISHED: 4 of 6" in both.err
    assert not folder.summary.exists()
    assert main(["compare", str(folder.path), "long/first", "short/first"]) == 0
    assert "UNFINISHED: 4 of 6" in capsys.readouterr().out
    with folder.records.open() as lines:
        kept = [line for line in lines if '"short"' not in line]
    folder.records.write_text("".join(kept))
    assert main(["report", str(folder.path)]) == 0
    assert "help: the first 3 of 3 questions, 1 of 2 systems" in capsys.readouterr().out


def test_two_systems_that_were_asked_everything_are_compared_in_an_unfinished_run(
    run: Run, folder: RunFolder, suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite.write_text(SUITE.replace("  short", "  middle: {words: 9}\n  short"), encoding="utf-8")
    assert run(7) == INTERRUPTED
    capsys.readouterr()
    assert main(["compare", str(folder.path), "long/first", "middle/first"]) == 0
    assert "UNFINISHED" not in capsys.readouterr().out
    assert main(["compare", str(folder.path), "long/first", "short/first"]) == 0
    assert "UNFINISHED: 7 of 9 records" in capsys.readouterr().out


def test_a_run_does_not_go_on_with_another_suite(
    run: Run, folder: RunFolder, suite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(4)
    records = folder.records.read_bytes()
    suite.write_text(SUITE.replace("words: 4", "words: 5"), encoding="utf-8")
    assert run() == FAILED
    said = capsys.readouterr().err
    assert f"from line 5 {suite} differs from {folder.suite}; give that suite to finish it" in said
    assert folder.records.read_bytes() == records
    suite.write_text(SUITE, encoding="utf-8")
    assert run(2) == 0


@pytest.mark.parametrize(
    ("file", "right", "wrong", "changed"),
    [
        ("corpus.jsonl", "three boxes", "four boxes", "the documents of help"),
        ("queries.jsonl", "zebra", "giraffe", "the questions of help"),
        ("qrels.tsv", "q1\tpause\t2", "q1\tpause\t1", "the questions of help"),
    ],
)
def test_a_run_does_not_go_on_over_other_data(
    file: str,
    right: str,
    wrong: str,
    changed: str,
    run: Run,
    folder: RunFolder,
    data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(4)
    path = data / "help" / file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    assert run() == FAILED
    assert f"since then there have changed: {changed}; its records" in capsys.readouterr().err
    path.write_text(text, encoding="utf-8")
    assert run(2) == 0


def test_a_run_does_not_go_on_with_other_indexes_or_code(
    run: Run, folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    run(4)
    origin = json.loads(folder.origin.read_text(encoding="utf-8"))
    for name in ("the index help-short", "the code of retrieval"):
        origin["parts"][name] = "of another version"
    origin["parts"]["the use case answer"] = "asked no longer"
    folder.origin.write_text(json.dumps(origin), encoding="utf-8")
    assert run() == FAILED
    changed = "the index help-short, the code of retrieval, the use case answer;"
    assert f"since then there have changed: {changed}" in capsys.readouterr().err
    folder.origin.write_text("{", encoding="utf-8")
    assert run() == FAILED
    assert "origin.json is damaged: " in capsys.readouterr().err


def test_a_run_of_an_earlier_version_is_reported_and_not_gone_on_with(
    run: Run, folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    folder.origin.unlink()
    capsys.readouterr()
    assert main(["report", str(folder.path)]) == 0
    assert "UNFINISHED" not in capsys.readouterr().out
    lines = folder.records.read_bytes().splitlines(keepends=True)
    folder.records.write_bytes(b"".join(lines[:4]))
    assert main(["report", str(folder.path)]) == 0
    printed = capsys.readouterr().out
    assert "help: the first 1 of 3 questions, 2 of 2 systems" in printed
    assert "it cannot be gone on with" in printed
    assert run() == FAILED
    assert "holds a run already; choose another folder" in capsys.readouterr().err


def test_one_process_at_a_time_runs_into_a_folder(
    run: Run, folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with folder.alone():
        assert run() == FAILED
        assert f"another process is running a suite into {folder.path}" in capsys.readouterr().err
        with pytest.raises(RecordsError, match="another process"), folder.alone():
            pass
    assert run() == 0


PROCESS = """\
import sys
from contextlib import nullcontext
from benchmarks.__main__ import main
from indexers.leaving import leave
from tests.benchmarks.test_unfinished import StoppedEngine
engine = StoppedEngine(answers=int(sys.argv[1]), waits=True)
leave(main(sys.argv[2:], lambda data_dir: nullcontext(engine)))
"""


def test_a_process_that_is_killed_or_interrupted_loses_nothing(
    suite: Path, data: Path, folder: RunFolder
) -> None:
    arguments = ["run", str(suite), "--out", str(folder.path), "--data", str(data)]
    there = 0
    for answers, sent in ((2, signal.SIGKILL), (3, signal.SIGINT)):
        with started(answers, arguments) as process:
            there += answers
            wait_for_lines(folder.records, there, process)
            process.send_signal(sent)
            _, said = process.communicate(timeout=60)
        assert process.returncode == (INTERRUPTED if sent is signal.SIGINT else -sent)
        assert (b"interrupted: 5 of 6" in said) == (sent is signal.SIGINT)
        assert b"Traceback" not in said
    with started(1, arguments) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"5 of 6 records are there\nhelp short: indexing 1\n" in said
    assert [len(records) for records in folder.load().runs.values()] == [3, 3]


def started(answers: int, arguments: list[str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", PROCESS, str(answers), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for_lines(path: Path, count: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
