"""What a job says, and how it goes on, when what it needs is gone for a while."""

import json
import resource
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.performance.qdrant import qdrant_process
from tests.acceptance.commands import environment, run
from tests.builders import FAQS, faq, write_jsonl
from tests.postgres import end_sessions
from tests.servers import free_port, serve_command, started, until, working

MANY = [faq(f"n{number}", f"Why {number}?", "Because. " * 4) for number in range(1000)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catalog.yaml").write_text(FAQS)
    write_jsonl(tmp_path / "faqs.jsonl", MANY)
    return tmp_path


def submitted(url: str, **how: Any) -> str:
    answer = httpx.post(f"{url}/indexes/faqs/reindex", json=how, timeout=30)
    return str(answer.raise_for_status().json()["id"])


def job(url: str, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{url}/jobs/{job_id}", timeout=60).raise_for_status().json()
    return found


def ended(url: str, job_id: str, limit_s: float = 90) -> dict[str, Any]:
    until(lambda: job(url, job_id)["silent_s"] is None, f"{job_id} at its end", limit_s)
    return job(url, job_id)


def test_a_store_that_is_gone_fails_the_job_and_a_retry_does_the_rest(folder: Path) -> None:
    store_port, port = free_port(), free_port()
    there = {"QDRANT_URL": f"http://127.0.0.1:{store_port}"}
    command = serve_command("--port", str(port))
    with (
        qdrant_process(folder / "qdrant", store_port) as store,
        working(folder, **there),
        started(command, port, folder, ready="/healthz", variables=there) as server,
    ):
        job_id = submitted(server.url)
        until(lambda: job(server.url, job_id)["progress"]["documents"], "some are stored")
        store.kill()
        store.wait()
        failed = ended(server.url, job_id)
        assert failed["state"] == "failed"
        assert "Qdrant server: " in failed["error"]
        assert "5 times in a row" in failed["error"]
        with qdrant_process(folder / "qdrant", store_port):
            answer = httpx.post(f"{server.url}/jobs/{job_id}/retry", timeout=30)
            done = ended(server.url, answer.json()["id"])
    assert done["state"] == "succeeded"
    assert done["chunks"]["stored"] == len(MANY)
    assert done["documents"]["unchanged"] > 0, "what was stored before is not done again"


def test_a_store_that_is_gone_for_seconds_costs_the_job_nothing(folder: Path) -> None:
    store_port, port = free_port(), free_port()
    there = {"QDRANT_URL": f"http://127.0.0.1:{store_port}"}
    command = serve_command("--port", str(port))
    with (
        qdrant_process(folder / "qdrant", store_port) as store,
        working(folder, **there),
        started(command, port, folder, ready="/healthz", variables=there) as server,
    ):
        job_id = submitted(server.url)
        until(lambda: job(server.url, job_id)["progress"]["documents"], "some are stored")
        store.kill()
        store.wait()
        time.sleep(2)
        with qdrant_process(folder / "qdrant", store_port):
            done = ended(server.url, job_id)
    assert (done["state"], done["chunks"]["stored"]) == ("succeeded", len(MANY))


def test_sessions_that_postgres_ends_cost_the_job_nothing(folder: Path, postgres_url: str) -> None:
    there, port = {"DATABASE_URL": postgres_url}, free_port()
    command = serve_command("--port", str(port))
    with started(command, port, folder, ready="/healthz", variables=there) as server:
        job_id = submitted(server.url)
        until(lambda: job(server.url, job_id)["progress"]["documents"], "some are stored")
        end_sessions(postgres_url)
        done = ended(server.url, job_id)
    assert (done["state"], done["chunks"]["stored"]) == ("succeeded", len(MANY))


def test_a_database_that_somebody_locks_is_waited_for(folder: Path) -> None:
    port = free_port()
    with started(serve_command("--port", str(port)), port, folder, ready="/healthz") as server:
        job_id = submitted(server.url)
        with sqlite3.connect(folder / "data" / "passages.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(3)
            other.execute("ROLLBACK")
        other.close()
        done = ended(server.url, job_id)
    assert (done["state"], done["chunks"]["stored"]) == ("succeeded", len(MANY))


def test_searches_go_on_where_the_state_is_broken(folder: Path) -> None:
    write_jsonl(folder / "faqs.jsonl", MANY[:9])
    port = free_port()
    with started(serve_command("--port", str(port)), port, folder, ready="/healthz") as server:
        ended(server.url, submitted(server.url))
        ask = {"query": "Why 7?", "min_relevance": 0}
        assert httpx.post(f"{server.url}/retrieve", json=ask).json()["passages"]
        with sqlite3.connect(folder / "data" / "passages.db") as other:
            other.execute("DROP TABLE jobs")
        other.close()
        broken = httpx.get(f"{server.url}/jobs")
        assert broken.status_code == 503
        assert "the state database: " in broken.json()["errors"][0]["message"]
        assert httpx.post(f"{server.url}/retrieve", json=ask).json()["passages"]


def test_a_full_disk_is_said_and_the_next_run_goes_on(folder: Path) -> None:
    def little_room() -> None:
        # No file may grow beyond this, as on a disk that is full.
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, 6_000_000))

    done = subprocess.run(
        [sys.executable, "-m", "indexers", "reindex"],
        cwd=folder,
        env=environment(),
        preexec_fn=little_room,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in (1, 3)
    said = done.stdout + done.stderr
    assert "disk" in said.lower() or "File too large" in said or "space" in said, said
    again = run(folder, "indexers", "reindex", "--json")
    assert again.code == 0, again.err
    assert again.json["jobs"][0]["chunks"]["stored"] == len(MANY)


def test_a_source_that_answers_never_fails_the_job_in_time(tmp_path: Path) -> None:
    from tests.servers import silent_site

    with silent_site() as url:
        host = url.split("/")[2]
        source = {"kind": "http", "urls": [url], "timeout_s": 0.5, "max_wait_s": 2.0}
        source["allow_private_hosts"] = [host]
        index = {"content_type": "article", "source": source}
        (tmp_path / "catalog.yaml").write_text(json.dumps({"indexes": {"pages": index}}))
        started_at = time.monotonic()
        done = run(tmp_path, "indexers", "reindex", "--json")
    assert time.monotonic() - started_at < 30
    assert done.code == 1
    (found,) = done.json["jobs"]
    assert "robots.txt" in json.dumps(found) or "no answer" in json.dumps(found)
