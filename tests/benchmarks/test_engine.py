"""Passages itself, as suites run it."""

import asyncio
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.answers.answering import ask
from benchmarks.calibrate import calibrate, load_calibration
from benchmarks.datasets import Dataset, Places, Question
from benchmarks.engine import PassagesEngine, open_engine
from benchmarks.errors import BenchmarksError, BuildError, SearchError, SuiteError
from benchmarks.suite import BuildSpec, SearchSpec
from chunkers.document import Content, ContentType, Format
from indexers.located import Located
from indexers.state import State
from indexers.store.edge import EdgeStore
from retrieval.answering import Quoting

BUILD = BuildSpec(name="plain", where=Located("suite.yaml", 1))
SEARCH = SearchSpec(name="default", where=Located("suite.yaml", 2))
QUESTION = Question(id="q1", text="how do I pause my plan?", judgments={"pause": 1})
ARTICLE = Content(
    id="pause",
    content_type=ContentType.ARTICLE,
    format=Format.TEXT,
    data=b"You can pause your plan for up to three boxes.",
    revision="1",
)
FAQ = Content(
    id="refund",
    content_type=ContentType.FAQ,
    format=Format.JSON,
    data=b'{"id": "refund", "question": "When is the refund?", "answer": "In five days."}',
    revision="1",
)


def help_set(*documents: Content) -> Dataset:
    """A data set with one question."""
    return Dataset(name="help", documents=documents, questions=(QUESTION,))


def silent(doing: str, done: int, total: int | None) -> None:
    """Tells nobody of the progress."""


@dataclass
class Place:
    """An engine, and the store behind it."""

    store: EdgeStore
    engine: PassagesEngine

    def lose(self, ending: str) -> None:
        """Delete the collections of the indexes whose names end so."""
        for index, collection in self.store.aliases().items():
            if index.endswith(ending):
                self.store.drop(collection)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    store, state = EdgeStore(tmp_path / "store"), State(tmp_path / "passages.db")
    with asyncio.Runner() as runner:
        yield Place(store, PassagesEngine(store, state, runner))
    store.close()
    state.close()


def test_a_data_set_without_documents_is_said_not_to_be_one_to_run(place: Place) -> None:
    """Such as the form out_of_scope, whose questions are there to calibrate with."""
    with pytest.raises(BuildError, match="help has no documents to index"):
        place.engine.build(help_set(), BUILD, silent)


def test_a_question_that_an_index_fails_on_is_not_answered(place: Place) -> None:
    dataset = help_set(ARTICLE)
    place.engine.build(dataset, BUILD, silent)
    assert place.engine.search(dataset, BUILD, SEARCH, QUESTION).answered
    place.lose("article")
    with pytest.raises(SearchError, match=r"help, plain/default, question 'q1': no collection"):
        place.engine.search(dataset, BUILD, SEARCH, QUESTION)


def test_ctrl_c_is_heard_in_the_midst_of_a_search(place: Place) -> None:
    dataset = help_set(ARTICLE)
    place.engine.build(dataset, BUILD, silent)
    place.engine.search(dataset, BUILD, SEARCH, QUESTION)

    def ask_for(seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            place.engine.search(dataset, BUILD, SEARCH, QUESTION)

    before = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        for _ in range(5):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(KeyboardInterrupt):
                ask_for(10)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert place.engine.search(dataset, BUILD, SEARCH, QUESTION).answered


def test_answerers_are_asked_of_the_passages_that_are_returned(place: Place) -> None:
    dataset = help_set(ARTICLE)
    place.engine.build(dataset, BUILD, silent)
    found = place.engine.search(dataset, BUILD, SEARCH, QUESTION)
    assert found.asked.text == QUESTION.text
    assert [passage.text for passage in found.asked.passages] == [
        passage.text for passage in found.passages
    ]
    given = ask(Quoting(), found.asked)
    assert (given.text, given.cited) == (ARTICLE.data.decode(), (1,))


def test_what_only_some_indexes_answer_is_no_answer(place: Place) -> None:
    dataset = help_set(ARTICLE, FAQ)
    place.engine.build(dataset, BUILD, silent)
    found = place.engine.search(dataset, BUILD, SEARCH, QUESTION)
    assert {hit.document_id for hit in found.ranked} == {"pause", "refund"}
    place.lose("faq")
    part = r"question 'q1': answered in part only: search:help-plain-faq: no collection"
    with pytest.raises(SearchError, match=part):
        place.engine.search(dataset, BUILD, SEARCH, QUESTION)


def test_a_calibration_that_an_index_fails_in_stops(
    place: Place, tmp_path: Path, data: Path
) -> None:
    suite = tmp_path / "calibrate.yaml"
    suite.write_text("datasets:\n  help: {form: retrieval, path: help}\n", encoding="utf-8")
    places = Places(data=data, catalog=tmp_path / "catalog.yaml")

    def lose(doing: str, done: int, total: int | None) -> None:
        if "questions" in doing:
            place.lose("")

    with pytest.raises(SearchError, match="help, questions of help: no collection"):
        calibrate(load_calibration(suite), places, place.engine, lose)


def test_a_build_is_checked_for_every_content_type_of_the_documents(place: Place) -> None:
    build = BuildSpec(name="small", where=Located("suite.yaml", 1))
    build.where["chunker"] = Located("suite.yaml", 3)
    build.where["chunker"]["kind"] = "faqs"
    with pytest.raises(SuiteError, match=r"suite\.yaml:3: unknown kind 'faqs'; valid: "):
        place.engine.check(help_set(ARTICLE, FAQ), build, [SEARCH])
    search = SearchSpec(name="many", where=Located("suite.yaml", 5))
    search.where["max_passages"] = 0
    search.where.lines["max_passages"] = 6
    with pytest.raises(SuiteError, match=r"suite\.yaml:6: 'max_passages' must be a whole number"):
        place.engine.check(help_set(ARTICLE, FAQ), BUILD, [SEARCH, search])
    assert place.store.collections() == []


def test_a_checked_build_is_known_by_its_fingerprints(place: Place) -> None:
    found = place.engine.check(help_set(ARTICLE, FAQ), BUILD, [SEARCH])
    assert list(found) == ["help-plain-article", "help-plain-faq"]
    place.engine.build(help_set(ARTICLE, FAQ), BUILD, silent)
    for name, collection in place.store.aliases().items():
        assert found[name] in collection


def test_a_folder_that_cannot_hold_indexes_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(BenchmarksError, match=r"file cannot hold indexes: "),
        open_engine(tmp_path / "file"),
    ):
        pass


def test_a_state_that_cannot_be_read_leaves_the_store_to_others(tmp_path: Path) -> None:
    (tmp_path / "passages.db").write_text("not a database. " * 100)
    with pytest.raises(BenchmarksError, match="cannot hold indexes"), open_engine(tmp_path):
        pass
    EdgeStore(tmp_path / "store").close()
