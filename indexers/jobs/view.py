"""A job as JSON, for the API and the command line."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from indexers.jobs.documents import Task
from indexers.jobs.job import Job, JobState

_SHOWN = 100
"""Failures that a job's own view names; /jobs/{id}/documents has all of them."""


def view(job: Job, *, workers: int, failures: list[Task] | None = None) -> dict[str, Any]:
    """A job; with `failures` these are named, and otherwise only counted. `workers` is how many
    there are to take it."""
    counts = asdict(job.counts)
    chunks = {name: counts.pop(name) for name in ("generated", "embedded", "reused")}
    done, total = counts.pop("documents"), counts.pop("total")
    shown: dict[str, Any] = {
        "id": job.id,
        "url": f"/jobs/{job.id}",
        "index": job.index,
        "mode": "full" if job.request.full else "incremental",
        "dry_run": job.request.dry_run,
        "trigger": job.request.trigger.value,
        "retry_of": job.request.retry_of,
        "state": job.state.value,
        "stage": job.stage,
        "times": dict(job.times),
        "heartbeat_at": job.heartbeat_at,
        "silent_s": round(job.silent_s(), 1) if job.active else None,
        "stuck": job.stuck(),
        "note": _note(job, workers),
        "error": job.error,
        "progress": {"documents": done, "total": total, **_pace(job, done, total)},
        "documents": counts,
        "chunks": {**chunks, "stored": job.stored},
        "collection": job.collection,
        "switches": not job.live,
    }
    if failures is not None:
        shown["failures"] = [
            {"where": task.location, "reason": task.reason} for task in failures[:_SHOWN]
        ]
    return shown


def task_view(task: Task) -> dict[str, Any]:
    """What a job does with one document, as JSON."""
    names = ("document_id", "action", "state", "revision", "location", "reason", "chunks")
    values = asdict(task)
    return {name: values[name] for name in names}


def _note(job: Job, workers: int) -> str | None:
    """What somebody who waits for the job should know."""
    if job.state is JobState.QUEUED and not workers:
        return "no worker is running: start one with 'python -m indexers worker'"
    if job.stuck():
        return (
            f"stuck: no sign of life for {job.silent_s():.0f} s from worker {job.worker}, at stage "
            f"{job.stage}; if its process hangs, kill it, and another worker goes on"
        )
    if job.cancelling and job.active:
        return "it was told to stop, and ends after the documents that it is at"
    return None


def _pace(job: Job, done: int, total: int) -> dict[str, float | None]:
    """Documents a second while somebody was at the job, and the seconds left at that rate."""
    began = job.times.get(JobState.RUNNING.value)
    ended = max(job.times.values()) if not job.active else datetime.now(UTC).isoformat()
    if began is None or not done:
        return {"per_second": None, "seconds_left": None}
    passed = datetime.fromisoformat(ended) - datetime.fromisoformat(began)
    seconds = passed.total_seconds() - job.idle_s
    if seconds <= 0:  # The clock was set back.
        return {"per_second": None, "seconds_left": None}
    rate = done / seconds
    left = round((total - done) / rate, 1) if job.active else None
    return {"per_second": round(rate, 1), "seconds_left": left}
