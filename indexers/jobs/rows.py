"""A job's rows in the database: what is first written of it, and how it is read again."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from indexers.jobs import tables
from indexers.jobs.job import Counts, Job, JobRequest, JobState, Trigger, now_iso

_jobs, _times = tables.jobs, tables.times


def new_id() -> str:
    """An id that sorts by time and can be said aloud."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03}{secrets.token_hex(2)}"


def key_row(request: JobRequest, job_id: str) -> dict[str, Any]:
    """The row of the key that a request with one came under."""
    return {"index": request.index, "key": request.idempotency_key, "job_id": job_id}


def insert_job(job_id: str, request: JobRequest) -> sa.Insert:
    """Write down a new job."""
    number = sa.select(sa.func.coalesce(sa.func.max(_jobs.c.number), 0) + 1).scalar_subquery()
    return sa.insert(_jobs).values(**_first_row(job_id, request), number=number)


def _first_row(job_id: str, request: JobRequest) -> dict[str, Any]:
    direct = request.trigger is Trigger.DIRECT
    return {
        **asdict(request),
        "trigger": request.trigger.value,
        "id": job_id,
        "active": None if request.dry_run or direct else 1,
        "state": JobState.QUEUED.value,
        "stage": "waiting",
        "heartbeat_at": now_iso(),
        "live": False,
        "sequence": 0,
        "batches": 0,
        "scanned": 0,
        "unchanged": 0,
        "kept": 0,
        "cancelling": False,
        "again": False,
    }


def time_row(job_id: str, state: JobState) -> dict[str, str]:
    """The row that says that a job has come to a state now."""
    return {"job_id": job_id, "state": state.value, "at": now_iso()}


def jobs_of(
    connection: sa.Connection, rows: Sequence[Mapping[str, Any]], *, counted: bool
) -> list[Job]:
    """Jobs by their rows, with what they have done where they are to be counted."""
    reached = _reached(connection, [row["id"] for row in rows])
    return [
        _job(row, reached[row["id"]], _counts(connection, row) if counted else Counts())
        for row in rows
    ]


def _reached(connection: sa.Connection, job_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    reached: dict[str, dict[str, str]] = {job_id: {} for job_id in job_ids}
    query = sa.select(_times).where(_times.c.job_id.in_(job_ids)).order_by(_times.c.at)
    for row in connection.execute(query):
        reached[row.job_id][row.state] = row.at
    return reached


def _counts(connection: sa.Connection, row: Mapping[str, Any]) -> Counts:
    columns = tables.documents.c
    sums = [sa.func.coalesce(sa.func.sum(columns[n]), 0) for n in ("chunks", "embedded", "reused")]
    groups = connection.execute(
        sa.select(columns.action, columns.state, sa.func.count(), *sums)
        .where(columns.job_id == row["id"])
        .group_by(columns.action, columns.state)
    ).all()

    def number(actions: Iterable[str], states: Iterable[str] | None = None) -> int:
        return sum(g[2] for g in groups if g[0] in actions and (states is None or g[1] in states))

    work = ("new", "modified", "deleted")
    return Counts(
        scanned=row["scanned"],
        unchanged=row["unchanged"],
        kept=row["kept"],
        new=number(["new"]),
        modified=number(["modified"]),
        deleted=number(["deleted"]),
        skipped=number(["skipped"]),
        failed=number((*work, "unlisted"), ["failed"]),
        documents=number(work, ["done", "failed", "superseded"]),
        total=number(work),
        generated=sum(int(group[3]) for group in groups),
        embedded=sum(int(group[4]) for group in groups),
        reused=sum(int(group[5]) for group in groups),
    )


def _job(row: Mapping[str, Any], reached: Mapping[str, str], counts: Counts) -> Job:
    asked = {name: row[name] for name in JobRequest.__dataclass_fields__}
    return Job(
        id=row["id"],
        request=JobRequest(**{**asked, "trigger": Trigger(row["trigger"])}),
        state=JobState(row["state"]),
        times=reached,
        counts=counts,
        idle_s=row["idle_s"] or 0.0,
        **{name: row[name] for name in _PLAIN},
    )


_PLAIN = (
    "stage",
    "heartbeat_at",
    "worker",
    "error",
    "collection",
    "live",
    "replaces",
    "sequence",
    "batches",
    "stored",
    "cancelling",
)
