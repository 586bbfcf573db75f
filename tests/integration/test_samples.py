"""The sample help centre from its sources to passages, and its labelled questions."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chunkers import Document, extract
from indexers.build import reindex
from indexers.sources import Entry
from indexers.state import State
from indexers.store.server import ServerStore
from retrieval.engine import Engine
from retrieval.pipeline import retrieve
from retrieval.query import Query, Retrieved
from tests.conftest import HelpCentre


@pytest.fixture(scope="module")
def documents(help_centre: HelpCentre) -> dict[tuple[str, str], Document]:
    """Every document of the samples as it was extracted, by index and id."""
    found = {}
    for name, spec in help_centre.catalog.items():
        for item in spec.build.source.list({}):
            assert isinstance(item, Entry)
            found[name, item.id] = extract(spec.build.source.read(item))
    return found


def ask(engine: Engine, question: dict[str, Any], **more: Any) -> Retrieved:
    query = Query(text=question["question"], deadline_ms=30_000, **more)
    return asyncio.run(retrieve(engine, query))


def test_every_document_is_indexed(
    help_centre: HelpCentre, documents: dict[tuple[str, str], Document]
) -> None:
    rows = {row["name"]: row for row in help_centre.engine.describe()}
    for name, row in rows.items():
        assert row["documents"] == sum(index == name for index, _ in documents)
        assert row["chunks"] >= row["documents"]
        assert row["current"]


def test_every_passage_tiles_back_to_its_document(
    help_centre: HelpCentre, documents: dict[tuple[str, str], Document]
) -> None:
    passages = 0
    for question in help_centre.questions:
        found = ask(help_centre.engine, question, min_relevance=0.0, max_tokens=3000)
        assert sum(passage.tokens for passage in found.passages) <= 3000
        for passage in found.passages:
            document = documents[passage.index, passage.document.id]
            assert document.text[passage.span.start : passage.span.end] == passage.text
            assert passage.document.title == document.title
            passages += 1
    assert passages > 100


def test_most_questions_find_a_document_that_answers(help_centre: HelpCentre) -> None:
    """The labelled facts. How well they are ranked is measured by the benchmarks; this is a floor
    under which something is broken."""
    answered = [question for question in help_centre.questions if question["answers"]]
    found = 0
    for question in answered:
        right = {(answer["index"], answer["document_id"]) for answer in question["answers"]}
        passages = ask(help_centre.engine, question, min_relevance=0.0).passages
        found += bool(right & {(passage.index, passage.document.id) for passage in passages})
    assert found / len(answered) >= 0.6


def test_every_index_can_be_filtered_by_the_locale_it_declares(help_centre: HelpCentre) -> None:
    question = {"question": "how do I water the garden"}
    for name in help_centre.catalog:
        given = {"indexes": (name,), "filters": {"locale": "en"}, "min_relevance": 0.0}
        assert ask(help_centre.engine, question, **given).ranked, name


def test_what_is_off_topic_is_not_answered(help_centre: HelpCentre) -> None:
    off_topic = [
        question
        for question in help_centre.questions
        if not question["answers"] and "off topic" in question["note"].lower()
    ]
    assert len(off_topic) >= 5
    answered = [q["id"] for q in off_topic if ask(help_centre.engine, q).answerable]
    assert len(answered) <= 1, answered


@pytest.fixture(scope="module")
def through_the_server_adapter(
    help_centre: HelpCentre, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("server")
    store, state = ServerStore(":memory:"), State(folder / "passages.db")
    names = ("faqs", "snippets", "manuals")
    catalog = {name: help_centre.catalog[name] for name in names}
    for spec in catalog.values():
        assert not reindex(spec, store, state).failures
    engine = Engine(catalog, store, state)
    yield engine
    engine.close()


def test_the_server_adapter_gives_the_same_passages(
    help_centre: HelpCentre, through_the_server_adapter: Engine
) -> None:
    names = tuple(through_the_server_adapter.catalog)
    for question in help_centre.questions[::4]:
        one = ask(help_centre.engine, question, indexes=names, min_relevance=0.05)
        other = ask(through_the_server_adapter, question, indexes=names, min_relevance=0.05)
        assert [(p.document.id, p.span, p.text) for p in one.passages] == [
            (p.document.id, p.span, p.text) for p in other.passages
        ]
        assert [p.relevance for p in one.passages] == pytest.approx(
            [p.relevance for p in other.passages], abs=1e-3
        )
