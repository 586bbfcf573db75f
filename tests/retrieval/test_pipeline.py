"""The way of a query over small real indexes: routing, filters, deadlines, what is degraded."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexers.errors import StoreError
from indexers.store import Candidate, Search
from indexers.store.edge import EdgeStore
from retrieval.engine import Engine
from retrieval.errors import DeadlineExceededError, InvalidQueryError, NotReadyError
from retrieval.pipeline import retrieve
from retrieval.query import Query, Retrieved, Turn
from tests.builders import Site, faq

CATALOG = """\
indexes:
  faqs:
    content_type: faq
    source: {kind: jsonl, path: faqs.jsonl}
    filters: &fields {locale: keyword, year: integer, price: float, draft: bool, tags: keyword,
      flags: bool, updated_at: datetime}
  articles:
    content_type: article
    source: {kind: directory, path: articles}
    filters: {locale: keyword}
  empty:
    content_type: snippet
    source: {kind: jsonl, path: empty.jsonl}
    filters: {locale: keyword}
""".replace("&fields ", "")

PAUSE = "How do I pause my plan?"
FAQS = [
    faq(
        "pause",
        PAUSE,
        "Open the app, select Plan and then Pause.",
        locale="en",
        updated_at="2026-01-31",
        metadata={"year": 2024, "price": 1.5, "draft": False, "tags": ["plan", "app"]},
    ),
    faq(
        "pausar",
        "¿Cómo pauso mi plan?",
        "Abre la aplicación, elige Plan y después Pausar.",
        locale="es",
        updated_at="2026-03-31T10:00:00Z",
        metadata={"year": 2026, "price": 2.5, "draft": True, "flags": [True, False]},
    ),
    faq("water", "How often do I water basil?", "Every day in summer.", locale="en"),
]
ARTICLE = "# Pausing a plan\n\nA plan can be paused for one to six months in the app.\n"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("pipeline"), CATALOG)
    site.faqs(*FAQS)
    site.articles({"plans/pause plan.md": ARTICLE})
    assert not site.reindex("faqs").failures
    assert not site.reindex("articles").failures
    yield site
    site.close()


@pytest.fixture(scope="module")
def engine(indexed: Site) -> Engine:
    return indexed.engine()


def ask(engine: Engine, text: str = PAUSE, **more: Any) -> Retrieved:
    given = {"indexes": ("faqs", "articles"), "min_relevance": 0.0, "deadline_ms": 10_000, **more}
    return asyncio.run(retrieve(engine, Query(text=text, **given)))


def documents(found: Retrieved) -> list[str]:
    return [passage.document.id for passage in found.passages]


def test_all_indexes_answer_together_best_first(engine: Engine) -> None:
    found = ask(engine)
    assert documents(found)[0] == "pause"
    assert "plans/pause plan.md" in documents(found)
    relevances = [passage.relevance for passage in found.passages]
    assert relevances == sorted(relevances, reverse=True)
    assert (found.answerable, found.reason, found.degraded) == (True, None, ())
    assert set(found.builds) == {"faqs", "articles"}
    assert set(found.timings_ms) == {"embed", "search", "select", "total"}


def test_a_query_is_routed_to_the_indexes_it_names(engine: Engine) -> None:
    found = ask(engine, indexes=("articles",))
    assert documents(found) == ["plans/pause plan.md"]
    assert set(found.builds) == {"articles"}


def test_an_unknown_index_is_named_with_the_valid_ones(engine: Engine) -> None:
    with pytest.raises(InvalidQueryError, match="unknown index 'faq'") as caught:
        ask(engine, indexes=("faqs", "faq"))
    assert (caught.value.field, caught.value.valid) == ("indexes", ("faqs", "articles", "empty"))


def test_an_index_that_was_never_indexed_is_named_and_the_others_answer(engine: Engine) -> None:
    found = ask(engine, indexes=())
    assert documents(found)
    (degraded,) = found.degraded
    assert degraded.stage == "search:empty"
    assert "index 'empty' was never indexed; run 'python -m indexers reindex" in degraded.reason


def test_nothing_but_indexes_that_were_never_indexed_is_an_error(engine: Engine) -> None:
    with pytest.raises(NotReadyError, match="index 'empty' was never indexed"):
        ask(engine, indexes=("empty",))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"locale": "es"}, {"pausar"}),
        ({"locale": ["es", "en"]}, {"pause", "pausar", "water"}),
        ({"locale": "fr"}, set()),
        ({"year": 2024}, {"pause"}),
        ({"year": {"gt": 2024}}, {"pausar"}),
        ({"price": {"gte": 1.5, "lt": 2}}, {"pause"}),
        ({"price": 2.5}, {"pausar"}),
        ({"draft": True}, {"pausar"}),
        ({"draft": False}, {"pause"}),
        ({"tags": "app"}, {"pause"}),
        ({"flags": True}, {"pausar"}),
        ({"flags": False}, {"pausar"}),
        ({"updated_at": {"gte": "2026-02-01"}}, {"pausar"}),
        ({"updated_at": {"lt": "2026-02-01T00:00:00Z"}}, {"pause"}),
        ({"locale": "en", "tags": ["plan", "x"]}, {"pause"}),
    ],
)
def test_filters_of_every_type_work_through_the_whole_way(
    engine: Engine, filters: dict[str, Any], expected: set[str]
) -> None:
    found = ask(engine, indexes=("faqs",), filters=filters)
    assert set(documents(found)) == expected
    if not expected:
        assert found.reason is not None
        assert "no document passes the filters" in found.reason


def test_an_undeclared_filter_is_named_with_the_declared_ones(engine: Engine) -> None:
    with pytest.raises(InvalidQueryError, match="'articles' declares no filter 'year'") as caught:
        ask(engine, filters={"year": 2024})
    assert (caught.value.field, caught.value.valid) == ("filters.year", ("locale",))


@pytest.mark.parametrize("value", [[], {}, None, "2024", 10**30, {"gte": "x"}, {"around": 3}])
def test_a_filter_s_value_of_another_type_is_refused(engine: Engine, value: Any) -> None:
    with pytest.raises(InvalidQueryError, match="year takes") as caught:
        ask(engine, indexes=("faqs",), filters={"year": value})
    assert caught.value.field == "filters.year"


def test_min_relevance_of_the_query_goes_before_the_index_s_own(engine: Engine) -> None:
    text, indexes = "quantum chromodynamics lattice", ("faqs",)
    everything = ask(engine, text, indexes=indexes, min_relevance=0.0)
    assert len(everything.passages) == len(FAQS)
    nothing = ask(engine, text, indexes=indexes, min_relevance=None)
    assert not nothing.answerable
    assert nothing.passages == ()
    assert nothing.reason is not None
    assert "below the threshold" in nothing.reason


def test_explain_says_what_became_of_every_hit(engine: Engine) -> None:
    found = ask(engine, max_passages=1, explain=True)
    assert {hit.id for hit in found.ranked} == {
        *(passage.id for passage in found.passages),
        *(item.id for item in found.dropped),
    }
    assert {item.reason for item in found.dropped} == {"max_passages 1 reached"}
    assert ask(engine, max_passages=1).dropped == ()


def test_a_budget_that_nothing_fits_is_the_reason_given(engine: Engine) -> None:
    found = ask(engine, max_tokens=1)
    assert not found.answerable
    assert found.reason is not None
    assert "max_tokens 1 reached" in found.reason


def test_the_conversation_is_said_to_be_left_out(engine: Engine) -> None:
    before = (Turn(role="user", text="I am on holiday."),)
    query = Query(text=PAUSE, conversation=before, indexes=("faqs",), min_relevance=0.0)
    found = asyncio.run(retrieve(engine, query))
    assert [item.stage for item in found.degraded] == ["rewrite"]
    assert found.answerable


@pytest.mark.parametrize(
    "text", ["the of and", "?!", "🙂", "\x00", "密码", "a" * 8000, "x " * 4000]
)
def test_any_text_is_a_question(engine: Engine, text: str) -> None:
    assert len(ask(engine, text).ranked) > 0


class SickStore(EdgeStore):
    """An embedded store of which one index's searches are slow, or fail."""

    def __init__(self, folder: Path, index: str, *, seconds: float = 0.0) -> None:
        super().__init__(folder)
        self.index, self.seconds = index, seconds

    def search(self, collection: str, search: Search) -> list[Candidate]:
        if collection.startswith(self.index):
            if not self.seconds:
                raise StoreError("the disk is gone")
            time.sleep(self.seconds)
        return super().search(collection, search)


@pytest.fixture
def sick(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, CATALOG)
    site.faqs(*FAQS)
    site.articles({"pause.md": ARTICLE})
    site.reindex("faqs")
    site.reindex("articles")
    site.store.close()
    yield site
    site.close()


def test_one_index_that_fails_is_named_and_the_others_answer(sick: Site) -> None:
    sick.store = SickStore(sick.folder / "data" / "store", "faqs")
    found = ask(sick.engine())
    assert documents(found) == ["pause.md"]
    assert [(item.stage, item.reason) for item in found.degraded] == [
        ("search:faqs", "the disk is gone")
    ]
    with pytest.raises(NotReadyError, match="the disk is gone"):
        ask(sick.engine(), indexes=("faqs",))


def test_one_index_that_is_late_is_named_and_the_others_answer(sick: Site) -> None:
    sick.store = SickStore(sick.folder / "data" / "store", "faqs", seconds=1.5)
    engine = sick.engine()
    engine.warm()
    found = ask(engine, deadline_ms=700)
    assert documents(found) == ["pause.md"]
    assert [(item.stage, item.reason) for item in found.degraded] == [
        ("search:faqs", "no answer within 700 ms")
    ]


def test_nothing_in_time_is_a_deadline_exceeded(sick: Site) -> None:
    sick.store = SickStore(sick.folder / "data" / "store", "", seconds=1.0)
    engine = sick.engine()
    engine.warm()
    with pytest.raises(DeadlineExceededError, match="no answer within 500 ms"):
        ask(engine, deadline_ms=500)
    with pytest.raises(DeadlineExceededError):
        ask(engine, deadline_ms=0)
