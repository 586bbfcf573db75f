"""Jobs that the clock asks for: each time of a schedule once, whoever sees it come."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexers.catalog import IndexSpec, load_catalog
from indexers.jobs.job import Job, JobRequest, JobState, Trigger
from indexers.jobs.schedules import Schedules, latest_due
from indexers.state import State
from indexers.upkeep import Schedule, seconds
from tests.builders import ARTICLES, FAQS

HOURLY = "    schedule: {every: 1h}\n"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORKERS = 8


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "passages.db")
    yield made
    made.close()


def specs(folder: Path, text: str = FAQS + HOURLY) -> list[IndexSpec]:
    file = folder / "catalog.yaml"
    file.write_text(text)
    return [*load_catalog(file).values()]


@pytest.fixture
def hourly(tmp_path: Path, state: State) -> Schedules:
    found = specs(tmp_path)
    return Schedules(state, lambda: found)


def end(state: State) -> Job:
    """Let the one active job end."""
    (job,) = state.jobs.active()
    state.jobs.advance(job.id, JobState.SUCCEEDED)
    return job


def test_a_time_that_has_come_asks_for_a_job(hourly: Schedules, state: State) -> None:
    hourly.submit_due(NOON)
    job = end(state)
    assert job.request == JobRequest(
        index="faqs",
        trigger=Trigger.SCHEDULE,
        idempotency_key="schedule 2026-07-01T12:00:00+00:00",
    )


def test_a_time_asks_once(hourly: Schedules, state: State) -> None:
    hourly.submit_due(NOON)
    end(state)
    for minutes in (0, 1, 59):
        hourly.submit_due(NOON + timedelta(minutes=minutes))
    assert state.jobs.active() == []
    hourly.submit_due(NOON + HOUR)
    end(state)
    assert len(state.jobs.latest()) == 2


def test_a_worker_that_starts_anew_does_not_ask_again(tmp_path: Path, state: State) -> None:
    found = specs(tmp_path)
    Schedules(state, lambda: found).submit_due(NOON)
    end(state)
    Schedules(state, lambda: found).submit_due(NOON + timedelta(minutes=30))
    assert state.jobs.active() == []


def test_times_that_were_missed_are_made_up_for_by_one_job(hourly: Schedules, state: State) -> None:
    hourly.submit_due(NOON)
    end(state)
    hourly.submit_due(NOON + 5.5 * HOUR)
    job = end(state)
    assert job.request.idempotency_key == "schedule 2026-07-01T17:00:00+00:00"
    hourly.submit_due(NOON + 5.6 * HOUR)
    assert state.jobs.active() == []


def test_a_time_that_comes_while_a_job_is_active_joins_it(hourly: Schedules, state: State) -> None:
    job, _ = state.jobs.submit(JobRequest(index="faqs"))
    hourly.submit_due(NOON)
    assert [one.id for one in state.jobs.active()] == [job.id]
    end(state)
    hourly.submit_due(NOON + timedelta(minutes=1))
    assert state.jobs.active() == []


def test_a_clock_that_is_set_back_asks_for_nothing_twice(hourly: Schedules, state: State) -> None:
    for hours in (0, 1, 2):
        hourly.submit_due(NOON + hours * HOUR)
        end(state)
    for hours in (0, 1, 2):
        hourly.submit_due(NOON + hours * HOUR)
    assert state.jobs.active() == []
    assert len(state.jobs.latest()) == 3


def test_an_index_without_a_schedule_is_left_alone(tmp_path: Path, state: State) -> None:
    found = specs(tmp_path, FAQS + ARTICLES.removeprefix("indexes:\n") + HOURLY)
    Schedules(state, lambda: found).submit_due(NOON)
    assert [job.index for job in state.jobs.active()] == ["articles"]


def test_the_catalog_counts_as_it_is_now(tmp_path: Path, state: State) -> None:
    schedules = Schedules(state, lambda: specs(tmp_path, (tmp_path / "now").read_text()))
    (tmp_path / "now").write_text(FAQS)
    schedules.submit_due(NOON)
    assert state.jobs.active() == []
    (tmp_path / "now").write_text(FAQS + HOURLY)
    schedules.submit_due(NOON)
    end(state)
    (tmp_path / "now").write_text(FAQS + HOURLY.replace("1h", "1m"))
    schedules.submit_due(NOON + timedelta(seconds=90))
    assert end(state).request.idempotency_key == "schedule 2026-07-01T12:01:00+00:00"


def test_now_is_the_time_unless_given(hourly: Schedules, state: State) -> None:
    before = datetime.now(UTC)
    hourly.submit_due()
    key = end(state).request.idempotency_key
    assert key is not None
    due = datetime.fromisoformat(key.removeprefix("schedule "))
    assert before - HOUR < due <= datetime.now(UTC)


def test_of_many_workers_that_see_a_time_come_one_asks(tmp_path: Path, database_url: str) -> None:
    states = [State(database_url) for _ in range(WORKERS)]
    found, barrier = specs(tmp_path), Barrier(WORKERS)

    def look(state: State) -> None:
        schedules = Schedules(state, lambda: found)
        barrier.wait()
        schedules.submit_due(NOON)
        for job in state.jobs.active():  # Also where the job has ended before the last one looks.
            state.jobs.advance(job.id, JobState.SUCCEEDED)

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(look, states))
    assert len(states[0].jobs.latest()) == 1
    for state in states:
        state.close()


@pytest.mark.parametrize(
    ("schedule", "now", "due"),
    [
        (Schedule(every="1h"), "2026-07-01T12:59:59.9", "2026-07-01T12:00:00"),
        (Schedule(every="1h"), "2026-07-01T13:00:00", "2026-07-01T13:00:00"),
        (Schedule(every="1d"), "2026-07-01T12:00:00", "2026-07-01T00:00:00"),
        (Schedule(every="90s"), "1970-01-01T00:04:29", "1970-01-01T00:03:00"),
        (Schedule(cron="0 3 * * *"), "2026-07-01T02:59:58", "2026-06-30T03:00:00"),
        (Schedule(cron="0 3 * * *"), "2026-07-01T03:00:00", "2026-07-01T03:00:00"),
        (Schedule(cron="0 3 * * *"), "2026-07-01T03:00:00.5", "2026-07-01T03:00:00"),
        (Schedule(cron="*/15 8-18 * * 1-5"), "2026-07-05T10:00:00", "2026-07-03T18:45:00"),
        (Schedule(cron="0 0 29 2 *"), "2027-01-01T00:00:00", "2024-02-29T00:00:00"),
    ],
    ids=str,
)
def test_the_time_that_came_last(schedule: Schedule, now: str, due: str) -> None:
    found = latest_due(schedule, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))


@given(now=TIMES, every=st.sampled_from(["1s", "7s", "5m", "6h", "1d", "30d"]))
def test_the_last_time_of_a_stretch_is_less_than_that_ago(now: datetime, every: str) -> None:
    due = latest_due(Schedule(every=every), now)
    assert due <= now < due + timedelta(seconds=seconds(every))


@given(now=TIMES, cron=st.sampled_from(["* * * * *", "*/5 * * * *", "30 3 * * *", "0 0 1 * *"]))
@example(now=datetime(2026, 7, 1, 2, 59, 59, 500_000, UTC), cron="0 3 * * *")
def test_no_time_comes_before_it_has_come(now: datetime, cron: str) -> None:
    due = latest_due(Schedule(cron=cron), now)
    assert due <= now
    assert latest_due(Schedule(cron=cron), due) == due
