"""Preparing in a process of its own, beside the one that answers searches.

It leaves that one's interpreter lock and memory alone, gives way to it on the processor, and a
document that kills its reader kills nothing else.
"""

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized

from indexers.embedding import Embedder
from indexers.errors import EmbedderError, IndexersError
from indexers.jobs.documents import Outcome, Task
from indexers.prepare import Assignment, Group, prepare
from indexers.state import State
from indexers.store.base import Point

_NONE = -1
_LIVES = 3  # Tries of an assignment whose process dies outside of any document.

_LOOK_EVERY_S = 2.0

_SPAWN = multiprocessing.get_context("spawn")  # A fork would copy locks that threads hold.


class _DiedError(Exception):
    """The process ended in the middle of its work."""


class PreparingProcess:
    """A `Preparer` that works in a child process, for one thread at a time."""

    def __init__(self, state_url: str, going: Callable[[str], bool], *, yields: bool) -> None:
        """`going` tells whether a job is to go on; `yields` lets every other process go first.
        Nothing is started yet."""
        self._url, self._going, self._yields = state_url, going, yields
        self._reading: Synchronized[int] = _SPAWN.Value("q", _NONE)
        self._child: tuple[BaseProcess, Connection] | None = None
        self._turn = threading.Lock()
        self._closed = False

    def __call__(self, assignment: Assignment) -> Group:
        """See `Preparer`.

        Raises:
            EmbedderError: the model cannot be loaded or run, or the process dies again and again.
        """
        with self._turn:
            for _ in range(_LIVES):
                try:
                    return self._run(assignment)
                except _DiedError:
                    suspect = self._reading.value
                    if suspect != _NONE:
                        return self._alone(assignment, suspect)
        raise EmbedderError("the process that embeds died again and again; is there memory left?")

    def rest(self) -> None:
        """End the process where it has nothing to do, which frees its memory; the next call starts
        it again."""
        if self._turn.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._turn.release()

    def close(self) -> None:
        """End the process for good, also in the middle of its work."""
        self._closed = True
        self._end()

    def _alone(self, assignment: Assignment, number: int) -> Group:
        """Try the document that was being read when the process died by itself."""
        (task,) = [task for task in assignment.tasks if task.number == number]
        try:
            return self._run(replace(assignment, tasks=[task]))
        except _DiedError:
            return Group(failed=[_deadly(task)])

    def _run(self, assignment: Assignment) -> Group:
        if self._closed:
            raise EmbedderError("the process that embeds was closed")
        _, pipe = self._child = self._child or self._start()
        if self._closed:  # Meanwhile.
            self._end()
        try:
            pipe.send(assignment)
            while not pipe.poll(_LOOK_EVERY_S):  # A document may keep its reader for good.
                if not self._going(assignment.job_id):
                    self._end()
                    return Group()
            answer: tuple[Group, int] | IndexersError = pipe.recv()
            if isinstance(answer, IndexersError):
                raise answer
            group, slices = answer
            group.slices = _unpacked([pipe.recv_bytes() for _ in range(slices)])
        except (EOFError, OSError) as exc:
            self._end()
            raise _DiedError from exc
        return group

    def _start(self) -> tuple[BaseProcess, Connection]:
        self._reading.value = _NONE
        mine, its = _SPAWN.Pipe()
        arguments = (its, self._url, self._yields, self._reading)
        process = _SPAWN.Process(target=_serve, args=arguments, name="preparing", daemon=True)
        process.start()
        its.close()  # Now it ends with the process that holds it.
        return process, mine

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            process, pipe = child
            process.kill()
            process.join()
            process.close()
            pipe.close()


def _deadly(task: Task) -> Outcome:
    reason = "the process that read it died, twice; it was left out"
    return Outcome(number=task.number, state="failed", reason=reason)


def _unpacked(packed: Sequence[bytes]) -> Iterator[Sequence[Point]]:
    # One by one: unpacking holds the interpreter lock, which a search may be waiting for.
    for part in packed:
        yield pickle.loads(part)


def _serve(pipe: Connection, url: str, yields: bool, reading: "Synchronized[int]") -> None:
    """What the child does until its parent is gone."""
    if yields and hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    state = State(url)

    def note(number: int | None) -> None:
        reading.value = _NONE if number is None else number

    embedders: dict[str, Embedder] = {}
    while True:
        assignment: Assignment = pipe.recv()
        build = assignment.build
        # The first of all that are the same, since that one has loaded its model.
        embedder = embedders.setdefault(repr(build.embedder), build.embedder)
        assignment = replace(assignment, build=replace(build, embedder=embedder))
        try:
            group = prepare(assignment, state, on_read=note)
        except IndexersError as exc:
            note(None)
            pipe.send(exc)
            continue
        slices, group.slices = list(group.slices), ()
        pipe.send((group, len(slices)))
        for part in slices:
            pipe.send_bytes(pickle.dumps(part, pickle.HIGHEST_PROTOCOL))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # However it ends: nobody else would stop this process.
        os._exit(1)
