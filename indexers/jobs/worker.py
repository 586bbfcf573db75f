"""Jobs as durable workflows on DBOS: a worker that dies is replaced, at the last finished batch.

A row in the ledger is what asks for a job; any worker makes a workflow of it, under the job's own
id, so that two workers make one. Each batch is a workflow of its own in a queue that every worker
serves. DBOS knows which steps are done; the ledger knows what they did.
"""

import logging
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos import error as dbos_errors

from indexers.catalog import CatalogFile
from indexers.errors import IndexersError, StateError, StoreError
from indexers.jobs import work
from indexers.jobs.job import JobState
from indexers.jobs.process import PreparingProcess
from indexers.jobs.schedules import Schedules
from indexers.state import State
from indexers.store import VectorStore

_log = logging.getLogger("indexers.jobs")

_VERSION = "1"
"""Of the workflows below: one that another version began is not taken up by this one."""

_BATCHES = "batches"
_POLL_S = 0.1
_LOOK_EVERY_S = 0.5
_PRUNE_EVERY_S = 60.0
_CLOSING_LIMIT_S = 30.0
_TRIES, _FIRST_PAUSE_S = 5, 1.0
"""A step that the store or the database fails is tried again after 1, 2, 4 and 8 seconds."""

_GONE_LOOKS = 3
"""Looks at which a worker's lock has to be free: after a restart of Postgres all are, for a while.
"""


class Closing(BaseException):
    """The worker ends in the middle of a step; as DBOS records only what is an Exception, the step
    counts as not done."""


class Worker:
    """Works on jobs until it is closed. A process has one at a time."""

    def __init__(
        self,
        store: VectorStore,
        state: State,
        catalog: CatalogFile,
        *,
        yields: bool = False,
    ) -> None:
        """Begin to work, first on what a dead worker has left. `yields` lets everything else on
        this machine go first.

        Raises:
            StateError: the database of the workflows cannot be used.
        """
        self.id = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.store, self.state, self.catalog = store, state, catalog
        self.preparer = PreparingProcess(state.url, yields=yields)
        self._schedules = Schedules(state, lambda: [*catalog.current().values()])
        self._started: set[str] = set()
        self._wake, self._closing = threading.Event(), threading.Event()
        self._missing: dict[str, int] = {}
        self._idle, self._steps = threading.Condition(), 0
        self._alive = ExitStack()
        self._lock = self._alive.enter_context(state.locks.hold(_alive(self.id)))
        state.jobs.enlist(self.id)
        _launch(self)
        self._thread = threading.Thread(target=self._look_after, name="jobs", daemon=True)
        self._thread.start()

    @property
    def closing(self) -> bool:
        """Whether it is to stop."""
        return self._closing.is_set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count as a step at work while the block runs, for which closing waits."""
        with self._idle:
            self._steps += 1
        try:
            yield
        finally:
            with self._idle:
                self._steps -= 1
                self._idle.notify_all()

    def wake(self) -> None:
        """Look for new jobs now, not after half a second."""
        self._wake.set()

    def close(self) -> None:
        """Stop; what is being worked on is taken up by another worker, or by the next one here."""
        global _worker
        self._closing.set()
        self._wake.set()
        self._thread.join()
        self.preparer.close()
        with self._idle:
            # What the engine does cannot be cut off; the system ends what takes longer.
            self._idle.wait_for(lambda: self._steps == 0, timeout=_CLOSING_LIMIT_S)
        DBOS.destroy()
        _worker = None
        # What is cut off here stays in its name, until another worker finds it gone.
        if not self._started:
            self.state.jobs.discharge(self.id)
        self._alive.close()

    def work_on(self, job_id: str) -> work.Work:
        """A job with all that working on it takes.

        Raises:
            CatalogError: the catalog no longer has its index.
        """
        job = self.state.jobs.get(job_id)
        return work.Work(
            job_id=job_id,
            spec=self.catalog.spec(job.index, job.request.source),
            store=self.store,
            state=self.state,
            preparer=self.preparer,
            worker=self.id,
        )

    def _look_after(self) -> None:
        pruned = time.monotonic()
        while not self._closing.is_set():
            try:
                self._stay_alive()
                self._start_queued()
                self._take_over()
                self._schedules.submit_due()
                if time.monotonic() - pruned > _PRUNE_EVERY_S:
                    pruned = time.monotonic()
                    work.prune_all(self.store, self.state, [*self.catalog.current().values()])
                if not self._started:
                    self.preparer.rest()  # Nothing to do: the model's memory goes back.
            except Exception:  # noqa: BLE001  The worker's loop outlives whatever goes wrong in one turn.
                _log.exception("the worker could not look after the jobs; it tries again")
            self._wake.wait(_LOOK_EVERY_S)
            self._wake.clear()

    def _start_queued(self) -> None:
        active = self.state.jobs.active()
        self._started &= {job.id for job in active}
        for job in active:
            if job.id in self._started:
                continue
            self._started.add(job.id)
            # With an id that is there already, nothing is started a second time.
            with SetWorkflowID(job.id):
                DBOS.start_workflow(_reindex, job.id)

    def _stay_alive(self) -> None:
        if not self._lock.still():
            self._alive.close()
            self._lock = self._alive.enter_context(self.state.locks.hold(_alive(self.id)))

    def _take_over(self) -> None:
        """Let the workflows of workers that have died go on."""
        others = [name for name in self.state.jobs.workers() if name != self.id]
        self._missing = {name: self._missing.get(name, 0) for name in others}
        for name in others:
            with self.state.locks.hold(_alive(name), wait=False) as gone:
                self._missing[name] = self._missing[name] + 1 if gone else 0
                if self._missing[name] < _GONE_LOOKS:
                    continue
                _log.warning("worker %s is gone; what it was at goes on", name)
                DBOS._recover_pending_workflows([name])
                self.state.jobs.discharge(name)
            self.state.locks.forget(_alive(name))


_worker: Worker | None = None


def _current() -> Worker:
    assert _worker is not None, "workflows run in a process that has a worker"
    return _worker


def _launch(worker: Worker) -> None:
    global _worker
    _worker = worker
    url = worker.state.url
    if url.startswith("sqlite"):
        url = url.removesuffix(".db") + "-jobs.db"
        _prefer_wal(url)
    config: DBOSConfig = {
        "name": "passages",
        "system_database_url": url,
        "executor_id": worker.id,
        "application_version": _VERSION,
        "log_level": "ERROR",
        "notification_listener_polling_interval_sec": 1.0,
    }
    try:
        DBOS(config=config)
        DBOS.launch()
        DBOS.register_queue(_BATCHES, worker_concurrency=2, polling_interval_sec=_POLL_S)
    except Exception as exc:  # Whatever it is, the caller can only mend the database.
        DBOS.destroy()
        raise StateError(f"the database of the jobs cannot be used: {exc}") from exc


def _prefer_wal(url: str) -> None:
    """Let readers of the file go on while one writes, which spares a commit most of its waiting."""
    path = Path(url.removeprefix("sqlite:///"))
    try:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
    except sqlite3.Error as exc:
        raise StateError(f"the database of the jobs, {path}: {exc}") from exc


def _alive(worker_id: str) -> str:
    return f"worker-{worker_id}"


def _transient(exc: BaseException) -> bool:
    return isinstance(exc, StoreError | StateError)


_step = partial(
    DBOS.step,
    retries_allowed=True,
    interval_seconds=_FIRST_PAUSE_S,
    max_attempts=_TRIES,
    should_retry=_transient,
)


@contextmanager
def _until_closing() -> Iterator[None]:
    """A step's work; what fails because the worker is closing under it has not failed."""
    worker = _worker
    if worker is None or worker.closing:
        raise Closing
    with worker.at_work():
        try:
            yield
        except Exception as exc:  # Whatever it is: it is raised again.
            if worker.closing:
                raise Closing from exc
            raise


@contextmanager
def _failing(job_id: str) -> Iterator[None]:
    """Let the job fail by what is raised in the block, a defect of ours among it."""
    try:
        yield
    except Exception as exc:
        if _worker is None or _worker.closing:
            raise Closing from exc
        _give_up(job_id, _reason(exc))


def _reason(exc: Exception) -> str:
    if isinstance(exc, dbos_errors.DBOSMaxStepRetriesExceeded):
        return f"{exc.errors[-1]} ({_TRIES} times in a row)"
    if isinstance(exc, IndexersError):
        return str(exc)
    _log.error("a job failed by a defect", exc_info=exc)
    return f"a defect, which the worker's log describes: {type(exc).__name__}: {exc}"


@DBOS.workflow(name="reindex", max_recovery_attempts=1000)
def _reindex(job_id: str) -> None:
    with _failing(job_id):
        batches = _plan(job_id)
        for number in range(batches):
            with SetWorkflowID(f"{job_id}-{number}"):
                DBOS.enqueue_workflow(_BATCHES, _batch, job_id, number)
        _wait(job_id)
        _finish(job_id)


@DBOS.workflow(name="batch", max_recovery_attempts=1000)
def _batch(job_id: str, number: int) -> None:
    with _failing(job_id):
        _run_batch(job_id, number)


@_step(name="plan")
def _plan(job_id: str) -> int:
    with _until_closing():
        mine = _current().work_on(job_id)
        work.plan(mine)
        return 0 if mine.job.request.dry_run else mine.job.batches


@_step(name="wait")
def _wait(job_id: str) -> None:
    """Wait until no worker has a batch of the job any more."""
    with _until_closing():
        left = partial(
            DBOS.list_workflows,
            workflow_id_prefix=f"{job_id}-",
            status=["ENQUEUED", "PENDING"],
            limit=1,
            load_input=False,
        )
        while left():
            if _current().closing:
                raise Closing
            time.sleep(_POLL_S)


@_step(name="batch")
def _run_batch(job_id: str, number: int) -> None:
    with _until_closing():
        work.run_batch(_current().work_on(job_id), number)


@_step(name="finish")
def _finish(job_id: str) -> None:
    with _until_closing():
        mine = _current().work_on(job_id)
        if mine.state.jobs.beat(job_id):
            work.finish(mine)
        elif mine.job.active:
            work.cancel(mine)


@_step(name="give up")
def _give_up(job_id: str, error: str) -> None:
    with _until_closing():
        _current().state.jobs.advance(job_id, JobState.FAILED, error=error)
