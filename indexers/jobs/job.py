"""A re-index job, as everybody sees it: what was asked for, where it is, what it did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

STUCK_AFTER_S = 180.0
"""A job at work gives a sign of life with every document; this long without one, it is stuck."""

IDLE_AFTER_S = 30.0
"""A silence this long that ends is one of nobody at the job."""


class JobState(StrEnum):
    """Where a job is. The first four are active; an index has at most one active job."""

    QUEUED = "queued"  # No worker has taken it yet.
    RUNNING = "running"  # Listing, planning, then reading, embedding and storing.
    VERIFYING = "verifying"  # All is stored; what the gate asks for is checked.
    SWITCHING = "switching"  # Searches come to see it.
    SUCCEEDED = "succeeded"
    SUCCEEDED_WITH_FAILURES = "succeeded_with_failures"  # Some documents could not be indexed.
    FAILED = "failed"  # Searches see what they saw before, or all that was changed in place.
    CANCELLED = "cancelled"


ACTIVE = (JobState.QUEUED, JobState.RUNNING, JobState.VERIFYING, JobState.SWITCHING)


class Trigger(StrEnum):
    """Who asked for a job."""

    REQUEST = "request"
    RETRY = "retry"
    SCHEDULE = "schedule"
    HOOK = "hook"
    DIRECT = "direct"  # No worker: a program runs it by itself, from its first line to its last.


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """What is asked for. `full` builds anew, `dry_run` only plans, `allow_shrink` lets the index
    lose more documents than its gate allows. `source` is a source's mapping as JSON, in place of
    the catalog's. `retry_of` names the job whose failed documents alone are taken up."""

    index: str
    full: bool = False
    dry_run: bool = False
    allow_shrink: bool = False
    source: str | None = None
    trigger: Trigger = Trigger.REQUEST
    retry_of: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a job found and did so far.

    `new`, `modified` and `deleted` are planned; `documents` of `total` are done, whether stored,
    deleted or failed. `generated` chunks were cut and stored for them, of which `embedded` went
    through the model and `reused` were known.
    """

    scanned: int = 0
    new: int = 0
    modified: int = 0
    unchanged: int = 0
    deleted: int = 0
    skipped: int = 0
    failed: int = 0
    kept: int = 0
    documents: int = 0
    total: int = 0
    generated: int = 0
    embedded: int = 0
    reused: int = 0


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job. Times are ISO 8601 in UTC; `times` has the one of each state that it came to.

    Nobody was at it for `idle_s` seconds since it began, as after a crash.
    `collection` is what it writes to: the live one where `live`, else a new build that takes the
    place of `replaces`. `sequence` is the last pushed change that its plan knows.
    """

    id: str
    request: JobRequest
    state: JobState
    stage: str
    times: Mapping[str, str]
    heartbeat_at: str
    idle_s: float = 0.0
    worker: str | None = None
    error: str | None = None
    collection: str | None = None
    live: bool = False
    replaces: str | None = None
    sequence: int = 0
    batches: int = 0
    stored: int | None = None
    cancelling: bool = False
    counts: Counts = field(default_factory=Counts)

    @property
    def index(self) -> str:
        """The index that it is for."""
        return self.request.index

    @property
    def active(self) -> bool:
        """Whether it still has something to do."""
        return self.state in ACTIVE

    def silent_s(self, now: datetime | None = None) -> float:
        """Seconds since its last sign of life; a clock that was set back counts as none."""
        return seconds_since(self.heartbeat_at, now)

    def stuck(self, now: datetime | None = None) -> bool:
        """Whether a worker has it and gives no sign of life."""
        at_work = self.active and self.state is not JobState.QUEUED
        return at_work and self.silent_s(now) > STUCK_AFTER_S


def now_iso() -> str:
    """The time now, ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def seconds_since(then: str, now: datetime | None = None) -> float:
    """Seconds since a time of `now_iso`; 0 where the clock was set back."""
    return max(0.0, ((now or datetime.now(UTC)) - datetime.fromisoformat(then)).total_seconds())
