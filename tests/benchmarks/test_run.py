from collections.abc import Collection
from pathlib import Path

import pytest

from benchmarks.datasets import Places
from benchmarks.errors import DatasetError, SuiteError
from benchmarks.matrix import expand
from benchmarks.records import Asked, Record
from benchmarks.run import prepare, run_suite
from benchmarks.suite import load_suite
from tests.benchmarks.conftest import OverlapEngine

SUITE = """\
datasets:
  help: {form: retrieval, path: help}
  marked: {form: spans, path: marked}
builds:
  long: {words: 20}
  short: {words: 4}
searches:
  first: {top_k: 1}
  strict: {top_k: 3, at_least: 0.9}
measures: [hit@1]
"""


def run(
    tmp_path: Path,
    data: Path,
    engine: OverlapEngine,
    suite: str = SUITE,
    done: Collection[Asked] = (),
) -> tuple[list[Record], list[str]]:
    path = tmp_path / "suite.yaml"
    path.write_text(suite, encoding="utf-8")
    said: list[str] = []
    places = Places(data=data, catalog=tmp_path / "catalog.yaml")
    prepared = prepare(expand(load_suite(path)), places, engine)
    records = run_suite(
        prepared,
        engine,
        lambda doing, done, total: said.append(f"{doing} {done}/{total}"),
        done=done,
    )
    return list(records), said


def test_every_system_answers_every_question(
    tmp_path: Path, data: Path, engine: OverlapEngine
) -> None:
    records, _ = run(tmp_path, data, engine)
    assert len(records) == 4 * (3 + 1)
    assert len({(record.key, record.query_id) for record in records}) == len(records)


def test_each_build_is_built_once_for_each_data_set(
    tmp_path: Path, data: Path, engine: OverlapEngine
) -> None:
    run(tmp_path, data, engine)
    assert engine.built == [
        ("help", "long"),
        ("help", "short"),
        ("marked", "long"),
        ("marked", "short"),
    ]


def test_a_record_holds_what_came_back_and_what_was_known(
    tmp_path: Path, data: Path, engine: OverlapEngine
) -> None:
    records, _ = run(tmp_path, data, engine)
    record = records[0]
    assert (record.key.system, record.query_id) == ("long/first", "q1")
    assert record.ranked[0].document_id == "pause"
    assert [passage.document_id for passage in record.passages] == ["pause"]
    assert (record.answered, record.answerable) == (True, True)
    assert record.judgments == {"pause": 2, "wifi": 0}
    unanswerable = records[2]
    assert (unanswerable.query_id, unanswerable.answered) == ("q3", False)
    assert unanswerable.reason == "no passage is like the question"


def test_a_document_is_ranked_once_by_its_best_chunk(
    tmp_path: Path, data: Path, engine: OverlapEngine
) -> None:
    records, _ = run(tmp_path, data, engine)
    short = next(record for record in records if record.build == "short")
    names = [found.document_id for found in short.ranked]
    assert len(names) == len(set(names)) < len(engine.windows["help", "short"])
    scores = [found.score for found in short.ranked]
    assert scores == sorted(scores, reverse=True)


def test_progress_says_what_is_being_done(
    tmp_path: Path, data: Path, engine: OverlapEngine
) -> None:
    _, said = run(tmp_path, data, engine)
    assert said[0] == "help long: indexing 1/None"
    assert said[3] == "help long/first: questions 1/3"
    assert said[-1] == "marked short/strict: questions 1/1"


def test_every_data_set_is_read_before_anything_is_built(
    tmp_path: Path, data: Path, engine: OverlapEngine
) -> None:
    (data / "marked" / "docs.jsonl").unlink()
    with pytest.raises(DatasetError, match=r"docs\.jsonl: No such file"):
        run(tmp_path, data, engine)
    assert engine.built == []


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [("short: {words", "short: {wrods", 6), ("{top_k: 3", "{topk: 3", 9)],
)
def test_every_build_and_search_is_checked_before_anything_is_built(
    tmp_path: Path, data: Path, engine: OverlapEngine, right: str, wrong: str, line: int
) -> None:
    with pytest.raises(SuiteError, match=rf"suite\.yaml:{line}: unknown key"):
        run(tmp_path, data, engine, SUITE.replace(right, wrong))
    assert engine.built == []


def test_what_is_done_is_neither_asked_nor_built_for(
    tmp_path: Path, data: Path, engine: OverlapEngine
) -> None:
    records, _ = run(tmp_path, data, engine)
    # All of the first build, and a question of the second build's first search.
    done = [record.asked for record in records[:7]]
    engine.built.clear()
    again, said = run(tmp_path, data, engine, done=done)
    assert again == records[7:]
    assert engine.built == [("help", "short"), ("marked", "long"), ("marked", "short")]
    assert "help short/first: questions 2/3" in said
    assert "help short/first: questions 1/3" not in said
    assert run(tmp_path, data, engine, done=[record.asked for record in records]) == ([], [])
