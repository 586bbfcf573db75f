"""Jobs as a data engineer commands them, with a server over the data folder and without one."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from indexers.build import reindex
from indexers.catalog import load_catalog
from indexers.jobs.job import Job
from indexers.jobs.work import writing
from indexers.locks import FileLocks
from indexers.state import State
from indexers.store.edge import EdgeStore
from tests.acceptance.commands import Done, run, start
from tests.builders import faq, write_jsonl
from tests.servers import (
    free_port,
    page_source,
    serve_command,
    silent_site,
    started,
    until,
    working,
)

INDEXES = ("steady", "partly", "listed", "leaving", "stopped", "regretted", "compared", "followed")
SAY_S = 20
STOP_S = 10
"""Seconds in which a process has to end after a signal, whatever it is at."""


@dataclass(frozen=True)
class Place:
    """A folder in which commands are typed."""

    folder: Path
    served: bool = False

    def run(self, *words: str) -> Done:
        """Run `python -m indexers WORDS` there."""
        return run(self.folder, "indexers", *words)

    def source(self, index: str, *records: Any) -> None:
        """Write the source of an index."""
        write_jsonl(self.folder / f"{index}.jsonl", records)

    def holding(self, index: str) -> AbstractContextManager[Any]:
        """Let no job of an index store, delete or end while the block runs."""
        return FileLocks(self.folder / "data" / "locks").hold(writing(index))

    def job(self, job_id: str) -> Job:
        """A job as the state has it."""
        state = State(self.folder / "data" / "passages.db")
        try:
            return state.jobs.get(job_id)
        finally:
            state.close()

    def submit(self, index: str) -> str:
        """Ask for a job, and leave it; its id."""
        done = self.run("reindex", index, "--no-wait", "--json")
        assert done.code == 0, done.err
        return str(done.json["jobs"][0]["id"])


def declared(*names: str, **more: str) -> str:
    """A catalog of FAQs, with more lines for some."""
    text = "indexes:\n"
    for name in names:
        text += (
            f"  {name}:\n    content_type: faq\n    source: {{kind: jsonl, path: {name}.jsonl}}\n"
        )
        text += more.get(name, "")
    return text


def indexed(folder: Path, *names: str) -> Path:
    """Index four FAQs into each of some indexes."""
    (folder / "catalog.yaml").write_text(declared(*names))
    store, state = EdgeStore(folder / "data" / "store"), State(folder / "data" / "passages.db")
    for name in names:
        write_jsonl(folder / f"{name}.jsonl", [faq(id_) for id_ in "abcd"])
    for spec in load_catalog(folder / "catalog.yaml").values():
        reindex(spec, store, state)
    if "regretted" in names:
        again = declared(*names, regretted="    build: {chunker: {max_tokens: 100}}\n")
        (folder / "catalog.yaml").write_text(again)
        reindex(load_catalog(folder / "catalog.yaml")["regretted"], store, state)
    store.close()
    state.close()
    return folder


@pytest.fixture(scope="module", params=["alone", "served"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A folder without a server, then one with a server."""
    folder = indexed(tmp_path_factory.mktemp(request.param), *INDEXES)
    with ExitStack() as stack:
        if request.param == "served":
            port = free_port()
            stack.enter_context(started(serve_command("--port", str(port)), port, folder))
        yield Place(folder, request.param == "served")


def test_a_re_index_is_followed_to_its_end(place: Place) -> None:
    place.source("steady", *(faq(id_) for id_ in "abc"))
    done = place.run("reindex", "steady")
    assert done.code == 0
    assert "steady: done 1/1 documents" in done.err
    assert "deleted             1" in done.out.replace("steady", "").replace("  " * 20, " ")


def test_what_fails_is_listed_and_can_be_retried(place: Place) -> None:
    place.source("partly", *(faq(id_) for id_ in "abcd"), "{broken")
    done = place.run("reindex", "partly", "--json")
    assert done.code == 1
    (job,) = done.json["jobs"]
    assert job["state"] == "succeeded_with_failures"
    shown = place.run("job", job["id"], "--failures")
    assert shown.code == 0
    assert shown.out.startswith("! partly.jsonl:5: not JSON")
    (failure,) = place.run("job", job["id"], "--failures", "--json").json["failures"]
    assert (failure["document_id"], failure["state"]) == ("partly.jsonl:5", "failed")
    assert place.run("retry", job["id"]).code == 1
    place.source("partly", *(faq(id_) for id_ in "abcd"))
    retried = place.run("retry", job["id"], "--json")
    assert retried.code == 0
    assert (retried.json["retry_of"], retried.json["state"]) == (job["id"], "succeeded")


def test_jobs_are_listed_with_their_states_in_full(place: Place) -> None:
    place.source("listed", *(faq(id_) for id_ in "abcd"), "{broken")
    last = place.run("reindex", "listed", "--json").json["jobs"][0]["id"]
    found = place.run("jobs", "listed", "--limit", "1", "--json")
    assert found.code == 0
    assert [job["id"] for job in found.json["jobs"]] == [last]
    table = place.run("jobs", "listed")
    assert table.code == 0
    assert table.out.splitlines()[1].startswith(last)
    assert "succeeded_with_failures" in table.out


def test_one_job_is_shown(place: Place) -> None:
    (job,) = place.run("jobs", "compared", "--json").json["jobs"][-1:]
    shown = place.run("job", job["id"])
    assert shown.code == 0
    for words in (job["id"], "compared", "succeeded", "4 of 4 documents", job["collection"]):
        assert words in shown.out
    followed = place.run("job", job["id"], "--follow", "--json")
    assert (followed.code, followed.json["state"]) == (0, "succeeded")


@pytest.mark.parametrize("command", ["job", "cancel", "retry"])
def test_a_job_that_is_not_known_is_an_exit_code_of_1(place: Place, command: str) -> None:
    done = place.run(command, "nope")
    assert done.code == 1
    assert done.err == "error: no job 'nope'\n"


def test_a_job_can_be_left_to_others(place: Place) -> None:
    done = place.run("reindex", "leaving", "--no-wait", "--json")
    assert done.code == 0
    (job,) = done.json["jobs"]
    assert job["new"] is True
    if place.served:
        followed = place.run("job", job["id"], "--follow", "--json")
        assert (followed.code, followed.json["state"]) == (0, "succeeded")
        return
    assert job["state"] == "queued"
    assert "no worker is running: start one with" in place.run("job", job["id"]).out
    done = place.run("reindex", "leaving", "--json")
    assert f"leaving: job {job['id']} is at work already" in done.err
    assert (done.code, done.json["jobs"][0]["state"]) == (0, "succeeded")


def test_a_job_is_cancelled_once(place: Place) -> None:
    with place.holding("stopped"):
        job = place.submit("stopped")
        if place.served:
            until(lambda: place.job(job).stage == "deleting", "deleting")
        done = place.run("cancel", job, "--json")
        assert (done.code, done.json["id"]) == (0, job)
    assert place.run("job", job, "--follow", "--json").json["state"] == "cancelled"
    again = place.run("cancel", job)
    assert again.code == 1
    assert again.err == f"error: job {job} has ended already\n"


def test_a_rollback_goes_back_once(place: Place) -> None:
    done = place.run("rollback", "regretted")
    assert done.code == 0
    assert done.out.startswith("searches of regretted see regretted-")
    assert done.out.endswith(" again\n")
    again = place.run("rollback", "regretted")
    assert again.code == 1
    assert "no earlier build to go back to" in again.err


def test_a_diff_names_every_document(place: Place) -> None:
    changed = faq("b", answer="B is another thing.")
    place.source("compared", faq("a"), changed, faq("d"), faq("e"), "[]")
    done = place.run("diff", "compared")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[:2] == ["+ e", "~ b"]
    assert lines[-1].startswith("! compared.jsonl:5: not a JSON object")
    found = place.run("diff", "compared", "--json").json["documents"]["compared"]
    assert {one["document_id"]: one["action"] for one in found}["b"] == "modified"
    assert place.run("reindex", "compared", "--dry-run", "--json").json["jobs"][0]["dry_run"]


def test_an_index_that_the_catalog_has_not_is_an_exit_code_of_2(place: Place) -> None:
    for command in ("reindex", "diff"):
        done = place.run(command, "nope")
        assert done.code == 2
        assert "no index 'nope'; the catalog has: steady, partly" in done.err
    assert place.run("rollback", "nope").code != 0


def test_who_stops_following_is_told_that_the_job_goes_on(place: Place) -> None:
    with place.holding("followed"):
        job = place.submit("followed")
        process = start(place.folder, "indexers", "job", job, "--follow")
        code, said = interrupted(process, "deleting" if place.served else "no worker is running")
    assert "Traceback" not in said, said
    assert f"job {job} goes on" in said
    assert f"python -m indexers cancel {job}" in said
    assert code != 0
    if not place.served:
        place.run("reindex", "followed")
    assert place.run("job", job, "--follow", "--json").json["state"] == "succeeded"


def interrupted(process: "subprocess.Popen[str]", after: str) -> tuple[int, str]:
    """Press Ctrl-C once a command has said something; its exit code, and all that it says."""
    assert process.stderr is not None
    said = ""
    limit = threading.Timer(SAY_S, process.kill)
    limit.start()
    for line in process.stderr:
        said += line
        if after in line:
            break
    limit.cancel()
    assert after in said, said
    process.send_signal(signal.SIGINT)
    try:
        said += process.communicate(timeout=STOP_S)[1]
    finally:
        process.kill()
        process.wait()
    return process.returncode, said


MANY = [faq(f"n{number}") for number in range(1200)]


def many(folder: Path) -> Place:
    """A folder with FAQs for several batches, not yet indexed."""
    (folder / "catalog.yaml").write_text(declared("faqs"))
    place = Place(folder)
    place.source("faqs", *MANY)
    return place


def test_ctrl_c_in_the_middle_of_a_re_index_leaves_it_for_the_next(tmp_path: Path) -> None:
    place = many(tmp_path)
    process = start(tmp_path, "indexers", "reindex", "faqs")
    code, said = interrupted(process, "faqs: indexing 512/1200")
    assert "Traceback" not in said, said
    assert "or with the next command that indexes" in said
    assert code not in (0, -signal.SIGKILL)
    done = place.run("reindex", "--json")
    assert "is at work already" in done.err
    (job,) = done.json["jobs"]
    assert (done.code, job["state"], job["chunks"]["stored"]) == (0, "succeeded", 1200)


def test_a_worker_ends_at_a_signal_and_the_next_one_goes_on(tmp_path: Path) -> None:
    place = many(tmp_path)
    job = place.submit("faqs")
    with working(tmp_path) as worker:
        until(lambda: place.job(job).counts.documents, "a batch done")
        began = time.monotonic()
        code, said = worker.stop()
    assert (code, time.monotonic() - began < STOP_S) == (0, True), said
    assert "Traceback" not in said, said
    left = place.job(job)
    assert left.active
    assert left.counts.documents < 1200
    with working(tmp_path) as worker:
        until(lambda: not place.job(job).active, "ended")
        assert worker.stop()[0] == 0
    done = place.job(job)
    assert (done.state, done.stored) == ("succeeded", 1200)
    assert done.counts.embedded + done.counts.reused == 1200


def test_a_worker_that_waits_for_its_source_ends_at_a_signal(tmp_path: Path) -> None:
    with silent_site() as url:
        source = page_source(url)
        (tmp_path / "catalog.yaml").write_text(
            f"indexes:\n  pages:\n    content_type: article\n    source: {source}\n"
        )
        place = Place(tmp_path)
        job = place.submit("pages")
        with working(tmp_path) as worker:
            until(lambda: place.job(job).stage == "listing", "listing")
            worker.process.terminate()
            try:
                code = worker.process.wait(timeout=STOP_S)
            finally:
                worker.process.kill()
                worker.process.wait()
    assert code == 0
    assert place.job(job).active


def test_jobs_can_be_asked_for_and_seen_while_a_worker_has_the_store(tmp_path: Path) -> None:
    place = Place(indexed(tmp_path, "steady"))
    with working(tmp_path):
        job = place.submit("steady")
        shown = place.run("job", job, "--follow", "--json")
        assert (shown.code, shown.json["state"]) == (0, "succeeded")
        assert place.run("jobs", "--limit", "1", "--json").json["jobs"][0]["id"] == job


def test_a_killed_server_leaves_its_job_to_the_next_command(tmp_path: Path) -> None:
    place = Place(indexed(tmp_path, "steady"))
    port = free_port()
    with (
        started(serve_command("--port", str(port)), port, tmp_path) as server,
        place.holding("steady"),
    ):
        job = place.submit("steady")
        until(lambda: place.job(job).stage == "deleting", "deleting")
        server.process.kill()
        server.process.wait()
    note = json.loads((tmp_path / "data" / "server.json").read_text())
    assert note["pid"] == server.process.pid
    assert place.run("job", job, "--json").json["state"] == "verifying"
    done = place.run("reindex", "steady", "--json")
    assert f"steady: job {job} is at work already" in done.err
    assert (done.code, done.json["jobs"][0]["state"]) == (0, "succeeded")


@pytest.mark.parametrize("words", [["jobs"], ["reindex", "faqs"], ["rollback", "faqs"]])
def test_a_server_that_does_not_answer_is_an_exit_code_of_3(
    tmp_path: Path, words: list[str]
) -> None:
    done = run(tmp_path, "indexers", *words, "--server", f"http://127.0.0.1:{free_port()}")
    assert done.code == 3
    assert "does not answer" in done.err


def test_another_s_server_has_to_be_told_the_indexes(tmp_path: Path) -> None:
    done = run(tmp_path, "indexers", "reindex", "--server", "http://127.0.0.1:9")
    assert done.code == 2
    assert "with --server, name the indexes" in done.err


def test_a_worker_with_a_broken_catalog_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text("indexes:\n  Faqs: {}\n")
    done = run(tmp_path, "indexers", "worker")
    assert done.code == 2
    assert "catalog.yaml:2:" in done.err
    assert not (tmp_path / "data").exists()
