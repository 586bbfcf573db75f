"""The ledger of jobs: one active job an index, and what is known of each."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import TypeVar

import pytest
import sqlalchemy as sa

from chunkers.document import Content, ContentType, Format
from indexers.errors import JobNotFoundError
from indexers.jobs.documents import Outcome, Task
from indexers.jobs.job import STUCK_AFTER_S, Counts, Job, JobRequest, JobState, Trigger
from indexers.jobs.ledger import Ledger
from indexers.jobs.view import view
from indexers.state import State
from tests.postgres import bare

T = TypeVar("T")

FAQS = JobRequest(index="faqs")
AT_ONCE = 12


@pytest.fixture
def state(database_url: str) -> Iterator[State]:
    made = State(database_url)
    yield made
    made.close()


@pytest.fixture
def ledger(state: State) -> Ledger:
    return state.jobs


def submitted(ledger: Ledger, request: JobRequest = FAQS) -> Job:
    """A new job, with an id behind that of every earlier one."""
    time.sleep(0.002)
    job, new = ledger.submit(request)
    assert new
    return job


def ended(ledger: Ledger, request: JobRequest = FAQS) -> Job:
    job = submitted(ledger, request)
    assert ledger.advance(job.id, JobState.SUCCEEDED)
    return ledger.get(job.id)


def at_once(action: Callable[[int], T]) -> list[T]:
    """What an action gives when many threads do it in the same moment."""
    barrier = Barrier(AT_ONCE)

    def run(number: int) -> T:
        barrier.wait()
        return action(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


# Asking for a job.


def test_a_job_is_queued_as_it_was_asked_for(ledger: Ledger) -> None:
    request = JobRequest(
        index="faqs",
        full=True,
        allow_shrink=True,
        source='{"kind": "jsonl", "path": "other.jsonl"}',
        trigger=Trigger.RETRY,
        retry_of="another",
        idempotency_key="key",
    )
    job, new = ledger.submit(request)
    assert new
    assert job == ledger.get(job.id)
    assert (job.request, job.state, job.active) == (request, JobState.QUEUED, True)
    assert list(job.times) == ["queued"]
    assert job.counts == Counts()
    assert (job.collection, job.worker, job.error, job.cancelling) == (None, None, None, False)


def test_an_index_has_one_active_job(ledger: Ledger) -> None:
    job = submitted(ledger)
    assert ledger.submit(JobRequest(index="faqs", full=True)) == (job, False)
    ledger.advance(job.id, JobState.VERIFYING)
    found, new = ledger.submit(FAQS)
    assert (found.id, new) == (job.id, False)
    assert submitted(ledger, JobRequest(index="articles")).id != job.id


@pytest.mark.parametrize(
    "end",
    [
        JobState.SUCCEEDED,
        JobState.SUCCEEDED_WITH_FAILURES,
        JobState.FAILED,
        JobState.CANCELLED,
    ],
)
def test_another_job_may_follow_one_that_has_ended(ledger: Ledger, end: JobState) -> None:
    job = submitted(ledger)
    ledger.advance(job.id, JobState.RUNNING)
    ledger.advance(job.id, end)
    assert submitted(ledger).id != job.id


def test_of_many_that_ask_at_once_one_makes_the_job(database_url: str) -> None:
    states = [State(database_url) for _ in range(3)]
    found = at_once(lambda number: states[number % 3].jobs.submit(FAQS))
    assert sum(new for _, new in found) == 1
    assert len({job.id for job, _ in found}) == 1
    assert len(states[0].jobs.latest()) == 1
    for state in states:
        state.close()


def test_while_jobs_come_and_go_no_two_are_active(ledger: Ledger) -> None:
    def come_and_go(_: int) -> list[int]:
        seen = []
        for _ in range(5):
            job, new = ledger.submit(FAQS)
            seen.append(len(ledger.active()))
            if new:
                assert ledger.advance(job.id, JobState.SUCCEEDED)
        return seen

    assert {count for seen in at_once(come_and_go) for count in seen} <= {0, 1}
    assert ledger.active() == []


def test_a_key_that_was_seen_before_gives_the_job_of_that_time(ledger: Ledger) -> None:
    request = JobRequest(index="faqs", idempotency_key="key")
    job = ended(ledger, request)
    assert ledger.submit(request) == (job, False)
    later = submitted(ledger)
    assert ledger.submit(request) == (job, False), "not the one that is active now"
    assert ledger.submit(FAQS) == (later, False)


def test_a_key_is_its_index_s_own(ledger: Ledger) -> None:
    one = submitted(ledger, JobRequest(index="faqs", idempotency_key="key"))
    other = submitted(ledger, JobRequest(index="articles", idempotency_key="key"))
    assert one.id != other.id


def test_of_many_that_ask_with_one_key_one_makes_the_job(ledger: Ledger) -> None:
    def ask(_: int) -> bool:
        job, new = ledger.submit(JobRequest(index="faqs", idempotency_key="key"))
        ledger.advance(job.id, JobState.SUCCEEDED)
        return new

    assert sum(at_once(ask)) == 1


def test_dry_runs_stand_beside_the_active_job_and_each_other(ledger: Ledger) -> None:
    dry = JobRequest(index="faqs", dry_run=True)
    first, job, second = submitted(ledger, dry), submitted(ledger), submitted(ledger, dry)
    assert [one.id for one in ledger.active()] == [second.id, job.id, first.id]
    assert ledger.submit(FAQS) == (job, False)


def test_a_job_that_a_program_runs_by_itself_is_for_no_worker(ledger: Ledger) -> None:
    direct = submitted(ledger, JobRequest(index="faqs", trigger=Trigger.DIRECT))
    assert ledger.active() == []
    assert submitted(ledger).id != direct.id


# Getting on.


def test_a_job_that_is_not_known_is_said(ledger: Ledger) -> None:
    with pytest.raises(JobNotFoundError, match="no job 'none'"):
        ledger.get("none")
    assert not ledger.advance("none", JobState.RUNNING)
    assert not ledger.beat("none")


def test_states_have_the_times_at_which_they_were_reached(ledger: Ledger) -> None:
    job = submitted(ledger)
    way = [JobState.RUNNING, JobState.VERIFYING, JobState.SWITCHING, JobState.SUCCEEDED]
    for state in way:
        time.sleep(0.002)
        assert ledger.advance(job.id, state)
    times = ledger.get(job.id).times
    assert list(times) == ["queued", *(state.value for state in way)]
    assert sorted(times.values()) == list(times.values())
    assert all(datetime.fromisoformat(at).utcoffset() == timedelta(0) for at in times.values())


def test_the_time_of_a_state_is_when_the_job_came_to_it(ledger: Ledger) -> None:
    """Not when something else of its row was written, nor when a stage was taken up again."""
    job = submitted(ledger)
    ledger.advance(job.id, JobState.RUNNING, stage="listing")
    came = ledger.get(job.id).times["running"]
    time.sleep(0.005)
    ledger.advance(job.id, JobState.RUNNING, stage="indexing", batches=3)
    assert ledger.get(job.id).times["running"] == came


def test_what_a_stage_finds_is_written_with_it(ledger: Ledger) -> None:
    job = submitted(ledger)
    ledger.advance(
        job.id,
        JobState.RUNNING,
        stage="indexing",
        worker="w",
        collection="faqs-1",
        live=True,
        replaces="faqs-0",
        sequence=7,
        batches=2,
        scanned=9,
        unchanged=5,
        kept=1,
    )
    found = ledger.get(job.id)
    assert (found.stage, found.worker, found.collection) == ("indexing", "w", "faqs-1")
    assert (found.live, found.replaces, found.sequence, found.batches) == (True, "faqs-0", 7, 2)
    assert (found.counts.scanned, found.counts.unchanged, found.counts.kept) == (9, 5, 1)


def test_a_job_that_has_ended_stays_ended(ledger: Ledger) -> None:
    job = submitted(ledger)
    assert ledger.advance(job.id, JobState.FAILED, error="the store is full")
    before = ledger.get(job.id)
    assert not ledger.advance(job.id, JobState.SUCCEEDED, stored=3)
    assert not ledger.beat(job.id, "indexing")
    assert ledger.get(job.id) == before
    assert (before.state, before.error) == (JobState.FAILED, "the store is full")


def test_a_beat_says_whether_to_go_on(ledger: Ledger) -> None:
    job = submitted(ledger)
    ledger.advance(job.id, JobState.RUNNING)
    time.sleep(0.002)
    assert ledger.beat(job.id, "indexing")
    found = ledger.get(job.id)
    assert found.stage == "indexing"
    assert found.heartbeat_at > job.heartbeat_at
    ledger.cancel(job.id)
    assert not ledger.beat(job.id)
    assert ledger.get(job.id).stage == "indexing"


# Cancelling.


def test_a_job_that_no_worker_has_taken_is_cancelled_at_once(ledger: Ledger) -> None:
    job = submitted(ledger)
    ledger.cancel(job.id)
    found = ledger.get(job.id)
    assert (found.state, found.active) == (JobState.CANCELLED, False)
    assert set(found.times) == {"queued", "cancelled"}
    assert not ledger.advance(job.id, JobState.RUNNING)
    assert submitted(ledger).id != job.id


@pytest.mark.parametrize("at", [JobState.RUNNING, JobState.VERIFYING, JobState.SWITCHING])
def test_a_job_at_work_is_told_to_stop(ledger: Ledger, at: JobState) -> None:
    job = submitted(ledger)
    ledger.advance(job.id, at)
    ledger.cancel(job.id)
    found = ledger.get(job.id)
    assert (found.state, found.active, found.cancelling) == (at, True, True)
    again, new = ledger.submit(FAQS)
    assert (again.id, new) == (job.id, False), "it is active until it has stopped"
    assert ledger.advance(job.id, JobState.CANCELLED)


def test_a_job_that_has_ended_is_not_cancelled(ledger: Ledger) -> None:
    job = ended(ledger)
    ledger.cancel(job.id)
    assert ledger.get(job.id).state is JobState.SUCCEEDED


# Announcing.


@pytest.mark.parametrize("end", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_a_change_that_was_announced_meanwhile_is_taken_up_afterwards(
    ledger: Ledger, end: JobState
) -> None:
    job = submitted(ledger, JobRequest(index="faqs", full=True, allow_shrink=True))
    ledger.advance(job.id, JobState.RUNNING)
    ledger.announce(job.id)
    ledger.announce(job.id)
    assert [one.id for one in ledger.active()] == [job.id], "not before it has ended"
    ledger.advance(job.id, end)
    (following,) = ledger.active()
    assert following.request == JobRequest(index="faqs", trigger=Trigger.HOOK)
    assert (following.state, list(following.times)) == (JobState.QUEUED, ["queued"])
    ledger.advance(following.id, JobState.SUCCEEDED)
    assert ledger.active() == [], "and that is all"


def test_without_an_announcement_nothing_follows(ledger: Ledger) -> None:
    ended(ledger)
    assert ledger.active() == []


def test_a_change_that_is_announced_just_as_the_job_ends_is_taken_up(ledger: Ledger) -> None:
    """Who announces has seen the job at work; it may have ended since."""
    job = submitted(ledger)
    ledger.advance(job.id, JobState.RUNNING)
    ledger.advance(job.id, JobState.SUCCEEDED)
    ledger.announce(job.id)
    assert [one.index for one in ledger.active()] == ["faqs"]


# Counting.


def test_counts_are_those_of_the_job_s_documents(ledger: Ledger) -> None:
    job = submitted(ledger)
    actions = ["new", "new", "modified", "modified", "deleted", "deleted"]
    tasks = [
        Task(number=number, batch=0, document_id=str(number), action=action)
        for number, action in enumerate(actions)
    ]
    odd = [
        Task(number=6, document_id="x:1", action="unlisted", state="failed", reason="not JSON"),
        Task(number=7, document_id="x.bin", action="skipped", state="skipped", reason="no text"),
    ]
    ledger.documents.replace(job.id, [*tasks, *odd])
    ledger.advance(job.id, JobState.RUNNING, scanned=11, unchanged=4, kept=2)
    counts = ledger.get(job.id).counts
    planned = Counts(
        scanned=11,
        new=2,
        modified=2,
        unchanged=4,
        deleted=2,
        skipped=1,
        failed=1,
        kept=2,
        total=6,
    )
    assert counts == planned
    done = [
        Outcome(number=0, state="done", chunks=3, embedded=2, reused=1),
        Outcome(number=1, state="failed", reason="empty"),
        Outcome(number=2, state="superseded"),
        Outcome(number=4, state="done"),
    ]
    ledger.documents.finish(job.id, done)
    counts = ledger.get(job.id).counts
    assert (counts.documents, counts.total, counts.failed) == (4, 6, 2)
    assert (counts.generated, counts.embedded, counts.reused) == (3, 2, 1)
    assert (counts.new, counts.modified, counts.deleted) == (2, 2, 2)


def test_contents_go_when_their_job_ends(ledger: Ledger) -> None:
    one, other = submitted(ledger), submitted(ledger, JobRequest(index="articles"))
    content = Content(
        id="a", content_type=ContentType.FAQ, format=Format.JSON, data=b"{}", revision="r"
    )
    for job in (one, other):
        ledger.documents.keep_contents(job.id, [content])
    ledger.advance(one.id, JobState.VERIFYING)
    assert ledger.documents.contents(one.id, ["a"]) == {"a": content}
    ledger.advance(one.id, JobState.SUCCEEDED)
    assert ledger.documents.contents(one.id, ["a"]) == {}
    assert ledger.documents.contents(other.id, ["a"]) == {"a": content}


# Looking back.


def test_the_latest_jobs_come_first(ledger: Ledger) -> None:
    made = [
        ended(ledger, JobRequest(index=index)).id for index in ("faqs", "articles", "faqs", "faqs")
    ]
    assert [job.id for job in ledger.latest()] == made[::-1]
    assert [job.id for job in ledger.latest("faqs")] == [made[3], made[2], made[0]]
    assert [job.id for job in ledger.latest("faqs", limit=2)] == [made[3], made[2]]
    assert ledger.latest("none") == []


def test_all_but_the_latest_jobs_of_an_index_are_forgotten(ledger: Ledger) -> None:
    other = ended(ledger, JobRequest(index="articles"))
    old = [ended(ledger), submitted_dry_run(ledger)]
    kept = [ended(ledger), ended(ledger)]
    active = submitted(ledger)
    for job in (*old, active):
        task = Task(number=0, document_id="a", action="new")
        ledger.documents.replace(job.id, [task])
    assert sorted(ledger.prune("faqs", keep=2)) == sorted(job.id for job in old)
    left = {active.id, *(job.id for job in kept), other.id}
    assert {job.id for job in ledger.latest()} == left
    assert ledger.documents.all(old[0].id) == []
    assert len(ledger.documents.all(active.id)) == 1
    with pytest.raises(JobNotFoundError):
        ledger.get(old[0].id)
    assert ledger.prune("faqs", keep=2) == []


def submitted_dry_run(ledger: Ledger) -> Job:
    return ended(ledger, JobRequest(index="faqs", dry_run=True))


def test_a_job_at_work_is_not_forgotten(ledger: Ledger) -> None:
    dry = submitted(ledger, JobRequest(index="faqs", dry_run=True))
    direct = submitted(ledger, JobRequest(index="faqs", trigger=Trigger.DIRECT))
    job = submitted(ledger)
    for _ in range(3):
        submitted_dry_run(ledger)
    ledger.prune("faqs", keep=0)
    assert [one.id for one in ledger.latest()] == [job.id, direct.id, dry.id]


def test_workers_come_and_go(ledger: Ledger) -> None:
    ledger.enlist("one")
    ledger.enlist("two")
    ledger.enlist("one")
    assert sorted(ledger.workers()) == ["one", "two"]
    ledger.discharge("one")
    ledger.discharge("never there")
    assert ledger.workers() == ["two"]


# A job without a sign of life, and clocks that are set.


def after(job: Job, seconds: float) -> datetime:
    return datetime.fromisoformat(job.heartbeat_at) + timedelta(seconds=seconds)


def test_a_job_at_work_without_a_sign_of_life_is_stuck(ledger: Ledger) -> None:
    ledger.advance(submitted(ledger).id, JobState.RUNNING)
    (job,) = ledger.active()
    assert job.silent_s(after(job, 90)) == 90
    assert not job.stuck(after(job, STUCK_AFTER_S))
    assert job.stuck(after(job, STUCK_AFTER_S + 1))


def test_a_job_that_nobody_has_taken_or_that_has_ended_is_not_stuck(ledger: Ledger) -> None:
    job = submitted(ledger)
    assert not job.stuck(after(job, 1e6))
    done = ended(ledger, JobRequest(index="articles"))
    assert not done.stuck(after(done, 1e6))


def test_a_clock_that_was_set_back_is_no_silence(ledger: Ledger) -> None:
    ledger.advance(submitted(ledger).id, JobState.RUNNING)
    (job,) = ledger.active()
    assert job.silent_s(after(job, -3600)) == 0
    assert not job.stuck(after(job, -3600))


def rewritten(state: State, statement: str, **values: object) -> None:
    """Change the notes themselves, as if they had been written by another clock."""
    with bare(state.url) as connection:
        connection.execute(sa.text(statement), values)


def test_a_clock_that_was_set_forward_is_made_up_for_by_the_next_beat(state: State) -> None:
    job = submitted(state.jobs)
    state.jobs.advance(job.id, JobState.RUNNING)
    hour_ago = after(job, -3600).isoformat(timespec="milliseconds")
    rewritten(state, "UPDATE jobs SET heartbeat_at = :at", at=hour_ago)
    assert state.jobs.get(job.id).stuck()
    assert state.jobs.beat(job.id)
    assert not state.jobs.get(job.id).stuck()


def test_the_time_in_which_nobody_is_at_a_job_does_not_slow_its_rate(state: State) -> None:
    job = submitted(state.jobs)
    tasks = [Task(number=n, document_id=str(n), action="new", batch=0) for n in range(4)]
    state.jobs.documents.replace(job.id, tasks)
    state.jobs.advance(job.id, JobState.RUNNING)
    done = Outcome(number=0, state="done", chunks=1, embedded=1, reused=0)
    state.jobs.documents.finish(job.id, [done])
    began, crashed = (after(job, -s).isoformat(timespec="milliseconds") for s in (3602, 3600))
    rewritten(state, "UPDATE job_times SET at = :at", at=began)
    rewritten(state, "UPDATE jobs SET heartbeat_at = :at", at=crashed)
    slow = view(state.jobs.get(job.id), workers=0)["progress"]
    assert slow["per_second"] == 0.0
    for _ in range(2):  # The second one comes without a silence before it.
        assert state.jobs.beat(job.id)
    resumed = view(state.jobs.get(job.id), workers=1)["progress"]
    assert resumed["per_second"] == pytest.approx(0.5, rel=0.2)
    assert resumed["seconds_left"] == pytest.approx(6, rel=0.2)


def test_a_job_of_after_the_clock_was_set_back_is_not_forgotten_first(state: State) -> None:
    """Those of before seem to be of years to come."""
    for _ in range(3):
        ended(state.jobs)
    for table, column in (("jobs", "id"), ("job_times", "job_id")):
        rewritten(state, f"UPDATE {table} SET {column} = '2999' || substr({column}, 5)")
    rewritten(state, "UPDATE job_times SET at = '2999' || substr(at, 5)")
    latest = ended(state.jobs)
    assert latest.id not in state.jobs.prune("faqs", keep=3)
    assert state.jobs.get(latest.id) == latest


def test_a_job_whose_clock_was_set_back_while_it_ran_ends_as_any(state: State) -> None:
    job = submitted(state.jobs)
    state.jobs.advance(job.id, JobState.RUNNING)
    tomorrow = after(job, 86400).isoformat(timespec="milliseconds")
    rewritten(state, "UPDATE job_times SET at = :at", at=tomorrow)
    rewritten(state, "UPDATE jobs SET heartbeat_at = :at", at=tomorrow)
    assert state.jobs.get(job.id).silent_s() == 0
    assert state.jobs.beat(job.id)
    assert state.jobs.advance(job.id, JobState.SUCCEEDED)
    assert set(state.jobs.get(job.id).times) == {"queued", "running", "succeeded"}
    assert submitted(state.jobs).active
