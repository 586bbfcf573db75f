"""The server adapter over HTTP, where the network and other processes come in.

The other end is the stand-in, which says of itself what it is: `benchmarks.performance.qdrant`.
"""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from socket import create_server, socket
from typing import Any

import httpx
import numpy as np
import pytest

from benchmarks.errors import BenchmarksError
from benchmarks.performance.qdrant import qdrant_process, started_qdrant
from indexers.bm25 import Bm25Encoder
from indexers.errors import CollectionNotFoundError, StoreError
from indexers.filters import AnyOf, FilterType, Range
from indexers.store import Candidate, Point, Schema, Search, VectorStore
from indexers.store.edge import EdgeStore
from indexers.store.server import ServerStore
from tests.servers import free_port

BM25 = Bm25Encoder()
DIMENSION = 16
WORDS = [f"word{number}" for number in range(40)]
SCHEMA = Schema(
    dimension=DIMENSION,
    filters={
        "locale": FilterType.KEYWORD,
        "year": FilterType.INTEGER,
        "draft": FilterType.BOOL,
        "updated_at": FilterType.DATETIME,
    },
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with started_qdrant(tmp_path_factory.mktemp("qdrant")) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[ServerStore]:
    made = ServerStore(url)
    yield made
    for name in made.collections():
        made.drop(name)
    made.close()


def points(count: int) -> list[Point]:
    """Points with dense and sparse vectors that no two share, always the same ones."""
    random = np.random.default_rng(0)
    return [
        Point(
            id=str(uuid.UUID(int=number)),
            dense=random.normal(size=DIMENSION).astype(np.float32),
            sparse=BM25.encode_document(" ".join(random.choice(WORDS, size=5 + number))),
            payload={
                "document_id": f"d{number % 7}",
                "text": f"Ünïcode «{number}» 日本\u2028\n",
                "score": number / 3,
                "nothing": None,
                "spans": [[0, number], []],
                "filters": {
                    "locale": ["en", "es"][number % 2],
                    "year": 2000 + number,
                    "draft": number % 3 == 0,
                    "updated_at": f"2026-01-{1 + number % 28:02}T00:00:00Z",
                },
            },
        )
        for number in range(count)
    ]


def filled(store: VectorStore, count: int = 40, collection: str = "one") -> VectorStore:
    store.create(collection, SCHEMA)
    store.upsert(collection, points(count))
    return store


def by_id(candidates: list[Candidate]) -> dict[str, Candidate]:
    return {candidate.id: candidate for candidate in candidates}


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"locale": AnyOf(("en",))},
        {"draft": AnyOf((False,))},
        {"year": Range(gte=2010, lt=2030), "updated_at": Range(lt="2026-01-20T00:00:00Z")},
    ],
)
def test_a_search_finds_what_the_embedded_store_finds(
    store: ServerStore, tmp_path: Path, filters: dict[str, Any]
) -> None:
    embedded = filled(EdgeStore(tmp_path / "store"))
    search = Search(
        dense=np.random.default_rng(1).normal(size=DIMENSION).astype(np.float32),
        sparse=BM25.encode_query("word1 word2 word3"),
        limit=8,
        filters=filters,
    )
    expected = by_id(embedded.search("one", search))
    found = by_id(filled(store).search("one", search))
    assert found.keys() == expected.keys()
    assert len(found) > search.limit, "each vector finds points that the other does not"
    for id_, candidate in found.items():
        assert candidate.payload == expected[id_].payload
        assert candidate.scores == pytest.approx(expected[id_].scores, rel=1e-5)
    embedded.close()


def test_a_payload_comes_back_as_it_was_stored(store: ServerStore) -> None:
    filled(store)
    stored = {point.id: point.payload for point in points(40)}
    assert store.retrieve("one", [*stored]) == stored
    assert store.page("one", 40) == stored
    assert store.page("one", 40)[points(1)[0].id]["filters"]["draft"] is True


def test_an_alias_is_accepted_for_its_collection(store: ServerStore) -> None:
    filled(store)
    store.switch("live", "one")
    assert store.count("live") == 40
    assert store.shape("live") == (DIMENSION, "cosine")


def test_another_client_sees_a_switch_within_about_a_second(store: ServerStore, url: str) -> None:
    other = ServerStore(url)
    for name in ("one", "two"):
        store.create(name, SCHEMA)
    store.switch("live", "one")
    assert other.aliases() == {"live": "one"}
    store.switch("live", "two")
    assert store.aliases() == {"live": "two"}
    switched = time.monotonic()
    while other.aliases() != {"live": "two"}:
        assert time.monotonic() < switched + 1.5
        time.sleep(0.02)
    other.switch("live", "one")
    assert other.aliases() == {"live": "one"}
    other.close()


def test_a_switch_to_what_is_missing_leaves_the_alias(store: ServerStore) -> None:
    filled(store)
    store.switch("live", "one")
    with pytest.raises(CollectionNotFoundError, match="two"):
        store.switch("live", "two")
    time.sleep(1.1)  # What the store remembers of the aliases is no longer fresh.
    assert store.aliases() == {"live": "one"}


def test_a_server_that_stops_and_starts_again(tmp_path: Path) -> None:
    port = free_port()
    with qdrant_process(tmp_path, port):
        store = ServerStore(f"http://127.0.0.1:{port}")
        filled(store).switch("live", "one")
    with pytest.raises(StoreError, match="Qdrant server: "):
        store.count("one")
    with pytest.raises(StoreError, match="Qdrant server: "):
        store.upsert("one", points(1))
    with started_qdrant(tmp_path, port):
        assert store.count("one") == 40
        assert ServerStore(f"http://127.0.0.1:{port}").aliases() == {"live": "one"}
    store.close()


def test_a_killed_server_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    port = free_port()
    with qdrant_process(tmp_path, port) as process:
        store = ServerStore(f"http://127.0.0.1:{port}")
        filled(store)
        store.delete_document("one", "d0")
        store.switch("live", "one")
        process.kill()
        process.wait()
    with started_qdrant(tmp_path, port):
        kept = {point.id: point.payload for point in points(40)}
        kept = {id_: kept[id_] for id_ in kept if kept[id_]["document_id"] != "d0"}
        assert store.page("one", 100) == kept
        assert store.aliases() == {"live": "one"}
    store.close()


def test_clients_that_create_the_same_collection_at_once_all_have_it(url: str) -> None:
    stores = [ServerStore(url) for _ in range(4)]
    names = [f"one{number}" for number in range(10)]
    together = threading.Barrier(len(stores))

    def create(store: ServerStore) -> None:
        together.wait()
        for name in names:
            store.create(name, SCHEMA)

    try:
        with ThreadPoolExecutor(len(stores)) as pool:
            for created in [pool.submit(create, store) for store in stores]:
                created.result()
    finally:
        for name in names:
            stores[0].drop(name)
        for store in stores:
            store.close()


NO_JSON = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>"
NO_RESULT = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 2\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        NO_RESULT,
        NO_JSON,
        TOO_MANY,
    ],
)
def test_what_does_not_answer_as_a_server_does_is_an_error(answer: bytes) -> None:
    with create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=answer_once, args=(listening, answer))
        answering.start()
        try:
            with pytest.raises(StoreError):
                ServerStore(f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            answering.join()


def answer_once(listening: socket, answer: bytes) -> None:
    connection, _ = listening.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("GET", "/cluster", None, HTTPStatus.NOT_IMPLEMENTED, "GET /cluster"),
        ("POST", "/collections/one/points/count", {"filter": {}}, 501, "['filter']"),
        ("POST", "/collections/one/points/query/batch", {"searches": [{"limit": 1}]}, 400, "query"),
        ("POST", "/collections/one/points", {"ids": ["x"]}, 400, "UUID"),
        ("PUT", "/collections/two", {"vectors": {}}, 501, "vectors"),
        ("PUT", "/collections/one/points", {"points": [{"id": 1}]}, 400, "vector"),
        ("GET", "/collections/two", None, 404, "Not found: Collection `two` doesn't exist!"),
    ],
)
def test_the_stand_in_says_what_it_does_not_do(
    store: ServerStore, url: str, method: str, path: str, body: Any, status: int, said: str
) -> None:
    store.create("one", SCHEMA)
    answer = httpx.request(method, url + path, json=body)
    assert answer.status_code == status
    assert said in answer.json()["status"]["error"]


def test_two_stand_ins_never_share_a_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with started_qdrant(tmp_path):
        with pytest.raises(BenchmarksError, match="exit code 1"), started_qdrant(tmp_path):
            pass
        assert capfd.readouterr().err.startswith(f"{tmp_path}: ")
