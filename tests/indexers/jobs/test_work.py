"""A job's stages, by hand: interrupted, overtaken by changes, cancelled, retried, refused."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import sqlalchemy as sa

from chunkers.document import Content, ContentType, Format
from indexers.catalog import CatalogFile
from indexers.collections import roll_back
from indexers.errors import ConflictError, DocumentError, IndexersError
from indexers.jobs import single
from indexers.jobs.finishing import finish
from indexers.jobs.job import Job, JobState, Trigger
from indexers.jobs.planning import plan
from indexers.jobs.service import Service
from indexers.jobs.work import Work, cancel, run_batch
from indexers.prepare import Assignment, Group, prepare
from indexers.sources import Entry, Listed
from indexers.state import PENDING, State, Stored
from indexers.store import Point, Schema
from indexers.store.edge import EdgeStore
from tests.builders import ARTICLES, FAQS, Record, Site, faq

CHANGED = FAQS + "    filters: {locale: keyword}\n"
"""Another fingerprint of the same index."""

STRICT = FAQS + "    filters: {year: integer}\n"
"""With a document that a filter does not fit, a job succeeds with failures."""


def batches(work: Work) -> None:
    for number in range(work.job.batches):
        run_batch(work, number)


def last(work: Work) -> Job:
    """The last stage, as a worker runs it."""
    if work.state.jobs.beat(work.job_id):
        finish(work)
    elif work.job.active:
        cancel(work)
    return work.job


def rest(work: Work) -> Job:
    """What comes after the plan."""
    batches(work)
    return last(work)


def whole(work: Work) -> Job:
    plan(work)
    return rest(work)


def answers(site: Site) -> dict[str, str]:
    """The answer of each FAQ that searches see."""
    payloads = [payload for _, payload in site.points().values()]
    return {payload["document_id"]: payload["text"].partition("\n\n")[2] for payload in payloads}


def content(record: Record, revision: str = "put:1") -> Content:
    return Content(
        id=str(record["id"]),
        content_type=ContentType.FAQ,
        format=Format.JSON,
        data=json.dumps(record).encode(),
        revision=revision,
    )


def put(site: Site, id_: str, answer: str, revision: str = "put:1") -> None:
    record = faq(id_, answer=answer)
    single.put(site.specs()["faqs"], content(record, revision), site.store, site.state)


def delete(site: Site, id_: str) -> None:
    single.delete(site.specs()["faqs"], id_, site.store, site.state)


def states(work: Work) -> dict[str, str]:
    return {task.document_id: task.state for task in work.state.jobs.documents.all(work.job_id)}


# From one end to the other.


def test_a_job_goes_through_its_stages(site: Site) -> None:
    site.faqs(faq("a"), faq("b"))
    work = site.work()
    plan(work)
    job = work.job
    assert (job.state, job.stage, job.worker, job.batches) == (
        JobState.RUNNING,
        "indexing",
        "test",
        1,
    )
    assert (job.live, job.replaces, job.counts.total) == (False, None, 2)
    assert site.store.aliases() == {}
    batches(work)
    assert states(work) == {"a": "done", "b": "done"}
    assert site.store.aliases() == {}
    finish(work)
    job = work.job
    assert (job.state, job.stage, job.stored) == (JobState.SUCCEEDED, "done", 2)
    assert list(job.times) == ["queued", "running", "verifying", "switching", "succeeded"]
    assert site.store.aliases() == {"faqs": job.collection}


def test_a_job_in_place_does_not_switch(site: Site) -> None:
    site.faqs(faq("a"))
    site.reindex()
    site.faqs(faq("b"))
    job = whole(site.work(allow_shrink=True))
    assert (job.state, job.live) == (JobState.SUCCEEDED, True)
    assert "switching" not in job.times
    assert set(answers(site)) == {"b"}


def test_documents_are_cut_into_batches(site: Site) -> None:
    site.catalog = ARTICLES
    site.articles({f"{number:03}.md": f"# Pot {number}\n\nRed.\n" for number in range(70)})
    work = site.work()
    plan(work)
    assert work.job.batches == 2
    run_batch(work, 1)
    assert work.job.counts.documents == 6
    run_batch(work, 0)
    assert last(work).state is JobState.SUCCEEDED
    assert len(site.points()) == 70


def test_a_job_with_failures_says_so(site: Site) -> None:
    site.catalog = STRICT
    site.faqs(faq("a"), faq("b", year="old"), "{broken")
    job = whole(site.work())
    assert job.state is JobState.SUCCEEDED_WITH_FAILURES
    assert (job.counts.failed, job.counts.documents, job.counts.total) == (2, 2, 2)


def test_a_dry_run_only_plans(site: Site) -> None:
    site.faqs(faq("a"), faq("b"))
    site.reindex()
    before = (site.points(), site.state.builds())
    site.faqs(faq("b", answer="Other."), faq("c"))
    work = site.work(dry_run=True)
    plan(work)
    finish(work)
    assert (work.job.state, work.job.stage) == (JobState.SUCCEEDED, "planned")
    assert {(t.document_id, t.action) for t in site.state.jobs.documents.all(work.job_id)} == {
        ("a", "deleted"),
        ("b", "modified"),
        ("c", "new"),
    }
    assert (site.points(), site.state.builds()) == before


def test_a_dry_run_forgets_no_change_that_was_pushed(site: Site) -> None:
    site.faqs(faq("a"))
    site.reindex()
    put(site, "a", "Put.")
    site.faqs(faq("a", answer="The source knows better."))
    before = site.state.pushed.all("faqs")
    work = site.work(dry_run=True)
    plan(work)
    finish(work)
    assert site.state.pushed.all("faqs") == before


# Interrupted, and run again.


class PowerCut(BaseException):
    """The process is gone."""


@dataclass
class Cuts:
    """The power goes once, at one of the moments that are counted while it `may_go`."""

    left: int
    counting: bool = False

    def moment(self) -> None:
        self.left -= self.counting
        if self.counting and self.left == -1:
            raise PowerCut

    @contextmanager
    def may_go(self) -> Iterator[None]:
        """Count what the store does, and every transaction, which is lost when the power goes."""

        def at_commit(_: sa.Connection) -> None:
            self.moment()

        sa.event.listen(sa.Engine, "commit", at_commit)
        self.counting = True
        try:
            yield
        finally:
            self.counting = False
            sa.event.remove(sa.Engine, "commit", at_commit)


class CutStore(EdgeStore):
    """A store that the power goes after: what was asked for is done, and nobody hears of it."""

    def __init__(self, folder: Path, cuts: Cuts) -> None:
        super().__init__(folder)
        self.cuts = cuts

    def create(self, collection: str, schema: Schema) -> None:
        super().create(collection, schema)
        self.cuts.moment()

    def drop(self, collection: str) -> None:
        super().drop(collection)
        self.cuts.moment()

    def switch(self, alias: str, collection: str) -> None:
        super().switch(alias, collection)
        self.cuts.moment()

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        super().upsert(collection, points)
        self.cuts.moment()

    def delete_document(self, collection: str, document_id: str, keep: Iterable[str] = ()) -> None:
        super().delete_document(collection, document_id, keep)
        self.cuts.moment()

    def optimize(self, collection: str) -> None:
        super().optimize(collection)
        self.cuts.moment()


BEFORE = [faq("same"), faq("changed"), faq("gone"), faq("overtaken"), faq("removed")]
AFTER = [
    faq("same"),
    faq("changed", answer="It has changed."),
    faq("fresh"),
    faq("overtaken", answer="The source's."),
    faq("removed", answer="The source's."),
]
EXPECTED = {
    "same": "The same is the thing that is called same.",
    "changed": "It has changed.",
    "fresh": "The fresh is the thing that is called fresh.",
    "overtaken": "Put meanwhile.",
    "new": "Put meanwhile.",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation whose source has changed since it was indexed, and that has embedded both
    versions before."""
    folder = tmp_path_factory.mktemp("prepared")
    site = Site(folder)
    for records in (AFTER, BEFORE):
        site.faqs(*records)
        site.reindex()
    put(site, "overtaken", "Put meanwhile.")
    put(site, "new", "Put meanwhile.")
    site.close()
    shutil.rmtree(folder / "data" / "store")
    site = Site(folder)
    site.faqs(*BEFORE)
    for build in site.state.builds():
        site.state.forget_build(build.collection)
    site.state.pushed.forget("faqs", site.state.pushed.all("faqs"))
    site.reindex()
    site.faqs(*AFTER)
    site.close()
    return folder


def copied(folder: Path, to: Path) -> Path:
    """A copy of a folder that takes as little room: a store's files are nearly all holes."""
    subprocess.run(["cp", "-r", "--sparse=always", folder, to], check=True)
    return to


def overtaken(site: Site, cuts: Cuts, *, full: bool) -> Work:
    """Run a job of which each stage is taken up again where the power went, while documents are
    put and deleted between its plan and its batch."""
    work = replace(site.work(full=full), store=site.store)

    def again(stage: Any) -> None:
        try:
            with cuts.may_go():
                stage(work)
        except PowerCut:
            stage(work)

    again(plan)
    put(site, "overtaken", "Put meanwhile.")
    put(site, "new", "Put meanwhile.")
    delete(site, "removed")
    again(batches)
    again(last)
    return work


@pytest.mark.parametrize("full", [False, True], ids=["in place", "aside"])
def test_wherever_the_power_goes_the_outcome_is_the_same(
    prepared: Path, tmp_path: Path, full: bool
) -> None:
    moment, expected = 0, None
    while True:
        site, cuts = Site(copied(prepared, tmp_path / str(moment))), Cuts(moment)
        site.store.close()
        site.store = CutStore(site.folder / "data" / "store", cuts)
        work = overtaken(site, cuts, full=full)
        points = site.points()
        assert answers(site) == EXPECTED, f"moment {moment}"
        expected = expected or points
        assert points == expected, f"moment {moment}"
        job = work.job
        assert job.state is JobState.SUCCEEDED
        assert (job.counts.documents, job.stored) == (job.counts.total, len(EXPECTED))
        assert states(work)["overtaken"] == "superseded"
        live = site.store.aliases()["faqs"]
        assert site.state.totals(live) == (len(EXPECTED), len(EXPECTED))
        assert len(site.store.collections()) == len(site.state.builds()) == 1 + full
        site.close()
        shutil.rmtree(site.folder)
        if cuts.left >= 0:
            break  # The power stayed on to the end.
        moment += 1 + full  # Where there are more of them, every other one.
    assert moment > 20


# Overtaken by changes that are pushed meanwhile.


@pytest.mark.parametrize("full", [False, True], ids=["in place", "aside"])
def test_what_was_put_or_deleted_meanwhile_is_left_as_it_is(site: Site, full: bool) -> None:
    others = [faq(id_) for id_ in "wxyz"]
    site.faqs(faq("a"), faq("b"), *others)
    site.reindex()
    site.faqs(faq("a", answer="The source's."), faq("b", answer="The source's."), *others)
    work = site.work(full=full)
    plan(work)
    put(site, "a", "Put.")
    delete(site, "b")
    put(site, "d", "Put.")
    before = answers(site)
    assert (before["a"], before["d"]) == ("Put.", "Put.")
    batches(work)
    assert {name: states(work)[name] for name in "ab"} == {"a": "superseded", "b": "superseded"}
    assert answers(site) == before
    assert last(work).state is JobState.SUCCEEDED
    assert answers(site) == before
    assert site.store.aliases() == {"faqs": work.job.collection}
    site.reindex()
    assert answers(site) == before, "the source still says what the job has listed"
    site.faqs(faq("a", answer="Newer."), faq("b", answer="Newer."), *others)
    site.reindex()
    assert {name: answers(site)[name] for name in "abd"} == {
        "a": "Newer.",
        "b": "Newer.",
        "d": "Put.",
    }


def test_what_was_put_meanwhile_counts_for_the_size_of_a_new_build(site: Site) -> None:
    site.faqs(faq("a"), faq("b"), faq("c"))
    site.reindex()
    work = site.work(full=True)
    plan(work)
    for id_ in "ab":
        put(site, id_, "Put.")
    assert rest(work).state is JobState.SUCCEEDED
    assert set(answers(site)) == {"a", "b", "c"}


@pytest.mark.parametrize("full", [False, True], ids=["in place", "aside"])
def test_what_is_put_behind_a_change_that_was_forgotten_is_not_lost(site: Site, full: bool) -> None:
    """The plan forgets what the source has caught up with; what is put then is news all the
    same."""
    site.faqs(faq("a"), faq("b"))
    site.reindex()
    put(site, "a", "Put.")
    site.faqs(faq("a", answer="The source knows better."), faq("b", answer="The source's."))
    work = site.work(full=full)
    plan(work)
    assert site.state.pushed.all("faqs") == []
    put(site, "b", "Put.")
    rest(work)
    assert answers(site) == {"a": "The source knows better.", "b": "Put."}


def test_a_document_deleted_meanwhile_that_was_put_before_is_gone_from_a_new_build(
    site: Site,
) -> None:
    site.faqs(faq("a"), faq("b"))
    site.reindex()
    put(site, "n", "Put.")
    work = site.work(full=True)
    plan(work)
    batches(work)
    delete(site, "n")
    last(work)
    assert set(answers(site)) == {"a", "b"}


def test_what_was_put_before_the_plan_is_in_the_new_build(site: Site) -> None:
    site.faqs(faq("a"), faq("b"))
    site.reindex()
    put(site, "a", "Put.")
    put(site, "n", "Put.")
    delete(site, "b")
    whole(site.work(full=True))
    assert answers(site) == {"a": "Put.", "n": "Put."}


def test_a_put_document_that_a_new_build_cannot_hold_is_said(site: Site) -> None:
    """Its filters are the new build's, which did not exist when it was put."""
    site.faqs(faq("a"), faq("b"))
    site.reindex()
    live = site.catalog
    site.catalog = STRICT
    work = site.work()
    plan(work)
    site.catalog = live
    record = faq("n", year="old")
    single.put(site.specs()["faqs"], content(record), site.store, site.state)
    site.catalog = STRICT
    job = rest(work)
    assert job.state is JobState.SUCCEEDED_WITH_FAILURES
    assert set(answers(site)) == {"a", "b"}


@pytest.mark.parametrize("full", [False, True], ids=["in place", "aside"])
def test_what_several_put_all_along_is_there_in_the_end(site: Site, full: bool) -> None:
    records = [faq(f"d{number}") for number in range(12)]
    site.faqs(*records)
    site.reindex()
    site.faqs(*[faq(record["id"], answer="The source's.") for record in records])
    spec, ended = site.specs()["faqs"], Event()

    def put_all_along(name: str) -> str:
        """The last answer that was put under an id."""
        number = 0
        while not ended.is_set() or number < 2:
            number += 1
            record = faq(name, answer=f"Put {number}.")
            single.put(spec, content(record, f"put:{number}"), site.store, site.state)
        return f"Put {number}."

    names = ["d0", "d1", "n"]
    with ThreadPoolExecutor(len(names)) as pool:
        puts = {name: pool.submit(put_all_along, name) for name in names}
        try:
            work = site.work(full=full)
            plan(work)
            job = rest(work)
        finally:
            ended.set()
        expected = {name: put_.result() for name, put_ in puts.items()}
    assert job.state is JobState.SUCCEEDED
    found = answers(site)
    assert {name: found[name] for name in names} == expected
    assert {found[f"d{number}"] for number in range(2, 12)} == {"The source's."}
    live = site.store.aliases()["faqs"]
    assert site.state.totals(live) == (13, site.store.count(live))


# Cancelled.


def test_a_job_that_is_cancelled_before_it_began_does_nothing(site: Site) -> None:
    site.faqs(faq("a"))
    work = site.work()
    site.state.jobs.cancel(work.job_id)
    assert whole(work).state is JobState.CANCELLED
    assert (site.store.collections(), site.state.builds()) == ([], [])


def test_a_job_that_is_cancelled_stores_no_more_and_switches_nothing(site: Site) -> None:
    site.faqs(faq("a"), faq("b"))
    before = site.reindex().collection
    site.faqs(faq("a"), faq("c"))
    work = site.work(full=True)
    plan(work)
    site.state.jobs.cancel(work.job_id)
    assert rest(work).state is JobState.CANCELLED
    assert states(work) == {"a": "pending", "c": "pending"}
    assert site.store.aliases() == {"faqs": before}
    assert set(answers(site)) == {"a", "b"}


def test_a_job_that_is_cancelled_at_the_last_moment_switches_nothing(site: Site) -> None:
    site.faqs(faq("a"))
    before = site.reindex().collection

    def on_change(job: Job) -> None:
        if job.stage == "checking":
            site.state.jobs.cancel(job.id)

    work = replace(site.work(full=True), on_change=on_change)
    assert whole(work).state is JobState.CANCELLED
    assert site.store.aliases() == {"faqs": before}


def test_what_a_cancelled_job_has_stored_serves_the_next(site: Site) -> None:
    site.faqs(faq("a"), faq("b"))
    work = site.work()

    def one_at_a_time(assignment: Assignment) -> Group:
        if len(assignment.tasks) == 1:  # The first one is stored.
            site.state.jobs.cancel(work.job_id)
        return prepare(replace(assignment, tasks=assignment.tasks[:1]), site.state)

    work = replace(work, preparer=one_at_a_time)
    assert whole(work).state is JobState.CANCELLED
    assert states(work) == {"a": "done", "b": "pending"}
    job = whole(site.work())
    assert (job.collection, job.counts.unchanged, job.counts.new) == (work.job.collection, 1, 1)
    assert set(answers(site)) == {"a", "b"}


# Another catalog than the plan's.


def test_a_catalog_that_changed_since_the_plan_stops_the_job(site: Site) -> None:
    site.faqs(faq("a"))
    before = site.reindex().collection
    work = site.work(full=True)
    plan(work)
    site.catalog = CHANGED
    later = site.work_on(work.job_id)
    with pytest.raises(ConflictError, match="'faqs' have changed since the job was planned"):
        run_batch(later, 0)
    batches(work)
    with pytest.raises(ConflictError, match="have changed since the job was planned"):
        finish(later)
    assert site.store.aliases() == {"faqs": before}


def test_a_catalog_that_changed_elsewhere_does_not(site: Site) -> None:
    site.faqs(faq("a"))
    work = site.work()
    plan(work)
    site.catalog = FAQS + "    search: {min_relevance: 0.4}\n    keep: {builds: 2}\n"
    assert rest(site.work_on(work.job_id)).state is JobState.SUCCEEDED


# Rolled back.


@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.HOOK])
def test_what_was_rolled_back_does_not_come_back_by_itself(site: Site, trigger: Trigger) -> None:
    site.faqs(faq("a"))
    first = site.reindex().collection
    site.catalog = CHANGED
    second = site.reindex().collection
    roll_back("faqs", site.store, site.state)
    with pytest.raises(ConflictError, match=f"{second} was rolled back, and the catalog still"):
        plan(site.work(trigger=trigger))
    assert site.store.aliases() == {"faqs": first}


def test_what_was_rolled_back_comes_back_when_somebody_asks(site: Site) -> None:
    site.faqs(faq("a"))
    site.reindex()
    site.catalog = CHANGED
    second = site.reindex().collection
    roll_back("faqs", site.store, site.state)
    job = whole(site.work())
    assert job.state is JobState.SUCCEEDED
    assert job.collection != second, "built afresh, not the one that was found wanting"
    assert whole(site.work(trigger=Trigger.SCHEDULE)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.HOOK])
def test_with_another_catalog_a_schedule_goes_on(site: Site, trigger: Trigger) -> None:
    site.faqs(faq("a"))
    first = site.reindex().collection
    site.catalog = CHANGED
    site.reindex()
    roll_back("faqs", site.store, site.state)
    site.catalog = FAQS
    job = whole(site.work(trigger=trigger))
    assert (job.state, job.collection) == (JobState.SUCCEEDED, first)


# Retried.


def with_failures(site: Site) -> Job:
    """A job that has failed at two of four documents."""
    site.catalog = STRICT
    site.faqs(faq("a"), faq("b", year="old"), faq("c", year="old"), faq("d"))
    job = whole(site.work())
    assert job.state is JobState.SUCCEEDED_WITH_FAILURES
    return job


def retried(site: Site, job: Job) -> Job:
    """What comes of retrying a job."""
    site.specs()
    service = Service(CatalogFile(site.folder / "catalog.yaml"), lambda: site.store, site.state)
    again, new = service.retry(job.id)
    assert new
    return whole(site.work_on(again.id))


def test_a_retry_takes_up_only_what_failed(site: Site) -> None:
    failed = with_failures(site)
    site.faqs(faq("a", answer="Other."), faq("b", year=7), faq("c", year="old"), faq("e"))
    job = retried(site, failed)
    assert (job.request.trigger, job.request.retry_of) == (Trigger.RETRY, failed.id)
    assert (job.counts.new, job.counts.modified, job.counts.deleted) == (2, 0, 0)
    assert job.state is JobState.SUCCEEDED_WITH_FAILURES
    assert set(answers(site)) == {"a", "b", "d"}
    assert answers(site)["a"] != "Other.", "that is for the next re-index"
    assert site.reindex().changed == 1


def test_a_retry_takes_up_a_line_that_was_mended(site: Site) -> None:
    site.faqs(faq("a"), "{broken", faq("c"))
    failed = whole(site.work())
    site.faqs(faq("a", answer="Other."), faq("b"), faq("c"))
    job = retried(site, failed)
    assert (job.state, job.counts.total) == (JobState.SUCCEEDED, 1)
    assert set(answers(site)) == {"a", "b", "c"}


def test_a_retry_of_a_job_that_failed_as_a_whole_does_it_all(site: Site) -> None:
    site.faqs(faq("a"))
    work = site.work(full=True)
    site.state.jobs.advance(work.job_id, JobState.FAILED, error="the store was full")
    job = retried(site, work.job)
    assert (job.request.full, job.request.retry_of) == (True, None)
    assert set(answers(site)) == {"a"}


def test_a_retry_leaves_what_another_job_has_half_written_in_the_index(site: Site) -> None:
    failed = with_failures(site)
    collection = site.store.aliases()["faqs"]
    site.state.save_documents(collection, {"a": Stored(PENDING, 0)})
    with suppress(IndexersError):  # To refuse it is as good.
        retried(site, failed)
    assert set(answers(site)) >= {"a", "d"}


def test_a_retry_under_another_catalog_loses_nothing(site: Site) -> None:
    """The new build that such a catalog asks for is one of the failed documents alone."""
    failed = with_failures(site)
    site.catalog = CHANGED
    with suppress(IndexersError):  # To refuse it is as good.
        retried(site, failed)
    assert set(answers(site)) >= {"a", "d"}


# Read, or brought by the listing, or kept from before.


@dataclass(frozen=True)
class Bringing:
    """A source whose listing brings every content, so that nobody has to read."""

    records: tuple[Record, ...] = ()
    reads: bool = False
    asked: list[str] = field(default_factory=list, compare=False)

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        for record in self.records:
            brought = content(record, revision=f"{record['id']} {record['answer']}")
            yield Entry(
                id=brought.id,
                revision=brought.revision,
                where=brought.id,
                content=None if self.reads else brought,
            )

    def read(self, entry: Entry) -> Content:
        self.asked.append(entry.id)
        if not self.reads:
            raise DocumentError("nobody should have asked")
        (record,) = [record for record in self.records if record["id"] == entry.id]
        return content(record, revision=entry.revision)


def from_source(site: Site, source: Bringing, **asked: Any) -> Work:
    work = site.work(**asked)
    return replace(work, spec=replace(work.spec, build=replace(work.spec.build, source=source)))


def test_what_a_listing_has_brought_is_not_read(site: Site) -> None:
    many = tuple(faq(f"d{number}") for number in range(120))
    source = Bringing(many)
    work = from_source(site, source)
    plan(work)
    job = rest(work)
    assert (job.state, job.counts.new) == (JobState.SUCCEEDED, 120)
    assert source.asked == []
    assert set(answers(site)) == {record["id"] for record in many}
    changed = Bringing((faq("d0", answer="Other."), *many[1:]))
    job = whole(from_source(site, changed))
    assert (job.counts.modified, job.counts.unchanged) == (1, 119)
    assert answers(site)["d0"] == "Other."


def test_of_two_contents_under_one_id_the_first_counts(site: Site) -> None:
    source = Bringing((faq("a", answer="First."), faq("a", answer="Second."), faq("b")))
    job = whole(from_source(site, source))
    assert (job.state, job.counts.failed) == (JobState.SUCCEEDED_WITH_FAILURES, 1)
    assert answers(site)["a"] == "First."


@pytest.mark.parametrize("brings", [True, False], ids=["brought", "read"])
def test_a_new_build_reads_nothing_that_is_kept(site: Site, brings: bool) -> None:
    source = Bringing((faq("a"), faq("b")), reads=not brings)
    whole(from_source(site, source))
    assert source.asked == ([] if brings else ["a", "b"])
    site.catalog = CHANGED
    later = Bringing((faq("a"), faq("b", answer="Other.")), reads=not brings)
    job = whole(from_source(site, later))
    assert (job.state, job.counts.new) == (JobState.SUCCEEDED, 2)
    assert later.asked == ([] if brings else ["b"])
    assert answers(site)["b"] == "Other."


# Odd names.


def test_a_skipped_file_may_have_a_name_that_is_no_text(site: Site) -> None:
    site.catalog = ARTICLES
    site.articles({"a.md": "# A\n\nAn article of one sentence."})
    (site.folder / "articles" / os.fsdecode(b"\xff.bin")).write_text("")
    job = whole(site.work())
    assert (job.state, job.counts.skipped) == (JobState.SUCCEEDED, 1)


def test_a_name_that_the_database_cannot_hold_fails_alone(site: Site, database_url: str) -> None:
    """Postgres takes no text with a NUL in it, which JSON may have."""
    site.state.close()
    site.state = State(database_url)
    site.faqs(faq("a"), faq("nul\u0000"), faq("b"))
    job = whole(site.work())
    assert {"a", "b"} <= set(answers(site))
    assert job.counts.failed + len(answers(site)) == 3
