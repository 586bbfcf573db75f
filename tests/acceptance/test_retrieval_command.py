"""python -m retrieval, as the chatbot's engineer types it, with a server and without."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from indexers.build import reindex
from indexers.catalog import load_catalog
from indexers.state import State
from indexers.store.edge import EdgeStore
from retrieval.api.serve import url_of
from tests.acceptance.commands import ROOT, environment, run, run_unread
from tests.builders import FAQS, faq, write_jsonl
from tests.servers import Server, free_port, serve_command, started

PAUSE = "How do I pause my plan?"


def indexed(folder: Path) -> Path:
    """Index two FAQs into a folder."""
    (folder / "catalog.yaml").write_text(FAQS)
    answer = "Open the app, select Plan and then Pause."
    write_jsonl(folder / "faqs.jsonl", [faq("pause plan/1", PAUSE, answer), faq("basil")])
    store, state = EdgeStore(folder / "data" / "store"), State(folder / "data" / "passages.db")
    reindex(load_catalog(folder / "catalog.yaml")["faqs"], store, state)
    store.close()
    state.close()
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed(tmp_path_factory.mktemp("retrieval"))


def test_a_question_is_answered_for_a_person(folder: Path) -> None:
    done = run(folder, "retrieval", "query", PAUSE)
    assert done.code == 0
    assert "select Plan and then Pause" in done.out
    assert "relevance" in done.out
    assert "pause plan/1" in done.out


def test_a_question_is_answered_for_a_program(folder: Path) -> None:
    done = run(folder, "retrieval", "query", PAUSE, "--json", "--max-passages", "1")
    assert done.code == 0
    assert done.json["answerable"] is True
    (passage,) = done.json["passages"]
    assert passage["document"]["id"] == "pause plan/1"


def test_nothing_that_answers_is_an_exit_code_of_1(folder: Path) -> None:
    done = run(folder, "retrieval", "query", "who won the 1986 world cup final", "--explain")
    assert done.code == 1
    assert "not answerable: nothing here answers this" in done.out
    assert "dropped" in done.out


@pytest.mark.parametrize("words", [("query",), ("answer", "--json")])
def test_output_that_nobody_reads_ends_a_command_quietly(
    folder: Path, words: tuple[str, ...]
) -> None:
    done = run_unread(folder, "retrieval", *words, PAUSE)
    assert done.code == 141
    assert "BrokenPipe" not in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([PAUSE, "--index", "faq"], "error: unknown index 'faq'; valid: faqs"),
        ([PAUSE, "--filter", "year=3"], "error: index 'faqs' declares no filter 'year'"),
        ([PAUSE, "--filter", "year"], "'year' is not FIELD=VALUE"),
        ([""], "error: query: "),
        ([PAUSE, "--min-relevance", "2"], "error: min_relevance: "),
        ([PAUSE, "--max-passages", "0"], "error: max_passages: "),
        ([PAUSE, "--catalog", "none.yaml"], "none.yaml: cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_an_exit_code_of_2(folder: Path, words: list[str], said: str) -> None:
    done = run(folder, "retrieval", "query", *words)
    assert done.code == 2
    assert said in done.err


def test_a_port_that_is_none_is_an_exit_code_of_2(folder: Path) -> None:
    done = run(folder, "retrieval", "serve", "--port", "99999")
    assert done.code == 2
    assert "'99999' is not a port from 0 to 65535" in done.err


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("help.example", "http://help.example:80"),
    ],
)
def test_the_note_of_where_a_server_is_leads_to_it(host: str, url: str) -> None:
    assert url_of(host, 80) == url


def test_an_index_that_was_never_indexed_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(FAQS)
    done = run(tmp_path, "retrieval", "query", PAUSE)
    assert done.code == 3
    assert "run 'python -m indexers reindex faqs'" in done.err


def serving_in(folder: Path) -> AbstractContextManager[Server]:
    """A server that was started in a folder with nothing but a port."""
    port = free_port()
    return started(serve_command("--port", str(port)), port, folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving_in(indexed(tmp_path_factory.mktemp("server"))) as made:
        yield made


def test_a_server_answers_over_http(server: Server) -> None:
    answer = httpx.post(f"{server.url}/retrieve", json={"query": PAUSE}, timeout=30)
    assert answer.json()["passages"][0]["document"]["id"] == "pause plan/1"
    assert httpx.get(f"{server.url}/docs").status_code == 200


def test_a_server_says_where_it_is(server: Server) -> None:
    note = json.loads((server.folder / "data" / "server.json").read_text())
    assert note == {"url": server.url, "pid": server.process.pid}


def test_a_query_goes_through_the_server_that_owns_the_store(server: Server) -> None:
    done = run(server.folder, "retrieval", "query", PAUSE, "--json")
    assert done.code == 0
    assert done.json["request_id"] != "-", "an id that the server gave"
    assert done.json["passages"][0]["document"]["id"] == "pause plan/1"
    done = run(server.folder, "retrieval", "query", PAUSE, "--index", "faq")
    assert done.code == 2
    assert "unknown index 'faq'; valid: faqs" in done.err


def test_a_re_index_goes_through_the_server_that_owns_the_store(server: Server) -> None:
    done = run(server.folder, "indexers", "reindex", "--json")
    assert done.code == 0
    (job,) = done.json["jobs"]
    answer = httpx.get(f"{server.url}/jobs/{job['id']}").json()
    assert (answer["state"], answer["documents"]["unchanged"]) == ("succeeded", 2)


@pytest.mark.parametrize("words", [("indexers", "worker"), ("retrieval", "serve", "--port", "0")])
def test_another_process_that_wants_the_store_is_told_what_to_do(
    server: Server, words: tuple[str, ...]
) -> None:
    done = run(server.folder, *words)
    assert done.code == 3
    assert f"in use by process {server.process.pid}" in done.err
    assert "stop that one, or set QDRANT_URL" in done.err
    assert (server.folder / "data" / "server.json").exists()


def test_the_status_can_be_seen_while_a_server_runs(server: Server) -> None:
    done = run(server.folder, "indexers", "status", "--json")
    assert done.code == 0
    assert done.json[0]["documents"] == 2


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_server_cleanly(tmp_path: Path, sign: signal.Signals) -> None:
    with serving_in(indexed(tmp_path)) as server:
        server.process.send_signal(sign)
        code, said = server.ended()
    assert code == 0, said
    assert "Traceback" not in said
    assert not (tmp_path / "data" / "server.json").exists()
    EdgeStore(tmp_path / "data" / "store").close()


def test_a_note_that_a_killed_server_left_misleads_nobody(folder: Path) -> None:
    note = folder / "data" / "server.json"
    note.write_text(json.dumps({"url": "http://127.0.0.1:9", "pid": 1}))
    try:
        assert run(folder, "retrieval", "query", PAUSE).code == 0
        store = EdgeStore(folder / "data" / "store")
        done = run(folder, "retrieval", "query", PAUSE)
        store.close()
        assert done.code == 3
        assert "the server at http://127.0.0.1:9 does not answer" in done.err
    finally:
        note.unlink()


def test_a_store_that_is_in_use_by_no_server_is_said(folder: Path) -> None:
    store = EdgeStore(folder / "data" / "store")
    done = run(folder, "retrieval", "query", PAUSE)
    store.close()
    assert done.code == 3
    assert f"in use by process {os.getpid()}" in done.err or "not a server" in done.err


def test_a_search_that_is_not_valid_stops_a_server_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(FAQS + "    search:\n      candidates: none\n")
    done = run(tmp_path, "retrieval", "serve", "--port", "0")
    assert done.code == 2
    assert "catalog.yaml:6: 'candidates' must be int, not text" in done.err


def test_without_a_gateway_boto3_is_not_loaded() -> None:
    code = "import sys, retrieval.ask, retrieval.api.serve; print('boto3' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
