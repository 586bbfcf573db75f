"""Preparing in a process of its own, and what becomes of its deaths."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from chunkers import FaqChunker
from chunkers.document import Content, ContentType, Format
from indexers.bm25 import Bm25Encoder
from indexers.catalog import IndexBuild
from indexers.embedding import Embedder, MiniLM, Spans
from indexers.embedding.base import Kind, Vectors
from indexers.errors import DocumentError, EmbedderError
from indexers.jobs.documents import Task
from indexers.jobs.job import JobRequest
from indexers.jobs.process import PreparingProcess
from indexers.prepare import Assignment, Group, prepare
from indexers.sources import Entry, Listed
from indexers.state import State
from indexers.store import Point
from tests.acceptance.commands import environment

LIMIT_S = 60
"""Far more than any of this takes."""


@dataclass(frozen=True, kw_only=True)
class Perilous:
    """A source that notes who reads what; some of its documents end the process that reads them."""

    log: Path

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        return iter(())

    def read(self, entry: Entry) -> Content:
        before = self.log.read_text() if self.log.exists() else ""
        with self.log.open("a") as log:
            log.write(f"{os.getpid()} {entry.id}\n")
        if "deadly" in entry.id or ("shaky" in entry.id and entry.id not in before):
            os.kill(os.getpid(), signal.SIGKILL)
        if "slow" in entry.id:
            time.sleep(LIMIT_S)
        if "bad" in entry.id:
            raise DocumentError("cannot be had")
        answer = f'{{"id": "{entry.id}", "question": "What is {entry.id}?", "answer": "It is."}}'
        return Content(
            id=entry.id,
            content_type=ContentType.FAQ,
            format=Format.JSON,
            data=answer.encode(),
            revision=entry.revision,
        )


@dataclass(frozen=True, kw_only=True)
class Quick:
    """An embedder without a model, which counts words and letters; or that fails, or dies."""

    ends: str = ""
    name: str = "quick"
    revision: str = "1"
    dimension: int = 4
    max_tokens: int = 256

    def embed(self, texts: Sequence[str], *, kind: Kind = "document") -> Vectors:
        rows = [[1.0, len(text), len(text.split()), 0.0] for text in texts]
        found: Vectors = np.array(rows, np.float32).reshape(len(texts), self.dimension)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found

    def embed_units(
        self, texts: Sequence[str], units: Sequence[Spans]
    ) -> tuple[Vectors, list[Vectors]]:
        if self.ends == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.ends == "fails":
            raise EmbedderError("the model is out of order")
        parts = zip(texts, units, strict=True)
        return self.embed(texts), [self.embed([t[a:b] for a, b in spans]) for t, spans in parts]

    def release(self) -> None:
        pass

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    made = State(tmp_path_factory.mktemp("process") / "passages.db")
    yield made
    made.close()


@pytest.fixture(scope="module")
def preparer(state: State) -> Iterator[PreparingProcess]:
    made = PreparingProcess(state.url, lambda job_id: True, yields=True)
    yield made
    made.close()


@pytest.fixture
def assigned(tmp_path: Path, state: State, request: pytest.FixtureRequest) -> Assignment:
    """An assignment of this test's own, without any task yet."""
    index = request.node.name
    job, _ = state.jobs.submit(JobRequest(index=index))
    build = IndexBuild(
        content_type=ContentType.FAQ,
        source=Perilous(log=tmp_path / "log"),
        chunker=FaqChunker(),
        embedder=Quick(),
        sparse=Bm25Encoder(),
        filters={},
    )
    return Assignment(job_id=job.id, index=index, build=build, collection="c", tasks=[])


def with_tasks(assigned: Assignment, *ids: str, embedder: Embedder | None = None) -> Assignment:
    tasks = [
        Task(number=number, document_id=id_, action="new", revision=f"{id_} 1", location=id_)
        for number, id_ in enumerate(ids)
    ]
    build = replace(assigned.build, embedder=embedder or assigned.build.embedder)
    return replace(assigned, build=build, tasks=tasks)


def read(assigned: Assignment) -> list[tuple[int, str]]:
    """Which process has read what, in order."""
    assert isinstance(assigned.build.source, Perilous)
    lines = assigned.build.source.log.read_text().splitlines()
    return [(int(line.split()[0]), line.split(" ", 1)[1]) for line in lines]


def points(group: Group) -> list[Point]:
    return [point for part in group.slices for point in part]


def done(group: Group) -> list[str]:
    return [one.document_id for one in group.prepared]


def through(preparer: PreparingProcess, assigned: Assignment) -> tuple[list[str], dict[int, str]]:
    """Prepare task after task as a batch does: the documents, and the reasons of those that failed,
    by their numbers."""
    prepared: list[str] = []
    failed: dict[int, str] = {}
    while assigned.tasks:
        group = preparer(assigned)
        assert group.numbers
        prepared += done(group)
        failed |= {one.number: one.reason or "" for one in group.failed}
        left = [task for task in assigned.tasks if task.number not in group.numbers]
        assigned = replace(assigned, tasks=left)
    return prepared, failed


def test_it_prepares_as_this_process_would(
    preparer: PreparingProcess, assigned: Assignment, tmp_path: Path
) -> None:
    mine = State(tmp_path / "mine.db")
    asked = with_tasks(assigned, "a", "bad", "b", "c", embedder=MiniLM())
    expected, found = prepare(asked, mine), preparer(asked)
    assert found.prepared == expected.prepared
    assert found.failed == expected.failed
    assert [one.embedded for one in found.prepared] == [1, 1, 1]
    assert found.numbers == {0, 1, 2, 3}
    for one, other in zip(points(found), points(expected), strict=True):
        assert (one.id, one.payload, one.sparse) == (other.id, other.payload, other.sparse)
        assert np.allclose(one.dense, other.dense, atol=1e-5)
    assert all(pid != os.getpid() for pid, _ in read(asked)[4:])
    mine.close()


def test_many_points_come_in_slices(preparer: PreparingProcess, assigned: Assignment) -> None:
    ids = [f"d{number}" for number in range(200)]
    group = preparer(with_tasks(assigned, *ids))
    slices = [list(part) for part in group.slices]
    assert len(slices) > 1
    assert [point.payload["document_id"] for part in slices for point in part] == ids


def test_one_process_serves_call_after_call(
    preparer: PreparingProcess, assigned: Assignment
) -> None:
    preparer(with_tasks(assigned, "a"))
    preparer(with_tasks(assigned, "b"))
    (first, _), (second, _) = read(assigned)
    assert first == second != os.getpid()


def test_it_lets_everything_else_go_first(preparer: PreparingProcess, assigned: Assignment) -> None:
    preparer(with_tasks(assigned, "a"))
    ((pid, _),) = read(assigned)
    assert os.sched_getscheduler(pid) == os.SCHED_IDLE
    assert os.sched_getscheduler(0) != os.SCHED_IDLE


def test_a_process_that_was_killed_between_calls_is_replaced(
    preparer: PreparingProcess, assigned: Assignment
) -> None:
    preparer(with_tasks(assigned, "a"))
    ((pid, _),) = read(assigned)
    os.kill(pid, signal.SIGKILL)
    assert done(preparer(with_tasks(assigned, "b"))) == ["b"]
    assert read(assigned)[-1][0] != pid


def test_a_document_that_kills_its_reader_is_left_out_and_the_rest_goes_on(
    preparer: PreparingProcess, assigned: Assignment
) -> None:
    asked = with_tasks(assigned, "a", "deadly", "b", "c")
    prepared, failed = through(preparer, asked)
    assert sorted(prepared) == ["a", "b", "c"]
    assert failed == {1: "the process that read it died, twice; it was left out"}
    assert [id_ for _, id_ in read(asked)].count("deadly") == 2


def test_a_document_whose_reader_died_for_another_reason_is_tried_again(
    preparer: PreparingProcess, assigned: Assignment
) -> None:
    prepared, failed = through(preparer, with_tasks(assigned, "a", "shaky", "b"))
    assert sorted(prepared) == ["a", "b", "shaky"]
    assert failed == {}


def test_a_process_that_dies_outside_of_any_document_is_not_tried_for_ever(
    preparer: PreparingProcess, assigned: Assignment
) -> None:
    with pytest.raises(EmbedderError, match="died again and again; is there memory left"):
        preparer(with_tasks(assigned, "a", embedder=Quick(ends="dies", revision="2")))
    assert len({pid for pid, _ in read(assigned)}) <= 3
    assert done(preparer(with_tasks(assigned, "a"))) == ["a"]


def test_what_fails_in_the_process_is_raised_here(
    preparer: PreparingProcess, assigned: Assignment
) -> None:
    with pytest.raises(EmbedderError, match="the model is out of order"):
        preparer(with_tasks(assigned, "a", embedder=Quick(ends="fails", revision="3")))
    preparer(with_tasks(assigned, "b"))
    (first, _), (second, _) = read(assigned)
    assert first == second, "it goes on after that"


def test_at_rest_there_is_no_process(preparer: PreparingProcess, assigned: Assignment) -> None:
    preparer(with_tasks(assigned, "a"))
    ((pid, _),) = read(assigned)
    preparer.rest()
    preparer.rest()
    assert not psutil.pid_exists(pid)
    assert done(preparer(with_tasks(assigned, "b"))) == ["b"]


def test_closing_ends_it_in_the_middle_of_its_work(state: State, assigned: Assignment) -> None:
    preparer = PreparingProcess(state.url, lambda job_id: True, yields=False)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(preparer, with_tasks(assigned, "slow"))
        pid = wait_for_reader(assigned)
        preparer.close()
        with pytest.raises(EmbedderError, match="was closed"):
            call.result(LIMIT_S)
    assert not psutil.pid_exists(pid)
    with pytest.raises(EmbedderError, match="was closed"):
        preparer(with_tasks(assigned, "a"))
    preparer.close()


def wait_for_reader(assigned: Assignment) -> int:
    """The process that has begun to read."""
    assert isinstance(assigned.build.source, Perilous)
    until = time.monotonic() + LIMIT_S
    while not assigned.build.source.log.exists() or not assigned.build.source.log.read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
    return read(assigned)[0][0]


PARENT = """
import sys
from pathlib import Path
from tests.indexers.jobs import test_process
test_process.prepare_for_ever(Path(sys.argv[1]))
"""


def prepare_for_ever(folder: Path) -> None:
    """What a parent does until it is killed: its child reads, and does not end."""
    build = IndexBuild(
        content_type=ContentType.FAQ,
        source=Perilous(log=folder / "log"),
        chunker=FaqChunker(),
        embedder=Quick(),
        sparse=Bm25Encoder(),
        filters={},
    )
    state = State(folder / "passages.db")
    job, _ = state.jobs.submit(JobRequest(index="faqs"))
    assigned = Assignment(job_id=job.id, index="faqs", build=build, collection="c", tasks=[])
    PreparingProcess(state.url, lambda job_id: True, yields=False)(with_tasks(assigned, "slow"))


def test_the_process_ends_when_its_parent_is_killed(assigned: Assignment, tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, tmp_path], env=environment())
    try:
        child = psutil.Process(wait_for_reader(assigned))
        assert child.is_running()
    finally:
        parent.kill()
        parent.wait(LIMIT_S)
    until = time.monotonic() + LIMIT_S
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "it goes on without anybody"
        time.sleep(0.02)
