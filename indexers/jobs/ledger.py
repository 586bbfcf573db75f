"""What is known of jobs, in the state database."""

from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from indexers.database import Database
from indexers.errors import JobNotFoundError, TakenError
from indexers.jobs import tables
from indexers.jobs.documents import JobDocuments
from indexers.jobs.job import (
    ACTIVE,
    IDLE_AFTER_S,
    Job,
    JobRequest,
    JobState,
    Trigger,
    now_iso,
    seconds_since,
)
from indexers.jobs.rows import insert_job, jobs_of, key_row, new_id, time_row

_jobs, _times = tables.jobs, tables.times

_KEPT = 50
"""Jobs of an index that are remembered after they have ended."""


class Ledger:
    """The jobs of every index; `documents` has what each does with which document. Every method
    raises StateError where the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.documents = JobDocuments(database)

    def submit(self, request: JobRequest) -> tuple[Job, bool]:
        """The job that a request leads to, and whether it is a new one.

        A request whose `idempotency_key` was seen before gives the job of that time; another one
        for an index that has an active job gives that job. A dry run stands beside it.
        """
        while True:
            known = self._keyed(request)
            if known is not None:
                return known, False
            try:
                return self._add(request), True
            except TakenError:
                active = self._select(_jobs.c.index == request.index, _jobs.c.active == 1)
            if active:
                with suppress(TakenError):  # The same key at the same time: its job counts.
                    self._keep_key(request, active[0].id)
                    return active[0], False

    def _add(self, request: JobRequest) -> Job:
        job_id = new_id()
        with self._database.writing() as connection:
            connection.execute(insert_job(job_id, request))
            connection.execute(sa.insert(_times), time_row(job_id, JobState.QUEUED))
            if request.idempotency_key is not None:
                connection.execute(sa.insert(tables.keys), key_row(request, job_id))
        return self.get(job_id)

    def _keep_key(self, request: JobRequest, job_id: str) -> None:
        if request.idempotency_key is not None:
            with self._database.writing() as connection:
                connection.execute(sa.insert(tables.keys), key_row(request, job_id))

    def _keyed(self, request: JobRequest) -> Job | None:
        """The job that the request's key led to before, None without one; one that is forgotten
        by now counts as none."""
        keys, key = tables.keys.c, request.idempotency_key
        if key is None:
            return None
        same = (keys.index == request.index, keys.key == key)
        with self._database.writing() as connection:
            job_id = connection.execute(sa.select(keys.job_id).where(*same)).scalar()
            there = connection.execute(sa.select(_jobs.c.id).where(_jobs.c.id == job_id)).scalar()
            if job_id is not None and there is None:
                connection.execute(sa.delete(tables.keys).where(*same))
        return self.get(there) if there is not None else None

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            JobNotFoundError: there is none of that id.
        """
        found = self._select(_jobs.c.id == job_id)
        if not found:
            raise JobNotFoundError(f"no job {job_id!r}")
        return found[0]

    def latest(self, index: str | None = None, limit: int = 20) -> list[Job]:
        """The latest jobs, newest first."""
        return self._select(*([] if index is None else [_jobs.c.index == index]), limit=limit)

    def active(self) -> list[Job]:
        """Every job that a worker has, or is to take, newest first."""
        states = _jobs.c.state.in_([state.value for state in ACTIVE])
        return self._select(states, _jobs.c.trigger != Trigger.DIRECT.value)

    def advance(self, job_id: str, state: JobState, **values: Any) -> bool:
        """Bring an active job to a state, with other values of its row; False where it has ended.

        A job that comes to an end and was told that more has changed meanwhile is followed by
        another one, in the same transaction.
        """
        ended = state not in ACTIVE
        values |= {"state": state.value, "heartbeat_at": now_iso()}
        with self._database.writing() as connection:
            changed = connection.execute(
                sa.update(_jobs)
                .where(_jobs.c.id == job_id, _jobs.c.state.in_([s.value for s in ACTIVE]))
                .values(**values, **({"active": None} if ended else {}))
            )
            if not changed.rowcount:
                return False
            reached = (_times.c.job_id == job_id) & (_times.c.state == state.value)
            if connection.execute(sa.select(_times).where(reached)).first() is None:
                connection.execute(sa.insert(_times), time_row(job_id, state))
            if ended:
                _end(connection, job_id)
        return True

    def beat(self, job_id: str, stage: str | None = None) -> bool:
        """Give a sign of life; whether the job is to go on, and not cancelled or ended."""
        values = {"heartbeat_at": now_iso()} | ({"stage": stage} if stage else {})
        going = (_jobs.c.id == job_id, _jobs.c.state.in_([state.value for state in ACTIVE]))
        with self._database.writing() as connection:
            seen = sa.select(_jobs.c.cancelling, _jobs.c.heartbeat_at, _jobs.c.state).where(*going)
            found = connection.execute(seen).first()
            if found is None:
                return False
            silent_s = seconds_since(found.heartbeat_at)
            if silent_s > IDLE_AFTER_S and found.state != JobState.QUEUED:
                first = (_jobs.c.id == job_id, _jobs.c.heartbeat_at == found.heartbeat_at)
                idle_s = sa.func.coalesce(_jobs.c.idle_s, 0.0) + silent_s
                connection.execute(sa.update(_jobs).where(*first).values(idle_s=idle_s))
            connection.execute(sa.update(_jobs).where(*going).values(**values))
        return not found.cancelling

    def going(self, job_id: str) -> bool:
        """Whether a job is to go on, and not cancelled or ended; no sign of life."""
        job = self.get(job_id)
        return job.active and not job.cancelling

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; one that has touched nothing yet is cancelled at once, also where
        its source keeps it waiting."""
        listing = (_jobs.c.state == JobState.RUNNING.value) & (_jobs.c.stage == "listing")
        queued = (_jobs.c.id == job_id, (_jobs.c.state == JobState.QUEUED.value) | listing)
        with self._database.writing() as connection:
            connection.execute(sa.update(_jobs).where(_jobs.c.id == job_id).values(cancelling=True))
            unseen = connection.execute(
                sa.update(_jobs)
                .where(*queued)
                .values(state=JobState.CANCELLED.value, active=None, heartbeat_at=now_iso())
            )
            if unseen.rowcount:
                connection.execute(sa.insert(_times), time_row(job_id, JobState.CANCELLED))
                _end(connection, job_id)

    def stop(self, job_id: str, error: str) -> None:
        """Let a job come to its end for a reason; the first one counts."""
        here = _jobs.c.id == job_id
        with self._database.writing() as connection:
            connection.execute(sa.update(_jobs).where(here).values(cancelling=True))
            first = (here, _jobs.c.error.is_(None))
            connection.execute(sa.update(_jobs).where(*first).values(error=error))

    def announce(self, job_id: str) -> None:
        """Let a job be followed by another one when it ends; where it has ended, ask for that."""
        going = (_jobs.c.id == job_id, _jobs.c.state.in_([state.value for state in ACTIVE]))
        with self._database.writing() as connection:
            told = connection.execute(sa.update(_jobs).where(*going).values(again=True))
        if not told.rowcount:
            following = JobRequest(index=self.get(job_id).index, trigger=Trigger.HOOK)
            job, new = self.submit(following)
            if not new:
                self.announce(job.id)

    def prune(self, index: str, keep: int = _KEPT) -> list[str]:
        """Forget all but the latest jobs of an index that have ended; the ids of those."""
        ended = self._select(
            _jobs.c.index == index, _jobs.c.active.is_(None), limit=10_000, counted=False
        )
        old = [job.id for job in ended if not job.active][keep:]
        with self._database.writing() as connection:
            for job_id in old:
                for table in (tables.documents, tables.contents, _times):
                    connection.execute(sa.delete(table).where(table.c.job_id == job_id))
                connection.execute(sa.delete(_jobs).where(_jobs.c.id == job_id))
        return old

    def workers(self) -> list[str]:
        """The workers that have come and not gone; one that died is among them until another one
        takes its place."""
        with self._database.reading() as connection:
            return list(connection.scalars(sa.select(tables.workers.c.id)))

    def enlist(self, worker_id: str) -> None:
        """A worker has come."""
        self._database.upsert(tables.workers, [{"id": worker_id, "since": now_iso()}])

    def discharge(self, worker_id: str) -> None:
        """A worker has gone."""
        gone = tables.workers.c.id == worker_id
        with self._database.writing() as connection:
            connection.execute(sa.delete(tables.workers).where(gone))

    def _select(
        self, *where: sa.ColumnElement[bool], limit: int = 1000, counted: bool = True
    ) -> list[Job]:
        # Not by time, which may be set back.
        newest = (_jobs.c.number.desc(), _jobs.c.id.desc())
        query = sa.select(_jobs).where(*where).order_by(*newest).limit(limit)
        with self._database.reading() as connection:
            found = [dict(row._mapping) for row in connection.execute(query)]
            return jobs_of(connection, found, counted=counted)


def _end(connection: sa.Connection, job_id: str) -> None:
    """Drop the contents that a job has brought, and let the job follow that was announced."""
    gone = tables.contents.c.job_id == job_id
    connection.execute(sa.delete(tables.contents).where(gone))
    ended = connection.execute(sa.select(_jobs).where(_jobs.c.id == job_id)).one()._mapping
    if ended["again"] and not ended["dry_run"]:
        request = JobRequest(index=ended["index"], trigger=Trigger.HOOK)
        following = new_id()
        connection.execute(insert_job(following, request))
        connection.execute(sa.insert(_times), time_row(following, JobState.QUEUED))
