"""Re-indexing over the HTTP API, by a worker in the same process: jobs, documents, hooks, catalog.

Every test has an index of its own in one installation, since a process has one worker at a time.
"""

import base64
import hashlib
import hmac
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import uvicorn
from fastapi.testclient import TestClient

from indexers.__main__ import main
from indexers.build import reindex
from indexers.catalog import CatalogFile
from indexers.jobs.service import Service
from indexers.jobs.work import writing
from indexers.jobs.worker import Worker
from retrieval.api.app import make_app
from retrieval.api.schemas import ReindexRequest
from retrieval.engine import Engine
from tests.builders import Record, Site, faq, write_files, write_jsonl
from tests.servers import page_source, silent_site, until

Json = dict[str, Any]


class House:
    """An installation behind the API, whose catalog grows and changes while that runs."""

    def __init__(self, folder: Path) -> None:
        self.site = Site(folder)
        self.folder = folder
        self.file = CatalogFile(folder / "catalog.yaml")
        self._blocks: dict[str, str] = {}
        self.add("base", faq("basil"))

    def open(self, worker: Worker | None = None) -> TestClient:
        """The API; with a worker, jobs are worked on until it stops."""
        store, state = self.site.store, self.site.state
        service = Service(self.file, lambda: store, state, worker.wake if worker else lambda: None)
        engine = Engine(self.file, store, state)
        app = make_app(engine, service, on_stop=worker.close if worker else lambda: None)
        self.client = TestClient(app, raise_server_exceptions=False)
        return self.client

    def declare(self, name: str, *lines: str, kind: str = "faq", source: str = "") -> str:
        """Put an index into the catalog, or change it there."""
        source = source or f"{{kind: jsonl, path: {name}.jsonl}}"
        mapping = (f"content_type: {kind}", f"source: {source}", *lines)
        self._blocks[name] = f"  {name}:\n" + "".join(f"    {line}\n" for line in mapping)
        self._write("indexes:\n" + "".join(self._blocks.values()))
        return name

    def drop(self, name: str) -> None:
        """Take an index out of the catalog."""
        del self._blocks[name]
        self._write("indexes:\n" + "".join(self._blocks.values()))

    def _write(self, text: str) -> None:
        # Replaced in one step: the worker and the engine read it whenever they like.
        made = self.folder / "catalog.new"
        made.write_text(text)
        made.replace(self.folder / "catalog.yaml")

    @contextmanager
    def broken(self) -> Iterator[None]:
        """A catalog that is not valid while the block runs."""
        self._write("indexes:\n" + "".join(self._blocks.values()) + "colour: red\n")
        yield
        self._write("indexes:\n" + "".join(self._blocks.values()))

    def source(self, name: str, *records: Record | str) -> None:
        """Write the source of an index."""
        write_jsonl(self.folder / f"{name}.jsonl", records)

    def add(self, name: str, *records: Record | str, lines: tuple[str, ...] = ()) -> str:
        """An index with documents, indexed by this process, which is quicker than by a job."""
        self.declare(name, *lines)
        self.source(name, *records)
        return self.index(name)

    def index(self, name: str) -> str:
        """Index one by this process."""
        reindex(self.file.current()[name], self.site.store, self.site.state)
        return name

    def holding(self, name: str) -> AbstractContextManager[Any]:
        """Let no job of an index store, delete or end while the block runs."""
        return self.site.state.locks.hold(writing(name))

    def submit(self, index: str, key: str | None = None, **body: Any) -> Json:
        """Ask for a re-index; the job."""
        headers = {} if key is None else {"idempotency-key": key}
        answer = self.client.post(f"/indexes/{index}/reindex", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        job: Json = answer.json()
        assert answer.headers["location"] == job["url"] == f"/jobs/{job['id']}"
        return job

    def job(self, job: Json) -> Json:
        """A job as it is now."""
        answer = self.client.get(job["url"])
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def at(self, job: Json, *stages: str) -> Json:
        """A job once it is at one of some stages."""
        found: Json = until(
            lambda: now if (now := self.job(job))["stage"] in stages else None, f"at {stages}"
        )
        return found

    def ended(self, job: Json) -> Json:
        """A job at its end."""
        found: Json = until(
            lambda: now if (now := self.job(job))["silent_s"] is None else None, "ended"
        )
        return found

    def succeeded(self, job: Json) -> Json:
        """A job at its end, which has to be a good one."""
        done = self.ended(job)
        assert (done["state"], done["error"]) == ("succeeded", None)
        return done

    def reindexed(self, index: str, **body: Any) -> Json:
        """A re-index from being asked for to its end."""
        return self.ended(self.submit(index, **body))

    def documents(self, job: Json, *states: str) -> dict[str, str]:
        """What a job does with documents: the action for each."""
        answer = self.client.get(f"{job['url']}/documents", params={"state": [*states]})
        assert answer.status_code == 200, answer.text
        return {one["document_id"]: one["action"] for one in answer.json()["documents"]}

    def put(self, index: str, id_: str, body: Any, kind: str = "application/json") -> Any:
        """Put a document; a body that is not bytes is sent as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        path = f"/indexes/{index}/documents/{quote(id_)}"
        return self.client.put(path, content=content, headers={"content-type": kind})

    def delete(self, index: str, id_: str) -> Any:
        """Delete a document."""
        return self.client.delete(f"/indexes/{index}/documents/{quote(id_)}")

    def ask(self, query: str, *indexes: str, **more: Any) -> Any:
        """Search; everything that is found, unless told otherwise."""
        body = {"query": query, "indexes": indexes, "min_relevance": 0, "deadline_ms": 30_000}
        return self.client.post("/retrieve", json={**body, **more})

    def texts(self, index: str, query: str) -> dict[str, str]:
        """What a search of an index finds: the last paragraph for each document, which is a FAQ's
        answer."""
        answer = self.ask(query, index, max_passages=50)
        assert answer.status_code == 200, answer.text
        found = {one["document"]["id"]: one["text"] for one in answer.json()["passages"]}
        return {id_: text.rpartition("\n\n")[2] for id_, text in found.items()}

    def build(self, index: str) -> str:
        """The collection that searches of an index see."""
        return self.site.store.aliases()[index]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("jobs"))
    worker = Worker(made.site.store, made.site.state, made.file)
    with made.open(worker):
        yield made


@pytest.fixture
def unworked(tmp_path: Path) -> Iterator[House]:
    """An installation without a worker."""
    made = House(tmp_path)
    with made.open():
        yield made


@pytest.fixture(scope="module")
def url(house: House) -> Iterator[str]:
    """The same API behind a real server."""
    config = uvicorn.Config(house.client.app, port=0, lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, "started")
    (listening,) = server.servers
    yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@contextmanager
def paused_preparing() -> Iterator[None]:
    """Stop the next process that reads and embeds; it goes on after the block."""
    until(lambda: not preparing(), "rid of the process of the job before")
    stopped: list[int] = []

    def stop() -> None:
        stopped.extend(until(preparing, "a process that prepares"))
        os.kill(stopped[0], signal.SIGSTOP)

    watcher = threading.Thread(target=stop)
    watcher.start()
    try:
        yield
    finally:
        watcher.join()
        os.kill(stopped[0], signal.SIGCONT)


def preparing() -> list[int]:
    """The processes that read and embed for the worker."""
    found = [child for child in multiprocessing.active_children() if child.name == "preparing"]
    return [child.pid for child in found if child.pid is not None]


def error_of(answer: Any, status: int) -> Json:
    """The one error of an answer that has to have a status."""
    assert answer.status_code == status, answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    (error,) = answer.json()["errors"]
    found: Json = error
    return found


# What a job does, and what it says of that.


def test_a_job_counts_exactly_what_it_does(house: House) -> None:
    index = house.add("counted", *(faq(name) for name in "abcd"))
    house.source(index, faq("a"), faq("b", answer="B is another thing by now."), faq("e"))
    job = house.submit(index)
    assert (job["new"], job["index"], job["mode"]) == (True, index, "incremental")
    done = house.ended(job)
    assert (done["state"], done["stage"], done["error"]) == ("succeeded", "done", None)
    assert done["documents"] == {
        "scanned": 3,
        "new": 1,
        "modified": 1,
        "unchanged": 1,
        "deleted": 2,
        "skipped": 0,
        "failed": 0,
        "kept": 0,
    }
    assert done["chunks"] == {"generated": 2, "embedded": 2, "reused": 0, "stored": 3}
    progress = done["progress"]
    assert (progress["documents"], progress["total"], progress["seconds_left"]) == (4, 4, None)
    assert (done["switches"], done["collection"]) == (False, house.build(index))
    assert set(house.texts(index, "What is a thing?")) == {"a", "b", "e"}


def test_a_job_has_the_time_of_each_state_that_it_came_to(house: House) -> None:
    index = house.add("timed", faq("a"))
    done = house.reindexed(index)
    assert list(done["times"]) == ["queued", "running", "verifying", "succeeded"]
    times = list(done["times"].values())
    assert times == sorted(times)
    assert all(time_.endswith("+00:00") for time_ in times)


def test_a_full_job_builds_anew_and_embeds_nothing_twice(house: House) -> None:
    index = house.add("afresh", faq("a"), faq("b"))
    before = house.build(index)
    done = house.reindexed(index, mode="full")
    assert (done["state"], done["mode"], done["switches"]) == ("succeeded", "full", True)
    assert list(done["times"]) == ["queued", "running", "verifying", "switching", "succeeded"]
    assert done["chunks"] == {"generated": 2, "embedded": 0, "reused": 2, "stored": 2}
    assert done["collection"] == house.build(index) != before


def test_a_dry_run_names_each_document_and_touches_nothing(house: House) -> None:
    index = house.add("dry", *(faq(name) for name in "abcd"))
    changed = faq("b", answer="B is another thing by now.")
    house.source(index, faq("a"), changed, faq("d"), faq("e"))
    before = house.site.state.manifest(house.build(index))
    job = house.reindexed(index, dry_run=True)
    assert (job["dry_run"], job["state"], job["stage"]) == (True, "succeeded", "planned")
    assert house.documents(job) == {"b": "modified", "c": "deleted", "e": "new"}
    assert house.site.state.manifest(house.build(index)) == before
    assert set(house.texts(index, "What is a thing?")) == {"a", "b", "c", "d"}


BAD = faq("bad", answer=" ")


def test_what_cannot_be_read_is_named_and_the_rest_is_indexed(house: House) -> None:
    index = house.add("partly", faq("a"))
    house.source(index, faq("a"), BAD, faq("b"), "{broken")
    done = house.reindexed(index)
    assert (done["state"], done["documents"]["failed"]) == ("succeeded_with_failures", 2)
    where = {failure["where"]: failure["reason"] for failure in done["failures"]}
    assert set(where) == {"partly.jsonl:2", "partly.jsonl:4"}
    assert "answer is empty" in where["partly.jsonl:2"]
    assert "not JSON" in where["partly.jsonl:4"]
    assert house.documents(done, "failed") == {"bad": "new", "partly.jsonl:4": "unlisted"}
    assert set(house.texts(index, "What is a thing?")) == {"a", "b"}


def test_a_retry_takes_up_what_has_failed_and_nothing_else(house: House) -> None:
    index = house.add("again", faq("a"))
    house.source(index, faq("a"), BAD)
    job = house.reindexed(index)
    house.source(index, faq("a"), faq("bad"), faq("later"))
    answer = house.client.post(f"{job['url']}/retry")
    assert answer.status_code == 202
    retry = answer.json()
    assert answer.headers["location"] == retry["url"] != job["url"]
    done = house.ended(retry)
    assert (done["trigger"], done["retry_of"]) == ("retry", job["id"])
    assert (done["state"], house.documents(done)) == ("succeeded", {"bad": "new"})
    assert set(house.texts(index, "What is a thing?")) == {"a", "bad"}


def test_a_job_that_has_succeeded_has_nothing_to_retry(house: House) -> None:
    job = house.reindexed("base")
    error = error_of(house.client.post(f"{job['url']}/retry"), 409)
    assert error["code"] == "conflict"
    assert "nothing to retry" in error["message"]


def test_a_job_whose_source_cannot_be_listed_fails_and_says_why(house: House) -> None:
    index = house.add("gone", faq("a"))
    (house.folder / "gone.jsonl").unlink()
    done = house.reindexed(index)
    assert done["state"] == "failed"
    assert "gone.jsonl is not a file" in done["error"]
    house.source(index, faq("a"))
    retried = house.ended(house.client.post(f"{done['url']}/retry").json())
    assert (retried["state"], retried["documents"]["unchanged"]) == ("succeeded", 1)


def test_a_job_that_would_shrink_its_index_has_to_be_allowed_to(house: House) -> None:
    index = house.add("shrinking", *(faq(name) for name in "abcd"))
    house.source(index, faq("a"))
    refused = house.reindexed(index)
    assert refused["state"] == "failed"
    assert "lists 1 documents" in refused["error"]
    done = house.reindexed(index, allow_shrink=True)
    assert (done["state"], done["documents"]["deleted"]) == ("succeeded", 3)


# Who asks twice, or asks for something else.


def test_a_second_request_gives_the_running_job(house: House) -> None:
    index = house.add("busy", faq("a"))
    with house.holding(index):
        job = house.submit(index)
        house.at(job, "deleting")
        second = house.submit(index, mode="full")
    assert (second["id"], second["new"]) == (job["id"], False)
    assert house.ended(job)["mode"] == "incremental"


def test_a_dry_run_stands_beside_a_running_job(house: House) -> None:
    index = house.add("beside", faq("a"))
    with house.holding(index):
        job = house.submit(index)
        house.at(job, "deleting")
        dry = house.submit(index, dry_run=True)
        assert dry["id"] != job["id"]
        house.succeeded(dry)
    house.succeeded(job)


def test_an_idempotency_key_leads_to_its_job_also_after_the_end(house: House) -> None:
    index = house.add("keyed", faq("a"))
    job = house.submit(index, key="monday")
    house.ended(job)
    again = house.submit(index, key="monday")
    assert (again["id"], again["new"], again["state"]) == (job["id"], False, "succeeded")
    other = house.submit(index, key="tuesday")
    assert (other["id"] != job["id"], other["new"]) == (True, True)
    house.ended(other)


def test_an_idempotency_key_counts_for_one_index(house: House) -> None:
    one, two = house.add("key-one", faq("a")), house.add("key-two", faq("a"))
    first, second = house.submit(one, key="same"), house.submit(two, key="same")
    assert (first["index"], second["index"], second["new"]) == (one, two, True)
    house.ended(first)
    house.ended(second)


def test_an_unknown_index_is_a_404_that_names_the_valid_ones(house: House) -> None:
    for answer in (
        house.client.post("/indexes/nope/reindex"),
        house.client.post("/indexes/nope/rollback"),
        house.client.get("/jobs", params={"index": "nope"}),
        house.put("nope", "a", faq("a")),
        house.delete("nope", "a"),
        house.client.post("/hooks/nope"),
    ):
        error = error_of(answer, 404)
        assert error["code"] == "index_not_found"
        assert "no index 'nope'; the catalog has: base" in error["message"]


def test_an_unknown_job_is_a_404(house: House) -> None:
    for method, path in (
        ("GET", ""),
        ("GET", "/documents"),
        ("GET", "/events"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
    ):
        error = error_of(house.client.request(method, f"/jobs/nope{path}"), 404)
        assert (error["code"], error["message"]) == ("job_not_found", "no job 'nope'")


@pytest.mark.parametrize(
    ("body", "field", "valid"),
    [
        ({"colour": "red"}, "colour", sorted(ReindexRequest.model_fields)),
        ({"mode": "quick"}, "mode", ["incremental", "full"]),
        ({"dry_run": "yes"}, "dry_run", []),
        ({"source": "a.jsonl"}, "source", []),
    ],
)
def test_a_field_that_is_not_valid_is_named_with_what_is(
    house: House, body: Json, field: str, valid: list[str]
) -> None:
    error = error_of(house.client.post("/indexes/base/reindex", json=body), 422)
    assert (error["field"], error["valid"]) == (field, valid)


def test_jobs_are_listed_newest_first_and_as_many_as_asked_for(house: House) -> None:
    index = house.add("listed", faq("a"))
    jobs = [house.reindexed(index)["id"] for _ in range(3)]
    found = house.client.get("/jobs", params={"index": index, "limit": 2}).json()["jobs"]
    assert [job["id"] for job in found] == [jobs[2], jobs[1]]
    everything = house.client.get("/jobs").json()["jobs"]
    assert {job["index"] for job in everything} > {index}
    ids = [job["id"] for job in everything]
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize("limit", [0, -1, 1001, "many"])
def test_a_limit_that_is_none_is_a_422(house: House, limit: Any) -> None:
    assert house.client.get("/jobs", params={"limit": limit}).status_code == 422


def test_a_queued_job_without_a_worker_says_what_to_do(unworked: House) -> None:
    job = unworked.submit("base")
    assert job["state"] == "queued"
    assert job["note"] == "no worker is running: start one with 'python -m indexers worker'"


def test_the_documentation_has_the_jobs(house: House) -> None:
    paths = house.client.get("/openapi.json").json()["paths"]
    assert {"/indexes/{index}/reindex", "/jobs/{job_id}/events", "/hooks/{index}"} <= set(paths)
    assert "security" not in paths["/jobs"]["get"]


def test_the_documentation_asks_for_the_administration_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSAGES_ADMIN_KEY", "key-7")
    with House(tmp_path).open() as client:
        paths = client.get("/openapi.json").json()["paths"]
    assert paths["/jobs"]["get"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in paths["/retrieve"]["post"]


# Another source than the catalog's.


def test_a_job_takes_another_source_where_it_is_given_one(house: House) -> None:
    index = house.add("elsewhere", faq("a"))
    write_files(house.folder, {"other/found.jsonl": json.dumps(faq("b")) + "\n"})
    source = {"kind": "jsonl", "path": "other/found.jsonl"}
    job = house.reindexed(index, dry_run=True, source=source)
    assert house.documents(job) == {"b": "new", "a": "deleted"}
    assert house.documents(house.reindexed(index, dry_run=True)) == {}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"kind": "ftp"}, "unknown kind 'ftp'; valid: directory, http, intercom, jsonl, s3"),
        ({"kind": "http", "urls": ["http://169.254.169.254/"]}, "cannot change the kind"),
        ({"kind": "zendesk", "token_env": "HOME"}, "cannot change the kind from 'jsonl'"),
        ({"kind": "jsonl", "path": 3}, "'path' must be Path"),
        ({"kind": "jsonl", "path": "a.jsonl", "depth": 3}, "unknown key 'depth'; valid keys:"),
        ({"kind": "jsonl", "path": "../a.jsonl"}, "outside of the catalog's folder"),
        ({"kind": "directory", "path": "/etc"}, "outside of the catalog's folder"),
        ({"kind": "jsonl", "path": "a\x00b"}, "path"),
    ],
)
def test_a_source_that_is_not_valid_is_a_422_that_says_why(
    house: House, source: Json, said: str
) -> None:
    answer = house.client.post("/indexes/base/reindex", json={"source": source})
    error = error_of(answer, 422)
    assert error["code"] == "catalog"
    assert said in error["message"]


def test_a_source_behind_a_link_out_of_the_catalog_s_folder_is_refused(
    house: House, tmp_path: Path
) -> None:
    (house.folder / "link").symlink_to(tmp_path)
    source = {"kind": "jsonl", "path": "link/a.jsonl"}
    answer = house.client.post("/indexes/base/reindex", json={"source": source})
    assert "outside of the catalog's folder" in error_of(answer, 422)["message"]


# Watching a job.


def events(response: httpx.Response) -> Iterator[tuple[str, Json]]:
    """Server-sent events: the name and the data of each."""
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def test_a_job_can_be_watched_to_its_end(house: House, url: str) -> None:
    index = house.declare("watched")
    house.source(index, *(faq(f"n{number}") for number in range(600)))
    job = house.submit(index)
    with httpx.stream("GET", f"{url}{job['url']}/events", timeout=30) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        seen = list(events(response))
    assert [name for name, _ in seen].count("end") == 1
    last, end = seen[-1]
    assert (last, end["state"], end["progress"]["documents"]) == ("end", "succeeded", 600)
    assert len(seen) > 2
    done = [shown["progress"]["documents"] for _, shown in seen]
    assert all(before <= after for before, after in pairwise(done))
    assert all(before != after for before, after in pairwise(shown for _, shown in seen))


def test_who_comes_back_to_the_events_gets_the_state_of_now(house: House, url: str) -> None:
    index = house.add("revisited", faq("a"))
    with house.holding(index):
        job = house.submit(index)
        house.at(job, "deleting")
        for _ in range(2):
            with httpx.stream("GET", f"{url}{job['url']}/events", timeout=30) as response:
                name, shown = next(events(response))
            assert (name, shown["state"], shown["stage"]) == ("progress", "verifying", "deleting")
    house.ended(job)
    answer = httpx.get(f"{url}{job['url']}/events", timeout=30)
    ((name, shown),) = events(answer)
    assert (name, shown["state"]) == ("end", "succeeded")


# Stopping a job, and going back.


def test_a_cancelled_job_ends_and_leaves_searches_as_they_were(house: House) -> None:
    index = house.add("cancelled", faq("a"))
    house.source(index, faq("a", answer="A has changed."), faq("b"))
    before = house.build(index)
    with house.holding(index):
        job = house.submit(index, mode="full")
        house.at(job, "indexing")
        answer = house.client.post(f"{job['url']}/cancel")
        assert answer.status_code == 202
        assert answer.json()["note"].startswith("it was told to stop")
    done = house.ended(job)
    assert done["state"] == "cancelled"
    assert "cancelled" in done["times"]
    assert house.build(index) == before
    assert house.texts(index, "What is a thing?") == {"a": "The a is the thing that is called a."}
    house.succeeded(house.submit(index))


def test_a_cancelled_job_that_was_verifying_does_not_switch(house: House) -> None:
    index = house.add("verifying", faq("a"))
    with house.holding(index):
        job = house.submit(index)
        house.at(job, "deleting")
        house.client.post(f"{job['url']}/cancel")
    assert house.ended(job)["state"] == "cancelled"


def test_a_cancelled_job_does_not_wait_for_its_source(house: House) -> None:
    with silent_site() as site:
        index = house.declare("silent", kind="article", source=page_source(site))
        job = house.submit(index)
        house.at(job, "listing")
        house.client.post(f"{job['url']}/cancel")
        until(lambda: house.job(job)["state"] == "cancelled", "cancelled", limit_s=5)


def test_a_job_that_nobody_has_taken_is_cancelled_at_once(unworked: House) -> None:
    job = unworked.submit("base")
    answer = unworked.client.post(f"{job['url']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    assert unworked.submit("base")["new"]


def test_a_job_that_has_ended_cannot_be_cancelled(house: House) -> None:
    job = house.reindexed("base")
    error = error_of(house.client.post(f"{job['url']}/cancel"), 409)
    assert error["message"] == f"job {job['id']} has ended already"


def test_a_running_job_cannot_be_retried(house: House) -> None:
    index = house.add("unripe", faq("a"))
    with house.holding(index):
        job = house.submit(index)
        house.at(job, "deleting")
        error = error_of(house.client.post(f"{job['url']}/retry"), 409)
    assert "nothing to retry yet" in error["message"]
    house.ended(job)


def rebuilt(house: House, name: str) -> tuple[str, str, str]:
    """An index that has been built twice, the second time with a changed answer; its builds."""
    index = house.add(name, faq("a", answer="The first answer."))
    first = house.build(index)
    house.declare(index, "build: {chunker: {max_tokens: 100}}")
    house.source(index, faq("a", answer="The second answer."))
    house.index(index)
    return index, first, house.build(index)


def test_a_rollback_brings_the_build_of_before_back(house: House) -> None:
    index, first, second = rebuilt(house, "regretted")
    assert house.texts(index, "What is a?") == {"a": "The second answer."}
    answer = house.client.post(f"/indexes/{index}/rollback")
    assert (answer.status_code, answer.json()) == (200, {"index": index, "collection": first})
    assert house.texts(index, "What is a?") == {"a": "The first answer."}
    assert first != second


def test_there_is_no_rollback_without_an_earlier_build(house: House) -> None:
    index = house.add("only-one", faq("a"))
    error = error_of(house.client.post(f"/indexes/{index}/rollback"), 409)
    assert "no earlier build to go back to" in error["message"]


def test_there_is_no_rollback_while_a_job_is_at_work(house: House) -> None:
    index, _, second = rebuilt(house, "hurried")
    with house.holding(index):
        job = house.submit(index)
        house.at(job, "deleting")
        error = error_of(house.client.post(f"/indexes/{index}/rollback"), 409)
    assert f"job {job['id']} is verifying" in error["message"]
    assert "cancel it first" in error["message"]
    house.ended(job)
    assert house.build(index) == second


def test_a_put_document_is_there_after_a_rollback_too(house: House) -> None:
    index, first, _ = rebuilt(house, "taken-along")
    assert house.put(index, "x", faq("x", answer="It was put.")).status_code == 200
    assert house.client.post(f"/indexes/{index}/rollback").json()["collection"] == first
    assert house.texts(index, "What is x?")["x"] == "It was put."


# Single documents.


def test_a_put_document_can_be_found_when_the_answer_is_there(house: House) -> None:
    index = house.add("putting", faq("a"))
    record = {"question": "How do I pause?", "answer": "Press pause."}
    answer = house.put(index, "pause", record)
    assert answer.status_code == 200
    assert answer.json() == {"index": index, "document_id": "pause", "chunks": 1}
    assert house.texts(index, "How do I pause?")["pause"] == "Press pause."
    assert house.put(index, "pause", {**record, "answer": "Press stop."}).status_code == 200
    assert house.texts(index, "How do I pause?")["pause"] == "Press stop."


def test_documents_can_be_put_at_the_same_time(house: House) -> None:
    index = house.add("at-once", faq("a"))
    names = [f"n{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda name: house.put(index, name, faq(name)), names)
        assert {answer.status_code for answer in answers} == {200}
    found = house.site.state.manifest(house.build(index))
    assert set(found) == {"a", *names}
    assert house.site.store.count(house.build(index)) == 25


def test_a_put_document_stays_when_the_source_is_indexed(house: House) -> None:
    index = house.add("staying", faq("a"), faq("b"))
    house.put(index, "x", faq("x"))
    house.put(index, "a", faq("a", answer="Put over the source's."))
    house.succeeded(house.submit(index))
    found = house.texts(index, "What is a thing?")
    assert set(found) == {"a", "b", "x"}
    assert found["a"] == "Put over the source's."


def test_a_put_document_gives_way_to_a_newer_version_of_the_source(house: House) -> None:
    index = house.add("giving-way", faq("a"))
    house.put(index, "a", faq("a", answer="Put over the source's."))
    house.source(index, faq("a", answer="Newer in the source."))
    house.reindexed(index)
    assert house.texts(index, "What is a?") == {"a": "Newer in the source."}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/markdown", b"# Pausing\n\nPress pause."),
        ("text/html; charset=utf-8", b"<h1>Pausing</h1><p>Press pause.</p>"),
        ("text/plain", b"Press pause."),
        ("application/json", b'{"title": "Pausing", "markdown": "Press pause."}'),
    ],
)
def test_a_document_can_be_put_as_each_of_its_media_types(
    house: House, kind: str, body: bytes
) -> None:
    if "pages" not in house.file.current():
        house.declare("pages", kind="article", source="{kind: directory, path: pages}")
        write_files(house.folder / "pages", {"a.md": "# Apples\n\nAn apple is a fruit."})
        house.index("pages")
    id_ = kind.partition(";")[0]
    assert house.put("pages", id_, body, kind).status_code == 200
    assert "Press pause." in house.texts("pages", "Press pause.")[id_]
    assert house.delete("pages", id_).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (faq("b"), "application/json", "the object's id is 'b', the address's 'a'"),
        (b"{broken", "application/json", "not JSON"),
        (b"[" * 10_000, "application/json", "not JSON"),
        (b"\xff\xfe{", "application/json", "not JSON"),
        (b"[]", "application/json", "not a JSON object"),
        (b"", "application/json", "not JSON"),
        (faq("a", answer=" "), "application/json", "field answer is empty"),
        ({"id": "a", "question": "What?"}, "application/json", "field answer is missing"),
        (b"<p>a", "text/html", "is sent as one of application/json, not text/html"),
        (b"{}", "", "is sent as one of application/json, not"),
    ],
)
def test_a_document_that_cannot_be_taken_is_a_422_that_says_why(
    house: House, body: Any, kind: str, said: str
) -> None:
    if "strict" not in house.file.current():
        house.add("strict", faq("a"))
    error = error_of(house.put("strict", "a", body, kind), 422)
    assert error["code"] == "document"
    assert said in error["message"]
    assert house.texts("strict", "What is a?") == {"a": "The a is the thing that is called a."}


def test_a_number_as_an_id_is_the_text_of_it_as_in_a_source(house: House) -> None:
    index = house.add("numbered", faq(6), faq("a"))
    assert house.put(index, "7", faq(7)).status_code == 200
    assert {"6", "7"} <= set(house.texts(index, "What is a thing?"))


def test_a_document_without_an_id_is_refused(house: House) -> None:
    index = house.add("nameless", faq("a"))
    answer = house.put(index, "", {"question": "Who?", "answer": "Nobody."})
    assert answer.status_code in (404, 405, 422), answer.text
    assert set(house.texts(index, "Who?")) == {"a"}


def test_a_document_of_twenty_megabytes_and_more_is_too_large(house: House) -> None:
    answer = house.put("base", "large", faq("large", answer="word " * 4_200_000))
    assert answer.status_code == 413


def test_an_index_that_was_never_indexed_takes_no_document(house: House) -> None:
    index = house.declare("empty")
    error = error_of(house.put(index, "a", faq("a")), 409)
    assert "was never indexed; re-index it first" in error["message"]
    assert error_of(house.delete(index, "a"), 409)["code"] == "conflict"


@pytest.mark.parametrize(
    "id_", ["guides/pause plan", "a/", "/a", "Menü/日本語/🙂", "100%", "a?b#c", "a+b&c=d"]
)
def test_an_id_may_be_made_of_whatever_there_is(house: House, id_: str) -> None:
    if "ids" not in house.file.current():
        house.add("ids", faq("a"))
    path = f"/indexes/ids/documents/{quote(id_, safe='')}"
    record = {"question": "What is this id?", "answer": f"This is {id_}."}
    answer = house.client.put(path, json=record)
    assert (answer.status_code, answer.json()["document_id"]) == (200, id_)
    assert house.texts("ids", "What is this id?")[id_] == f"This is {id_}."
    answer = house.client.delete(path)
    assert (answer.status_code, answer.json()["document_id"]) == (200, id_)
    assert id_ not in house.texts("ids", "What is this id?")


def test_a_deleted_document_is_gone_when_the_answer_is_there_and_stays_so(house: House) -> None:
    index = house.add("deleting", faq("a"), faq("b"))
    answer = house.delete(index, "a")
    assert (answer.status_code, answer.json()) == (200, {"index": index, "document_id": "a"})
    assert set(house.texts(index, "What is a?")) == {"b"}
    house.succeeded(house.submit(index))
    assert set(house.texts(index, "What is a?")) == {"b"}


def test_an_unknown_document_is_a_404(house: House) -> None:
    error = error_of(house.delete("base", "nope"), 404)
    assert error["code"] == "document_not_found"
    assert error["message"] == "index 'base' has no document 'nope'"


def test_what_is_put_and_deleted_during_a_full_rebuild_reaches_the_new_build(house: House) -> None:
    index = house.add("moving", *(faq(name) for name in "abcdefgh"))
    before = house.build(index)
    with paused_preparing():
        job = house.submit(index, mode="full")
        house.at(job, "indexing")
        assert house.put(index, "x", faq("x", answer="Put as new.")).status_code == 200
        assert house.put(index, "a", faq("a", answer="Put over a.")).status_code == 200
        assert house.delete(index, "b").status_code == 200
        house.put(index, "c", faq("c", answer="Put, and gone again."))
        assert house.delete(index, "c").status_code == 200
        during = house.texts(index, "What is a thing?")
        assert house.build(index) == before
        assert house.job(job)["stage"] == "indexing"
    house.succeeded(job)
    assert house.build(index) != before
    after = house.texts(index, "What is a thing?")
    assert set(after) == {*"adefgh", "x"}
    assert (after["a"], after["x"]) == ("Put over a.", "Put as new.")
    assert after == during


def test_documents_that_were_put_during_a_rebuild_count_for_its_gate(house: House) -> None:
    write_jsonl(house.folder / "golden.jsonl", [{"query": "What is a?", "document": "a"}])
    gate = "gate: {golden: golden.jsonl, max_shrink: 0.2}"
    index = house.add("gated", *(faq(name) for name in "abc"), lines=(gate,))
    with paused_preparing():
        job = house.submit(index, mode="full")
        house.at(job, "indexing")
        assert house.put(index, "a", faq("a", answer="Put over a.")).status_code == 200
    house.succeeded(job)
    assert house.texts(index, "What is a?")["a"] == "Put over a."


def test_what_is_put_during_a_job_in_place_is_not_written_over(house: House) -> None:
    index = house.add("in-place", faq("a"), faq("b"))
    house.source(index, faq("a", answer="From the source."), faq("b"), faq("c"))
    with paused_preparing():
        job = house.submit(index)
        house.at(job, "indexing")
        house.put(index, "a", faq("a", answer="Put meanwhile."))
        assert house.delete(index, "c").status_code == 200
    house.succeeded(job)
    found = house.texts(index, "What is a thing?")
    assert set(found) == {"a", "b"}
    assert found["a"] == "Put meanwhile."


# Announcements.


def signed(kind: str, secret: str, body: bytes, at: float | None = None) -> Mapping[str, str]:
    """The headers of an announcement, as each help centre signs them."""
    sent, key = datetime.fromtimestamp(at or time.time(), UTC), secret.encode()
    sent_at = f"{sent:%Y-%m-%dT%H:%M:%SZ}" if kind == "zendesk" else str(int(sent.timestamp()))
    if kind == "passages":
        digest = hmac.new(key, f"{sent_at}.".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Passages-Timestamp": sent_at, "X-Passages-Signature": f"sha256={digest}"}
    if kind == "zendesk":
        mac = hmac.new(key, sent_at.encode() + body, hashlib.sha256).digest()
        return {
            "X-Zendesk-Webhook-Signature-Timestamp": sent_at,
            "X-Zendesk-Webhook-Signature": base64.b64encode(mac).decode(),
        }
    return {"X-Hub-Signature": f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}"}


KINDS = ["passages", "zendesk", "intercom"]
BODY = b'{"changed": "article 7"}'


@pytest.fixture
def hooked(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The installation with an index for each kind of hook, and their secret."""
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    for kind in KINDS:
        if f"from-{kind}" not in house.file.current():
            hook = f"hook: {{kind: {kind}, secret_env: HOOK_SECRET}}"
            house.add(f"from-{kind}", faq("a"), lines=(hook,))
    return house


def announced(house: House, index: str, headers: Mapping[str, str], body: bytes = BODY) -> Any:
    return house.client.post(f"/hooks/{index}", content=body, headers=headers)


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_announcement_makes_a_job(hooked: House, kind: str) -> None:
    answer = announced(hooked, f"from-{kind}", signed(kind, "s3cret", BODY))
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert job["url"] == f"/jobs/{job['job']}"
    done = hooked.ended(job)
    assert (done["trigger"], done["state"]) == ("hook", "succeeded")


@pytest.mark.parametrize("kind", KINDS)
def test_an_announcement_that_was_not_signed_so_is_a_401(hooked: House, kind: str) -> None:
    right, index = signed(kind, "s3cret", BODY), f"from-{kind}"
    (*_, name) = right
    for headers, body in (
        (signed(kind, "guessed", BODY), BODY),
        (right, b'{"changed": "article 8"}'),
        ({**right, name: "nonsense"}, BODY),
        ({}, BODY),
    ):
        assert error_of(announced(hooked, index, headers, body), 401)["code"] == "signature"


@pytest.mark.parametrize("kind", ["passages", "zendesk"])
def test_an_old_announcement_is_a_401(hooked: House, kind: str) -> None:
    late = signed(kind, "s3cret", BODY, at=time.time() - 3600)
    error = error_of(announced(hooked, f"from-{kind}", late), 401)
    assert error["code"] == "signature"


def test_an_index_without_a_hook_takes_no_announcement(house: House) -> None:
    error = error_of(announced(house, "base", signed("passages", "s3cret", BODY)), 409)
    assert error["message"] == "the catalog declares no 'hook' for index 'base'"


def test_a_hook_whose_secret_is_not_set_is_a_409(
    hooked: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOK_SECRET")
    error = error_of(announced(hooked, "from-passages", signed("passages", "", BODY)), 409)
    assert "HOOK_SECRET holds no secret" in error["message"]


def test_an_announcement_during_a_job_is_taken_up_after_it(hooked: House) -> None:
    index = "from-intercom"
    with hooked.holding(index):
        job = hooked.submit(index)
        hooked.at(job, "deleting")
        for _ in range(3):
            answer = announced(hooked, index, signed("intercom", "s3cret", BODY))
            assert (answer.status_code, answer.json()["job"]) == (202, job["id"])
    hooked.ended(job)
    newest = hooked.client.get("/jobs", params={"index": index}).json()["jobs"][0]
    assert newest["id"] != job["id"]
    assert (newest["trigger"], hooked.ended(newest)["state"]) == ("hook", "succeeded")


def test_an_announcement_does_not_bring_back_what_was_rolled_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    index, first, second = rebuilt(house, "rejected")
    house.declare(
        index,
        "build: {chunker: {max_tokens: 100}}",
        "hook: {kind: intercom, secret_env: HOOK_SECRET}",
    )
    house.client.post(f"/indexes/{index}/rollback")
    done = house.ended(announced(house, index, signed("intercom", "s3cret", BODY)).json())
    assert done["state"] == "failed"
    assert f"{second} was rolled back" in done["error"]
    assert house.build(index) == first


# Who may.


@pytest.fixture
def guarded(hooked: House, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("PASSAGES_ADMIN_KEY", "key-7")
    return hooked


ADMIN = [
    ("POST", "/indexes/base/reindex"),
    ("POST", "/indexes/base/rollback"),
    ("PUT", "/indexes/base/documents/a"),
    ("DELETE", "/indexes/base/documents/a"),
    ("GET", "/jobs"),
    ("GET", "/jobs/nope"),
    ("GET", "/jobs/nope/documents"),
    ("GET", "/jobs/nope/events"),
    ("POST", "/jobs/nope/cancel"),
    ("POST", "/jobs/nope/retry"),
]


@pytest.mark.parametrize(("method", "path"), ADMIN)
@pytest.mark.parametrize("given", [None, "Bearer wrong", "key-7", "Basic key-7", "Bearer "])
def test_without_the_administration_key_nothing_is_done(
    guarded: House, method: str, path: str, given: str | None
) -> None:
    headers = {} if given is None else {"authorization": given}
    answer = guarded.client.request(method, path, headers=headers)
    error = error_of(answer, 401)
    assert error["code"] == "unauthorized"
    assert "PASSAGES_ADMIN_KEY" in error["message"]
    assert "key-7" not in answer.text


def test_with_the_administration_key_everything_is_done(guarded: House) -> None:
    headers = {"authorization": "Bearer key-7"}
    answer = guarded.client.post("/indexes/base/reindex", headers=headers)
    assert answer.status_code == 202
    job = answer.json()
    until(
        lambda: guarded.client.get(job["url"], headers=headers).json()["silent_s"] is None,
        "ended",
    )


def test_searches_and_announcements_need_no_administration_key(guarded: House) -> None:
    assert guarded.ask("What is basil?", "base").status_code == 200
    assert guarded.client.get("/indexes").status_code == 200
    assert guarded.client.get("/readyz").status_code in (200, 503)
    answer = announced(guarded, "from-intercom", signed("intercom", "s3cret", BODY))
    assert answer.status_code == 202


def test_the_command_line_sends_the_administration_key(
    guarded: House, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["jobs", "base", "--server", url, "--json"]) == 0
    assert {job["index"] for job in json.loads(capsys.readouterr().out)["jobs"]} == {"base"}


# The catalog, while the server runs.


def test_a_broken_catalog_stops_jobs_with_its_line_and_no_search(house: House) -> None:
    with house.broken():
        error = error_of(house.client.post("/indexes/base/reindex"), 422)
        assert error["code"] == "catalog"
        assert "catalog.yaml:" in error["message"]
        assert "unknown key 'colour'; valid keys: indexes" in error["message"]
        answer = house.ask("What is basil?", "base")
        assert answer.json()["passages"][0]["document"]["id"] == "basil"
    house.succeeded(house.submit("base"))


def test_a_missing_catalog_stops_jobs_and_no_search(house: House) -> None:
    away = house.folder / "catalog.away"
    house.file.path.rename(away)
    answer, found = house.client.post("/indexes/base/reindex"), house.ask("What is basil?", "base")
    away.rename(house.file.path)
    assert "No such file" in error_of(answer, 422)["message"]
    assert found.status_code == 200


def test_an_index_that_comes_into_the_catalog_can_be_indexed_and_searched(house: House) -> None:
    assert error_of(house.ask("a", "arrived"), 422)["field"] == "indexes"
    house.declare("arrived")
    house.source("arrived", faq("a"))
    rows = {row["name"]: row for row in house.client.get("/indexes").json()["indexes"]}
    assert rows["arrived"]["collection"] is None
    house.succeeded(house.submit("arrived"))
    assert set(house.texts("arrived", "What is a?")) == {"a"}


def test_a_change_of_search_counts_at_once_without_a_re_index(house: House) -> None:
    index = house.add("tuned", faq("a"), faq("b"), faq("c"))
    before = house.build(index)
    assert len(house.texts(index, "What is a thing?")) == 3
    house.declare(index, "search: {max_hits: 1}")
    assert len(house.texts(index, "What is a thing?")) == 1
    assert house.build(index) == before
    row = next(r for r in house.client.get("/indexes").json()["indexes"] if r["name"] == index)
    assert row["current"]


def test_a_change_of_build_is_not_current_until_the_next_job(house: House) -> None:
    index = house.add("recut", faq("a"))
    before = house.build(index)
    house.declare(index, "build: {chunker: {max_tokens: 90}}")
    assert not house.site.state.jobs.active()
    assert set(house.texts(index, "What is a?")) == {"a"}
    done = house.reindexed(index)
    assert (done["state"], done["switches"]) == ("succeeded", True)
    assert house.build(index) != before


def test_a_schedule_makes_jobs_by_itself(house: House) -> None:
    index = house.add("clockwork", faq("a"))
    house.declare(index, "schedule: {every: 1s}")

    def scheduled() -> list[Json]:
        jobs = house.client.get("/jobs", params={"index": index}).json()["jobs"]
        return [job for job in jobs if job["trigger"] == "schedule"]

    until(lambda: len(scheduled()) >= 2, "two jobs by the clock")
    house.declare(index)
    jobs = [house.ended(job) for job in scheduled()]
    assert {job["state"] for job in jobs} == {"succeeded"}
    times = [job["times"]["queued"] for job in jobs]
    assert len(set(times)) == len(times)
