"""A job as durable workflows on DBOS: what was finished is not done again, whoever goes on.

A job is one workflow: plan, a workflow of its own for each batch, then the end. Batches wait in a
queue that every worker serves. DBOS knows which steps are done; the ledger knows what they did.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos import error as dbos_errors

from generation.sqlite_file import tune
from indexers.errors import IndexersError, StateError, StoppedError, StoreError
from indexers.jobs.finishing import finish
from indexers.jobs.job import JobState
from indexers.jobs.planning import plan
from indexers.jobs.work import Work, run_batch
from indexers.state import State

_log = logging.getLogger("indexers.jobs")

_VERSION = "1"
"""Of the workflows below: one that another version began is not taken up by this one."""

_BATCHES = "batches"
_AT_ONCE = 2  # Batches of a worker: one is stored while the next one is prepared.
_POLL_S = 0.1
_TRIES, _FIRST_PAUSE_S = 5, 1.0
"""A step that the store or the database fails is tried again after 1, 2, 4 and 8 seconds."""


class Closing(BaseException):
    """The worker ends in the middle of a step; as DBOS records only what is an Exception, the step
    counts as not done."""


class Host(Protocol):
    """The worker of this process, as its workflows see it."""

    @property
    def closing(self) -> bool:
        """Whether it is to stop."""
        ...

    def at_work(self) -> AbstractContextManager[None]:
        """Count as a step at work, for which closing waits."""
        ...

    @property
    def state(self) -> State:
        """What is known of jobs, and all else."""
        ...

    def work_on(self, job_id: str) -> Work:
        """A job with all that working on it takes."""
        ...


_host: Host | None = None


def launch(host: Host, name: str, state_url: str) -> None:
    """Begin to serve the queue, as the worker of a name.

    Raises:
        StateError: the database of the workflows cannot be used.
    """
    global _host
    _host = host
    url = state_url
    if url.startswith("sqlite"):
        url = url.removesuffix(".db") + "-jobs.db"
        _prefer_wal(url)
    config: DBOSConfig = {
        "name": "passages",
        "system_database_url": url,
        "executor_id": name,
        "application_version": _VERSION,
        "log_level": "ERROR",
        # Nothing is notified; but closing waits for this thread to wake up.
        "notification_listener_polling_interval_sec": _POLL_S,
    }
    try:
        DBOS(config=config)
        DBOS.launch()
        DBOS.register_queue(_BATCHES, worker_concurrency=_AT_ONCE, polling_interval_sec=_POLL_S)
    except Exception as exc:  # Whatever it is, the caller can only mend the database.
        shut()
        raise StateError(f"the database of the jobs cannot be used: {exc}") from exc


def shut() -> None:
    """Serve no longer; what is cut off stays in the worker's name until another one takes over."""
    global _host
    # Its queue's thread may look for the executor that has just gone, and says so as an error.
    logging.getLogger("dbos").setLevel(logging.CRITICAL)
    DBOS.destroy()
    _host = None


def start(job_id: str) -> None:
    """Start the workflow of a job; where it was started before, by whomever, nothing happens."""
    with SetWorkflowID(job_id):
        DBOS.start_workflow(_reindex, job_id)


def ended(job_id: str) -> str | None:
    """How the workflow of a job has ended, None while it has not, or was not started yet."""
    status = DBOS.get_workflow_status(job_id)
    if status is None or status.status in ("PENDING", "ENQUEUED"):
        return None
    return f"{status.status} {status.error or ''}".strip()


def take_over(worker: str) -> None:
    """Let what a dead worker was at go on, here or at another worker."""
    DBOS._recover_pending_workflows([worker])


def forget(job_ids: list[str]) -> None:
    """Delete the workflows of jobs that are no longer known."""
    for job_id in job_ids:
        found = DBOS.list_workflows(workflow_id_prefix=job_id, load_input=False, load_output=False)
        DBOS.delete_workflows([workflow.workflow_id for workflow in found])


def _prefer_wal(url: str) -> None:
    """Let readers of the file go on while one writes, which spares a commit most of its waiting."""
    path = Path(url.removeprefix("sqlite:///"))
    try:
        connection = sqlite3.connect(path)
        tune(connection)
        connection.close()
    except sqlite3.Error as exc:
        raise StateError(f"the database of the jobs, {path}: {exc}") from exc


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
def _hosted() -> Iterator[Host]:
    """A step's work; what fails because the worker is closing under it has not failed."""
    host = _host
    if host is None or host.closing:
        raise Closing
    with host.at_work():
        try:
            yield host
        except Exception as exc:  # Whatever it is: it is raised again.
            if host.closing:
                raise Closing from exc
            raise


@contextmanager
def _failing(job_id: str, *, batch: bool = False) -> Iterator[None]:
    """Let the job fail by what is raised in the block, a defect of ours among it; by a batch only
    when the others have ended, which still write."""
    try:
        yield
    except Exception as exc:  # A job that nobody works on says so, whatever it was.
        if _host is None or _host.closing:
            raise Closing from exc
        if isinstance(exc, StoppedError):
            _cancel(job_id)
        elif batch:
            _stop(job_id, _reason(exc))
        else:
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
    with _failing(job_id, batch=True):
        _run_batch(job_id, number)


@_step(name="plan")
def _plan(job_id: str) -> int:
    with _hosted() as host:
        work = host.work_on(job_id)
        plan(work)
        return 0 if work.job.request.dry_run else work.job.batches


@_step(name="batch")
def _run_batch(job_id: str, number: int) -> None:
    with _hosted() as host:
        run_batch(host.work_on(job_id), number)


@_step(name="wait")
def _wait(job_id: str) -> None:
    """Wait until no worker has a batch of the job any more."""
    with _hosted() as host:
        left = partial(
            DBOS.list_workflows,
            workflow_id_prefix=f"{job_id}-",
            status=["ENQUEUED", "PENDING"],
            limit=1,
            load_input=False,
        )
        while left():
            if host.closing:
                raise Closing
            if not left(status="PENDING"):
                host.state.jobs.beat(job_id)  # It waits for its turn, and is not stuck.
            time.sleep(_POLL_S)


@_step(name="finish")
def _finish(job_id: str) -> None:
    with _hosted() as host:
        jobs = host.state.jobs
        if jobs.beat(job_id):
            finish(host.work_on(job_id))
        elif (error := jobs.get(job_id).error) is not None:
            jobs.advance(job_id, JobState.FAILED, error=error)
        else:
            jobs.advance(job_id, JobState.CANCELLED)


@_step(name="cancel")
def _cancel(job_id: str) -> None:
    with _hosted() as host:
        host.state.jobs.advance(job_id, JobState.CANCELLED)


@_step(name="stop")
def _stop(job_id: str, error: str) -> None:
    with _hosted() as host:
        host.state.jobs.stop(job_id, error)


@_step(name="give up")
def _give_up(job_id: str, error: str) -> None:
    with _hosted() as host:
        host.state.jobs.advance(job_id, JobState.FAILED, error=error)
