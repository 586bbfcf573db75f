"""Jobs as a data engineer commands them, with a server over the data folder and without one."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from indexers.build import reindex
from indexers.catalog import load_catalog
from indexers.jobs.job import Job, JobRequest
from indexers.jobs.work import writing
from indexers.locks import FileLocks
from indexers.state import State
from indexers.store.edge import EdgeStore
from tests.acceptance.commands import Done, run, run_unread, start
from tests.builders import FAQS, faq, write_jsonl
from tests.servers import (
    free_port,
    page_source,
    serve_command,
    silent_site,
    started,
    until,
    working,
)

STOP_S = 8
"""Seconds in which a process has to end after a signal, whatever it is at."""


@dataclass(frozen=True)
class Place:
    """A folder in which commands are typed, with or without a server over it."""

    folder: Path
    served: bool = False

    def run(self, *words: str) -> Done:
        """Run `python -m indexers WORDS` there."""
        return run(self.folder, "indexers", *words)

    def source(self, index: str, *records: Any) -> None:
        """Write the source of an index."""
        write_jsonl(self.folder / f"{index}.jsonl", records)

    @contextmanager
    def state(self) -> Iterator[State]:
        """The state, which every process may look at."""
        state = State(self.folder / "data" / "passages.db")
        try:
            yield state
        finally:
            state.close()

    def holding(self, index: str) -> AbstractContextManager[Any]:
        """Let no job of an index store, delete or end while the block runs."""
        return FileLocks(self.folder / "data" / "locks").hold(writing(index))

    def submit(self, index: str) -> str:
        """Ask for a job, and leave it to whoever takes it; its id."""
        with self.state() as state:
            return state.jobs.submit(JobRequest(index=index))[0].id

    def job(self, job_id: str) -> Job:
        """A job as it is now."""
        with self.state() as state:
            return state.jobs.get(job_id)

    def latest(self, index: str) -> str:
        """The id of an index's last job, once there is one."""
        with self.state() as state:
            (job,) = until(lambda: state.jobs.latest(index, limit=1), f"a job for {index}")
            return str(job.id)

    def batch_done(self, job_id: str) -> None:
        """Wait until a first batch of a job is stored."""
        until(lambda: self.job(job_id).counts.documents, "a batch done")

    def taken(self, job_id: str) -> None:
        """Wait until the server's worker has a job, where there is one."""
        if self.served:
            until(lambda: self.job(job_id).stage == "deleting", "deleting")


INDEXES = ("steady", "partly", "leaving", "stopped", "regretted", "compared", "followed")
PLAIN = "  {0}:\n    content_type: faq\n    source: {{kind: jsonl, path: {0}.jsonl}}\n"
RECUT = "    build: {chunker: {max_tokens: 100}}\n"


def indexed(folder: Path, *names: str) -> Path:
    """Index four FAQs into each of some indexes; `partly` has a broken line, and `regretted` was
    built a second time."""
    catalog = "indexes:\n" + "".join(PLAIN.format(name) for name in names)
    (folder / "catalog.yaml").write_text(catalog)
    for name in names:
        broken = ["{broken"] if name == "partly" else []
        write_jsonl(folder / f"{name}.jsonl", [*(faq(id_) for id_ in "abcd"), *broken])
    store, state = EdgeStore(folder / "data" / "store"), State(folder / "data" / "passages.db")
    for spec in load_catalog(folder / "catalog.yaml").values():
        reindex(spec, store, state)
    if "regretted" in names:
        block = PLAIN.format("regretted")
        (folder / "catalog.yaml").write_text(catalog.replace(block, block + RECUT))
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
    shown = dict(line.split() for line in done.out.splitlines()[1:5])
    assert shown == {"scanned": "3", "new": "0", "modified": "0", "unchanged": "3"}


def test_what_has_failed_is_listed(place: Place) -> None:
    done = place.run("job", place.latest("partly"), "--failures", "--json")
    assert done.code == 0
    (failure,) = done.json["failures"]
    assert (failure["document_id"], failure["state"]) == ("partly.jsonl:5", "failed")
    assert "not JSON" in failure["reason"]


def test_the_list_of_jobs_names_their_states_in_full(place: Place) -> None:
    done = place.run("jobs", "partly")
    assert done.code == 0
    assert place.latest("partly") in done.out
    assert "succeeded_with_failures" in done.out


def test_a_job_is_retried_until_nothing_fails(place: Place) -> None:
    # After the tests above: it makes a job of its own.
    failed = place.latest("partly")
    again = place.run("retry", failed, "--json")
    assert (again.code, again.json["state"]) == (1, "succeeded_with_failures")
    place.source("partly", *(faq(id_) for id_ in "abcd"))
    mended = place.run("retry", again.json["id"], "--json")
    assert (mended.code, mended.json["state"]) == (0, "succeeded")
    assert mended.json["retry_of"] == again.json["id"]


def test_jobs_are_listed_newest_first_for_a_program(place: Place) -> None:
    done = place.run("jobs", "--limit", "2", "--json")
    assert done.code == 0
    first, second = (job["id"] for job in done.json["jobs"])
    assert first > second


def test_one_job_is_shown(place: Place) -> None:
    job = place.latest("compared")
    done = place.run("job", job, "--follow")
    assert done.code == 0
    for words in (job, "compared, incremental", "succeeded", "4 of 4 documents"):
        assert words in done.out


def test_a_job_that_is_not_known_is_an_exit_code_of_1(place: Place) -> None:
    done = place.run("cancel", "nope")
    assert (done.code, done.err) == (1, "error: no job 'nope'\n")


def test_a_job_can_be_left_to_others(place: Place) -> None:
    done = place.run("reindex", "leaving", "--no-wait", "--json")
    assert done.code == 0
    (job,) = done.json["jobs"]
    assert job["new"] is True
    if place.served:
        until(lambda: place.job(job["id"]).state == "succeeded", "succeeded")
    else:
        assert job["state"] == "queued"
        assert job["note"] == "no worker is running: start one with 'python -m indexers worker'"


def test_a_job_is_cancelled_once(place: Place) -> None:
    with place.holding("stopped"):
        job = place.submit("stopped")
        place.taken(job)
        done = place.run("cancel", job, "--json")
        assert (done.code, done.json["id"]) == (0, job)
    until(lambda: place.job(job).state == "cancelled", "cancelled")
    again = place.run("cancel", job)
    assert (again.code, again.err) == (1, f"error: job {job} has ended already\n")


def test_a_rollback_says_what_searches_see_again(place: Place) -> None:
    done = place.run("rollback", "regretted")
    assert done.code == 0
    assert done.out.startswith("searches of regretted see regretted-")
    assert done.out.endswith(" again\n")


def test_a_diff_has_a_line_for_each_document(place: Place) -> None:
    changed = faq("b", answer="B is another thing.")
    place.source("compared", faq("a"), changed, faq("d"), faq("e"), "[]")
    done = place.run("diff", "compared")
    assert done.code == 0
    *lines, failed = done.out.splitlines()
    assert lines == ["+ e", "~ b"], "nothing is deleted while a line cannot be read"
    assert failed.startswith("! compared.jsonl:5: not a JSON object")


@pytest.mark.parametrize("words", [("jobs",), ("jobs", "--json"), ("status",)])
def test_output_that_nobody_reads_ends_a_command_quietly(
    place: Place, words: tuple[str, ...]
) -> None:
    done = run_unread(place.folder, "indexers", *words)
    assert (done.code, done.err) == (141, "")


def test_an_index_that_the_catalog_has_not_is_an_exit_code_of_2(place: Place) -> None:
    done = place.run("reindex", "nope")
    assert done.code == 2
    assert "no index 'nope'; the catalog has: steady, partly" in done.err


def test_who_stops_following_is_told_that_the_job_goes_on(place: Place) -> None:
    with place.holding("followed"):
        job = place.submit("followed")
        place.taken(job)
        process = start(place.folder, "indexers", "job", job, "--follow")
        assert process.stderr is not None
        code, said = interrupted(process, process.stderr.readline)
    assert "Traceback" not in said, said
    assert f"job {job} goes on" in said
    assert f"python -m indexers cancel {job}" in said
    assert code not in (0, -signal.SIGKILL)
    if place.served:
        until(lambda: place.job(job).state == "succeeded", "succeeded")


def interrupted(process: "subprocess.Popen[str]", when: Callable[[], Any]) -> tuple[int, str]:
    """Press Ctrl-C once a command is at something; its exit code, and what it says from then on."""
    limit = threading.Timer(STOP_S, process.kill)
    try:
        when()
        limit.start()
        process.send_signal(signal.SIGINT)
        return process.wait(), process.communicate()[1]
    finally:
        limit.cancel()
        process.kill()
        process.communicate()


MANY = [faq(f"n{number}") for number in range(1200)]


def unindexed(folder: Path) -> Place:
    """A folder with FAQs for several batches, not yet indexed."""
    (folder / "catalog.yaml").write_text(FAQS)
    place = Place(folder)
    place.source("faqs", *MANY)
    return place


def test_ctrl_c_in_the_middle_of_a_re_index_leaves_it_for_the_next(tmp_path: Path) -> None:
    place = unindexed(tmp_path)
    process = start(tmp_path, "indexers", "reindex", "faqs")
    code, said = interrupted(process, lambda: place.batch_done(place.latest("faqs")))
    assert "Traceback" not in said, said
    assert "or with the next command that indexes" in said
    assert code not in (0, -signal.SIGKILL)
    done = place.run("reindex", "--json")
    assert "is at work already" in done.err
    (job,) = done.json["jobs"]
    assert (done.code, job["state"], job["chunks"]["stored"]) == (0, "succeeded", len(MANY))


def test_a_worker_ends_at_a_signal_and_the_next_one_goes_on(tmp_path: Path) -> None:
    place = unindexed(tmp_path)
    job = place.submit("faqs")
    with working(tmp_path) as worker:
        place.batch_done(job)
        began = time.monotonic()
        code, said = worker.stop()
    assert (code, time.monotonic() - began < STOP_S) == (0, True), said
    assert "Traceback" not in said, said
    assert place.job(job).active
    with working(tmp_path) as worker:
        until(lambda: not place.job(job).active, "ended")
        assert worker.stop()[0] == 0
    done = place.job(job)
    assert (done.state, done.stored) == ("succeeded", len(MANY))
    assert done.counts.embedded + done.counts.reused == len(MANY)


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
        asked = place.run("reindex", "steady", "--no-wait", "--json")
        assert asked.code == 0, asked.err
        seen = place.run("job", asked.json["jobs"][0]["id"], "--follow", "--json")
        assert (seen.code, seen.json["state"]) == (0, "succeeded")


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
    done = place.run("reindex", "steady", "--json")
    assert f"steady: job {job} is at work already" in done.err
    assert (done.code, done.json["jobs"][0]["state"]) == (0, "succeeded")


@pytest.mark.parametrize("command", ["jobs", "reindex"])
def test_a_server_that_does_not_answer_is_an_exit_code_of_3(tmp_path: Path, command: str) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    done = run(tmp_path, "indexers", command, "faqs", "--server", nobody)
    assert done.code == 3
    assert f"the server at {nobody} does not answer" in done.err


def test_a_worker_with_a_broken_catalog_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text("indexes:\n  Faqs: {}\n")
    done = run(tmp_path, "indexers", "worker")
    assert done.code == 2
    assert "catalog.yaml:2:" in done.err
    assert not (tmp_path / "data").exists()
