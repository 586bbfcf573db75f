"""One contract, every store: Qdrant Edge, and the server adapter over qdrant-client.

The adapter runs on the client's own imitation ("memory"), over HTTP against the stand-in for a
server ("wire"), and, where QDRANT_URL names one, on a live server ("server").
"""

import math
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.performance.qdrant import started_qdrant
from indexers.bm25 import Bm25Encoder, SparseVector
from indexers.errors import CollectionNotFoundError, StoreError, StoreInUseError
from indexers.filters import AnyOf, FilterType, Range, check_value, parse_condition
from indexers.store import Point, Schema, Search, VectorStore
from indexers.store.edge import EdgeStore
from indexers.store.server import ServerStore

SCHEMA = Schema(
    dimension=4,
    filters={
        "locale": FilterType.KEYWORD,
        "year": FilterType.INTEGER,
        "price": FilterType.FLOAT,
        "draft": FilterType.BOOL,
        "updated_at": FilterType.DATETIME,
    },
)
BM25 = Bm25Encoder()


@pytest.fixture(scope="session")
def wire_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started_qdrant(tmp_path_factory.mktemp("qdrant")) as url:
        yield url


@pytest.fixture(params=["edge", "memory", "wire", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    url = os.environ.get("QDRANT_URL", "")
    if request.param == "server" and not url:
        pytest.skip("set QDRANT_URL to run this against a live Qdrant server")
    kinds: dict[str, Any] = {
        "edge": lambda: EdgeStore(tmp_path / "store"),
        "memory": lambda: ServerStore(":memory:"),
        "wire": lambda: ServerStore(request.getfixturevalue("wire_url")),
        "server": lambda: ServerStore(url, os.environ.get("QDRANT_API_KEY")),
    }
    made: VectorStore = kinds[request.param]()
    for name in ("one", "two"):
        made.drop(name)
    yield made
    for name in ("one", "two"):
        made.drop(name)
    made.close()


def id_of(number: int) -> str:
    return str(uuid.UUID(int=number))


def point(number: int, text: str = "", *, document: str = "d", **filters: Any) -> Point:
    axis = np.zeros(4, np.float32)
    axis[number % 4] = 1.0
    return Point(
        id=id_of(number),
        dense=axis,
        sparse=BM25.encode_document(text or f"text {number}"),
        payload={"document_id": document, "number": number, "filters": filters},
    )


def find(store: VectorStore, **more: Any) -> dict[int, dict[str, float]]:
    search = Search(
        dense=np.array([1, 0, 0, 0], np.float32),
        sparse=more.pop("sparse", None),
        limit=more.pop("limit", 10),
        **more,
    )
    return {hit.payload["number"]: dict(hit.scores) for hit in store.search("one", search)}


def test_points_come_back_with_payload_and_cosine(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    store.upsert("one", [point(0), point(1)])
    assert store.count("one") == 2
    assert store.retrieve("one", [id_of(1), id_of(9)])[id_of(1)]["number"] == 1
    found = find(store)
    assert found[0]["dense"] == pytest.approx(1.0)
    assert found[1]["dense"] == pytest.approx(0.0)


def test_creating_again_keeps_the_points(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    store.upsert("one", [point(0)])
    store.create("one", SCHEMA)
    assert store.count("one") == 1
    assert "one" in store.collections()


def test_an_upsert_replaces_by_id(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    store.upsert("one", [point(0, locale="en")])
    store.upsert("one", [point(0, locale="es")])
    assert store.count("one") == 1
    assert store.retrieve("one", [id_of(0)])[id_of(0)]["filters"] == {"locale": "es"}


def test_every_candidate_has_every_score(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    store.upsert("one", [point(0, "apples"), point(1, "pears"), point(2, "pears and plums")])
    found = find(store, sparse=BM25.encode_query("plums"), limit=1)
    assert set(found) == {0, 2}, "one by the dense vector, one by the sparse"
    assert found[0]["sparse"] == 0.0
    assert found[2]["sparse"] > 0.0
    assert found[2]["dense"] == pytest.approx(0.0)


def test_bm25_weighs_rare_terms_more(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    store.upsert("one", [point(n, "common word") for n in range(8)])
    store.upsert("one", [point(8, "rare word")])
    scores = find(store, sparse=BM25.encode_query("rare common"))
    assert scores[8]["sparse"] > scores[0]["sparse"] > 0


def test_inverse_document_frequency(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    store.upsert("one", [point(n, "common word") for n in range(8)] + [point(8, "rare word")])
    (common,) = BM25.encode_query("common").indices
    (rare,) = BM25.encode_query("rare").indices
    (unseen,) = BM25.encode_query("unseen").indices
    found = store.inverse_document_frequency("one", [common, rare, unseen])
    assert found[common] == pytest.approx(math.log1p((9 - 8 + 0.5) / (8 + 0.5)), rel=1e-3)
    assert found[rare] == pytest.approx(math.log1p((9 - 1 + 0.5) / (1 + 0.5)), rel=1e-3)
    assert found[unseen] == pytest.approx(math.log1p(9.5 / 0.5))
    assert store.inverse_document_frequency("one", []) == {}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"locale": AnyOf(("en",))}, {0, 2}),
        ({"locale": AnyOf(("en", "es"))}, {0, 1, 2}),
        ({"tags": AnyOf(("b",))}, {1}),
        ({"year": AnyOf((2024,))}, {1}),
        ({"year": Range(gte=2024, lt=2026)}, {1, 2}),
        ({"price": Range(gt=1.5)}, {1, 2}),
        ({"price": AnyOf((2.5,))}, {1}),
        ({"draft": AnyOf((True,))}, {2}),
        ({"flags": AnyOf((True,))}, {1}),
        ({"flags": AnyOf((False,))}, {0, 1}),
        ({"updated_at": Range(gte="2026-02-01T00:00:00Z")}, {1, 2}),
        ({"locale": AnyOf(("en",)), "draft": AnyOf((True,))}, {2}),
        ({"locale": AnyOf(("fr",))}, set()),
    ],
)
def test_filters(store: VectorStore, condition: dict[str, Any], expected: set[int]) -> None:
    lists = {"tags": FilterType.KEYWORD, "flags": FilterType.BOOL}
    schema = Schema(dimension=4, filters={**SCHEMA.filters, **lists})
    store.create("one", schema)
    times = ("2026-01-05T00:00:00Z", "2026-02-05T00:00:00Z", "2026-03-05T00:00:00Z")
    store.upsert(
        "one",
        [
            point(
                0,
                locale="en",
                year=2023,
                price=1.5,
                draft=False,
                flags=[False],
                updated_at=times[0],
            ),
            point(
                1,
                locale="es",
                year=2024,
                price=2.5,
                tags=["a", "b"],
                flags=[True, False],
                updated_at=times[1],
            ),
            point(2, locale="en", year=2025, price=3.5, draft=True, updated_at=times[2]),
        ],
    )
    assert set(find(store, filters=condition)) == expected


def test_a_whole_number_finds_a_stored_float(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    prices = (3.0, 3, 3.5, [1.5, 7.0])
    store.upsert("one", [point(number, price=price) for number, price in enumerate(prices)])
    for asked, expected in [(3, {0, 1}), ([3, 7], {0, 1, 3}), (3.5, {2}), ({"gte": 4}, {3})]:
        condition = parse_condition(FilterType.FLOAT, asked)
        assert set(find(store, filters={"price": condition})) == expected


def test_every_date_time_that_is_accepted_is_found(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    zones = ("", "Z", "+01:00", "-0130")
    times = [f"{apart}10:00:00{part}{z}" for apart in "T " for part in ("", ".25") for z in zones]
    dates = ["2026-02-05", "2026-02-05 10:00", *(f"2026-02-05{time}" for time in times)]
    for number, date in enumerate(dates):
        check_value(FilterType.DATETIME, date)
        store.upsert("one", [point(number, updated_at=date)])
    for number, date in enumerate(dates):
        condition = parse_condition(FilterType.DATETIME, {"gte": date, "lte": date})
        assert number in find(store, filters={"updated_at": condition}, limit=100), date


def test_deleting_a_document_keeps_what_is_named(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    store.upsert("one", [point(0), point(1), point(2, document="other")])
    store.delete_document("one", "d", keep=[id_of(1)])
    assert set(find(store)) == {1, 2}
    store.delete_document("one", "d")
    assert set(find(store)) == {2}


def test_an_alias_switches(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    store.create("two", SCHEMA)
    store.switch("live", "one")
    assert store.aliases()["live"] == "one"
    store.switch("live", "two")
    assert store.aliases()["live"] == "two"


def test_a_missing_collection_is_named(store: VectorStore) -> None:
    with pytest.raises(CollectionNotFoundError, match="one"):
        store.count("one")
    with pytest.raises(CollectionNotFoundError, match="one"):
        find(store)
    with pytest.raises(CollectionNotFoundError, match="one"):
        store.switch("live", "one")
    store.drop("one")


def test_a_search_that_finds_nothing(store: VectorStore) -> None:
    store.create("one", SCHEMA)
    assert find(store) == {}
    store.upsert("one", [point(0)])
    empty = Search(dense=None, sparse=SparseVector((), ()), limit=3)
    assert store.search("one", empty) == []


def test_edge_keeps_everything_over_a_restart(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    store.create("one", SCHEMA)
    store.upsert("one", [point(n) for n in range(20)])
    store.switch("live", "one")
    store.close()
    again = EdgeStore(tmp_path)
    assert again.aliases() == {"live": "one"}
    assert again.count("one") == 20
    again.optimize("one")
    assert set(find(again, limit=20)) == set(range(20))
    again.close()


def test_edge_belongs_to_one_owner(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    with pytest.raises(StoreInUseError, match=str(os.getpid())):
        EdgeStore(tmp_path)
    store.close()
    EdgeStore(tmp_path).close()


def searched_by_four_threads(store: EdgeStore, meanwhile: Callable[[], None]) -> set[str]:
    """Search without a pause from four threads; the names of what was raised."""
    raised: set[str] = set()
    stopped = threading.Event()

    def work() -> None:
        while not stopped.is_set():
            try:
                assert len(find(store, limit=50)) == 50
            except StoreError as exc:
                time.sleep(0.001)
                raised.add(type(exc).__name__)

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work) for _ in range(4)]
        try:
            time.sleep(0.2)
            assert not raised
            meanwhile()
            time.sleep(0.1)
        finally:
            stopped.set()
    for one in working:
        one.result()
    return raised


def test_edge_drops_a_collection_whole_while_it_is_searched(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    for _ in range(3):
        store.create("one", SCHEMA)
        store.upsert("one", [point(n) for n in range(1000)])
        raised = searched_by_four_threads(store, lambda: store.drop("one"))
        assert raised == {"CollectionNotFoundError"}
        assert store.collections() == []
    store.create("one", SCHEMA)
    assert store.count("one") == 0, "the name is free again, and nothing of the old one is left"
    store.close()
    assert [path.name for path in (tmp_path / "collections").iterdir()] == ["one"]


def test_edge_closes_while_it_is_searched_and_stays_closed(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path)
    store.create("one", SCHEMA)
    store.upsert("one", [point(n) for n in range(1000)])
    for _ in range(5):
        assert searched_by_four_threads(store, store.close) == {"StoreError"}
        store = EdgeStore(tmp_path)
    store.close()
    store.close()
    other = EdgeStore(tmp_path)
    with pytest.raises(StoreError, match="is closed"):
        store.count("one")
    assert other.count("one") == 1000
    other.close()


def test_edge_says_which_folder_it_cannot_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file: "):
        EdgeStore(tmp_path / "file")


def test_edge_forgets_what_a_crash_left_half_made_or_half_dropped(tmp_path: Path) -> None:
    for name in ("one.making", "two.dropped"):
        (tmp_path / "collections" / name).mkdir(parents=True)
    store = EdgeStore(tmp_path)
    assert store.collections() == []
    for name in ("one", "two"):
        store.create(name, SCHEMA)
        store.drop(name)
    assert list((tmp_path / "collections").iterdir()) == []
    store.close()


@pytest.mark.parametrize("url", ["http://qdrant:port", "http://127.0.0.1:99999", "ftp://qdrant"])
def test_what_is_no_url_of_a_server_is_said(url: str) -> None:
    with pytest.raises(StoreError, match=re.escape(f"{url!r} is not the URL of a Qdrant server")):
        ServerStore(url)
