"""A worker: takes the jobs that are asked for, and what a dead worker has left.

A row in the ledger is what asks for a job; any worker makes a workflow of it, under the job's own
id, so that two workers make one. A worker is alive as long as it holds the lock of its name.
"""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from indexers.catalog import CatalogFile
from indexers.errors import StateError
from indexers.jobs import workflows
from indexers.jobs.finishing import prune_all
from indexers.jobs.job import JobState
from indexers.jobs.process import PreparingProcess
from indexers.jobs.schedules import Schedules
from indexers.jobs.work import Work, alive_lock
from indexers.state import State
from indexers.store import VectorStore

_log = logging.getLogger("indexers.jobs")

_LOOK_EVERY_S = 0.5
_PRUNE_EVERY_S = 60.0
_CLOSING_LIMIT_S = 5.0

_GONE_LOOKS = 3
"""Looks at which a worker's lock has to be free: after a restart of Postgres all are, for a while.
"""


class Worker:
    """Works on jobs until it is closed. A process has one at a time."""

    def __init__(
        self, store: VectorStore, state: State, catalog: CatalogFile, *, yields: bool = False
    ) -> None:
        """Begin to work, first on what a dead worker has left. `yields` lets everything else on
        this machine go first.

        Raises:
            StateError: the database of the workflows cannot be used.
        """
        self.id = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self._store, self.state, self._catalog = store, state, catalog
        self._preparer = PreparingProcess(state.url, state.jobs.going, yields=yields)
        self._schedules = Schedules(state, lambda: [*catalog.last().values()])
        self._started: set[str] = set()
        self._wake, self._closing = threading.Event(), threading.Event()
        self._idle, self._steps = threading.Condition(), 0
        self._missing: dict[str, int] = {}
        self._orphans: dict[str, bool] = {}
        self._alive = ExitStack()
        self._lock = self._alive.enter_context(state.locks.hold(alive_lock(self.id)))
        state.jobs.enlist(self.id)
        workflows.launch(self, self.id, state.url)
        self._thread = threading.Thread(target=self._look_after, name="jobs", daemon=True)
        self._thread.start()

    @property
    def closing(self) -> bool:
        """See `workflows.Host`."""
        return self._closing.is_set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """See `workflows.Host`."""
        with self._idle:
            self._steps += 1
        try:
            yield
        finally:
            with self._idle:
                self._steps -= 1
                self._idle.notify_all()

    def work_on(self, job_id: str) -> Work:
        """See `workflows.Host`.

        Raises:
            CatalogError: the catalog no longer has its index.
        """
        job = self.state.jobs.get(job_id)
        return Work(
            job_id=job_id,
            spec=self._catalog.spec(job.index, job.request.source),
            store=self._store,
            state=self.state,
            preparer=self._preparer,
            worker=self.id,
            rest=self._preparer.rest,
        )

    def wake(self) -> None:
        """Look for new jobs now, not after half a second."""
        self._wake.set()

    def close(self) -> None:
        """Stop; what is being worked on is taken up by another worker, or by the next one here."""
        self._closing.set()
        self._wake.set()
        self._thread.join()
        self._preparer.close()
        with self._idle:
            # A source that is waited for, or the engine, cannot be cut off: see `leaving`.
            ended = self._idle.wait_for(lambda: self._steps == 0, timeout=_CLOSING_LIMIT_S)
        workflows.shut()
        with suppress(StateError):
            if ended and not self.state.jobs.active():
                self.state.jobs.discharge(self.id)
                self.state.locks.forget(alive_lock(self.id))
        self._alive.close()

    def _look_after(self) -> None:
        pruned = time.monotonic()
        while not self._closing.is_set():
            try:
                self._stay_alive()
                self._start_queued()
                self._take_over()
                self._end_orphans()
                self._schedules.submit_due()
                if time.monotonic() - pruned > _PRUNE_EVERY_S:
                    pruned = time.monotonic()
                    self._prune()
                if not self._started:
                    self._preparer.rest()  # Nothing to do: the model's memory goes back.
            except Exception:  # noqa: BLE001  The loop outlives whatever goes wrong in one turn.
                _log.exception("the worker could not look after the jobs; it tries again")
            self._wake.wait(_LOOK_EVERY_S)
            self._wake.clear()

    def _prune(self) -> None:
        """Drop builds and forget jobs that are no longer to be kept."""
        specs = [*self._catalog.last().values()]
        prune_all(self._store, self.state, specs)
        for spec in specs:
            workflows.forget(self.state.jobs.prune(spec.name))

    def _stay_alive(self) -> None:
        if not self._lock.still():
            self._alive.close()
            self._lock = self._alive.enter_context(self.state.locks.hold(alive_lock(self.id)))
            self.state.jobs.enlist(self.id)  # Another worker may have taken this one for dead.

    def _start_queued(self) -> None:
        active = self.state.jobs.active()
        self._started &= {job.id for job in active}
        for job in active:
            if job.id not in self._started:
                self._started.add(job.id)
                workflows.start(job.id)

    def _take_over(self) -> None:
        """Let the workflows of workers that have died go on."""
        others = [name for name in self.state.jobs.workers() if name != self.id]
        self._missing = {name: self._missing.get(name, 0) for name in others}
        for name in others:
            with self.state.locks.hold(alive_lock(name), wait=False) as gone:
                self._missing[name] = self._missing[name] + 1 if gone else 0
                if self._missing[name] < _GONE_LOOKS:
                    continue
                _log.warning("worker %s is gone; what it was at goes on", name)
                workflows.take_over(name)
                self.state.jobs.discharge(name)
            self.state.locks.forget(alive_lock(name))

    def _end_orphans(self) -> None:
        """Let jobs fail whose workflow has ended without their knowing, as when the state database
        was gone for longer than a step waits."""
        found = {job.id: workflows.ended(job.id) for job in self.state.jobs.active()}
        for job_id, how in found.items():
            if how is not None and self._orphans.get(job_id):
                reason = f"its workflow has ended: {how}; a retry goes on from there"
                self.state.jobs.advance(job_id, JobState.FAILED, error=reason)
        # A job ends a moment before its workflow does, or after: it takes two looks.
        self._orphans = {job_id: how is not None for job_id, how in found.items()}
