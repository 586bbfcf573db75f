"""Jobs that are asked for by the clock, as the catalog says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from croniter import croniter

from indexers.catalog import IndexSpec
from indexers.jobs.job import JobRequest, JobState, Trigger
from indexers.state import State
from indexers.upkeep import Schedule, seconds


class Schedules:
    """Submits the jobs of a catalog's schedules; of several workers that do, one succeeds."""

    def __init__(self, state: State, specs: Callable[[], list[IndexSpec]]) -> None:
        """`specs` gives the indexes of the catalog as it is now."""
        self._state = state
        self._specs = specs
        self._checked: dict[str, datetime] = {}

    def submit_due(self, now: datetime | None = None) -> None:
        """Ask for every job that has come due since the last look.

        Raises:
            StateError: the database failed.
        """
        now = now or datetime.now(UTC)
        for spec in self._specs():
            if spec.upkeep.schedule is None:
                continue
            due = latest_due(spec.upkeep.schedule, now)
            if self._checked.get(spec.name) == due:
                continue
            self._checked[spec.name] = due
            # Each time of the schedule has one job, however many workers see it come.
            key = f"schedule {due.isoformat()}"
            asked = JobRequest(index=spec.name, trigger=Trigger.SCHEDULE, idempotency_key=key)
            job, new = self._state.jobs.submit(asked)
            other = job.request.idempotency_key != key
            if not new and other and job.active and job.state is not JobState.QUEUED:
                self._state.jobs.announce(job.id)  # It may have listed the source too early.


def latest_due(schedule: Schedule, now: datetime) -> datetime:
    """The last time that a schedule names, up to now. `every` counts from midnight in UTC of the
    first of January 1970, so that it is the same for every worker and after every restart."""
    if schedule.cron is not None:
        # A moment on, since the time itself counts, in the whole seconds that croniter knows.
        whole = now.replace(microsecond=0) + timedelta(seconds=1)
        found: datetime = croniter(schedule.cron, whole).get_prev(datetime)
        return found
    step = seconds(schedule.every or "")
    return datetime.fromtimestamp(now.timestamp() // step * step, UTC)
