"""Workers as processes of their own: one is killed and another one goes on, over each database."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from indexers.database import url_of
from indexers.jobs.job import Job, JobRequest
from indexers.state import State
from tests.acceptance.commands import environment
from tests.builders import FAQS, faq, write_jsonl
from tests.servers import Server, until, working

DOCUMENTS = 1200
"""FAQs for three batches: who sees the first one stored does so before the last one is."""

RESUME_S = 10
"""Seconds from the start of a worker until it has taken up what a dead one has left."""


@dataclass(frozen=True)
class Workplace:
    """A folder with an index to build, and the database of its jobs."""

    folder: Path
    state: State
    variables: dict[str, str]

    def submit(self) -> str:
        """Ask for a job; its id."""
        return self.state.jobs.submit(JobRequest(index="faqs"))[0].id

    def batch_done(self, job_id: str) -> Job:
        """A job once its first batch is stored, with more to do."""
        job: Job = until(
            lambda: now if (now := self.state.jobs.get(job_id)).counts.documents else None,
            "a batch done",
        )
        assert job.active
        return job

    def ended(self, job_id: str) -> Job:
        """A job at its end."""
        job: Job = until(
            lambda: None if (now := self.state.jobs.get(job_id)).active else now, "ended"
        )
        return job


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workplace]:
    """A folder whose jobs are in a file, then one whose jobs are in Postgres."""
    (tmp_path / "catalog.yaml").write_text(FAQS)
    write_jsonl(tmp_path / "faqs.jsonl", [faq(f"n{number}") for number in range(DOCUMENTS)])
    variables = {}
    if request.param == "postgres":
        variables["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    state = State(variables.get("DATABASE_URL") or url_of(tmp_path / "data" / "passages.db"))
    yield Workplace(tmp_path, state, variables)
    state.close()


def kill(worker: Server) -> None:
    """End a worker as a crash of its machine does."""
    worker.process.kill()
    worker.process.wait()


def test_a_killed_worker_s_job_is_taken_up_at_its_last_finished_batch(place: Workplace) -> None:
    job = place.submit()
    with working(place.folder, **place.variables) as worker:
        place.batch_done(job)
        kill(worker)
    left = place.state.jobs.get(job)
    finished = place.state.jobs.documents.all(job, states=["done"])
    with working(place.folder, **place.variables) as worker:
        until(
            lambda: place.state.jobs.get(job).heartbeat_at > left.heartbeat_at,
            "taken up",
            RESUME_S,
        )
        done = place.ended(job)
        assert worker.stop()[0] == 0
    assert (done.state, done.error) == ("succeeded", None)
    assert (done.counts.documents, done.stored) == (DOCUMENTS, DOCUMENTS)
    tasks = {task.number: task for task in place.state.jobs.documents.all(job)}
    assert [tasks[task.number] for task in finished] == finished
    assert all(task.embedded == 1 for task in finished)
    # Of the batch that was cut off, what was embedded already is known, and the rest is not.
    assert done.counts.embedded + done.counts.reused == DOCUMENTS
    assert done.counts.reused <= DOCUMENTS - len(finished)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_second_worker_over_one_embedded_store_is_told_why_not(place: Workplace) -> None:
    with working(place.folder, **place.variables) as worker:
        done = subprocess.run(
            [sys.executable, "-m", "indexers", "worker"],
            cwd=place.folder,
            env=environment(**place.variables),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 3
        assert f"in use by process {worker.process.pid}" in done.stderr
        assert "set QDRANT_URL" in done.stderr
        assert len(place.state.jobs.workers()) == 1
        assert worker.stop()[0] == 0
    assert place.state.jobs.workers() == []
