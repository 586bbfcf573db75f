"""The stages of a re-index: plan, then each batch, then finish.

Each may be cut off anywhere and run again: it finds what was done and does the rest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from chunkers.document import ContentType
from indexers.catalog import IndexSpec
from indexers.collections import Target, choose_target, prune, switch
from indexers.errors import ConflictError, IndexersError
from indexers.fingerprint import canonical, fingerprint
from indexers.gate import check_counts, check_listing, check_new_build
from indexers.jobs.documents import Outcome, Task
from indexers.jobs.job import Job, JobState, Trigger, now_iso
from indexers.plan import Plan, plan_reindex
from indexers.points import schema
from indexers.prepare import Assignment, Group, Preparer
from indexers.pushed import Overlaid, Pushed
from indexers.sources import Entry, Listed
from indexers.state import PENDING, State, Stored
from indexers.store import VectorStore

_BATCH_DOCUMENTS = {
    ContentType.ARTICLE: 64,
    ContentType.FAQ: 512,
    ContentType.SNIPPET: 512,
    ContentType.PDF: 8,
}
"""Documents in a batch, which one worker takes: some five hundred chunks or more."""

_CONTENTS_AT_ONCE = 50

_JOBS_KEPT = 50
"""Jobs of an index that are remembered after they have ended."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A job, and all that working on it takes."""

    job_id: str
    spec: IndexSpec
    store: VectorStore
    state: State
    preparer: Preparer
    worker: str
    on_change: Callable[[Job], None] = lambda job: None

    @property
    def job(self) -> Job:
        """The job as it is now."""
        return self.state.jobs.get(self.job_id)

    def target(self) -> Target:
        """The collection that the job's plan has chosen.

        Raises:
            ConflictError: the catalog has changed since then.
        """
        job = self.job
        record = next(b for b in self.state.builds() if b.collection == job.collection)
        if record.fingerprint != fingerprint(canonical(self.spec.build)):
            raise ConflictError(
                f"the catalog's settings of {self.spec.name!r} have changed since the job was "
                "planned; re-index it anew"
            )
        return Target(record=record, live=job.live, replaces=job.replaces)

    def reach(self, stage: str) -> bool:
        """Come to a stage; whether the job is to go on."""
        going = self.state.jobs.beat(self.job_id, stage)
        self.on_change(self.job)
        return going


def plan(work: Work) -> None:
    """List the source, decide what there is to do, and write it down as the job's tasks.

    Raises:
        SourceError: the source cannot be listed; nothing was touched.
        ShrinkError: the index would lose too many documents; nothing was touched.
        ConflictError: the build that this would bring back was rolled back.
    """
    state, spec, job = work.state, work.spec, work.job
    if not state.jobs.advance(job.id, JobState.RUNNING, stage="listing", worker=work.worker):
        return  # It was cancelled before it began.
    work.on_change(work.job)
    target = _chosen(work, job)
    _check_not_rejected(work, job, target)
    chosen = {"collection": target.collection, "live": target.live, "replaces": target.replaces}
    state.jobs.advance(job.id, JobState.RUNNING, **chosen)
    sequence = state.pushed.last(spec.name)
    changes = {one.document_id: one for one in state.pushed.all(spec.name)}
    source = Overlaid(source=spec.build.source, pushed=changes, caught_up=[])
    manifest = state.manifest(target.collection)
    known = state.kept.revisions(spec.name, spec.build.content_type)
    listing = _stashed(work, source.list(known), manifest)
    found = plan_reindex(listing, manifest)
    if job.request.retry_of is not None:
        found = _only_failed(work, found, job.request.retry_of)
    if not job.request.allow_shrink:
        check_listing(spec, target, found, state)
    tasks = _tasks(found, _BATCH_DOCUMENTS[spec.build.content_type])
    state.jobs.documents.replace(job.id, tasks)
    state.pushed.forget(spec.name, source.caught_up)
    if not job.request.dry_run:
        state.save_build(target.record)
        work.store.create(target.collection, schema(spec.build))
    state.jobs.advance(
        job.id,
        JobState.RUNNING,
        stage="indexing",
        sequence=sequence,
        batches=1 + max((task.batch for task in tasks if task.batch is not None), default=-1),
        scanned=found.scanned,
        unchanged=found.unchanged,
        kept=found.kept,
    )


def run_batch(work: Work, number: int) -> None:
    """Prepare and store what is pending of a batch, unless the job was cancelled or has failed.

    Raises:
        EmbedderError, StoreError: the model or the store failed; what was stored stays.
    """
    state, job = work.state, work.job
    tasks = state.jobs.documents.pending(job.id, number)
    while tasks and work.reach("indexing"):
        target = work.target()
        group = work.preparer(_assignment(work, target, tasks))
        _store(work, target, group, {t.document_id for t in tasks if t.action == "modified"})
        dealt = group.numbers
        tasks = [task for task in tasks if task.number not in dealt]


def finish(work: Work) -> None:
    """Delete what is to go, verify, let a new build pass its gate, and switch to it.

    Raises:
        VerificationError: the build did not pass; searches see what they saw before.
        EmbedderError, StoreError: the model or the store failed.
    """
    state, spec, job = work.state, work.spec, work.job
    if job.request.dry_run:
        state.jobs.advance(job.id, _ended(job), stage="planned")
        return
    target = work.target()
    state.jobs.advance(job.id, JobState.VERIFYING, stage="deleting")
    work.on_change(work.job)
    _delete(work, target)
    work.reach("verifying")
    with state.locks.hold(writing(spec.name), shared=True):
        check_counts(target.collection, work.store, state)
    counts = work.job.counts
    if counts.total and (counts.generated or counts.deleted):
        work.reach("optimizing")
        work.store.optimize(target.collection)
    if not target.live:
        work.reach("checking")
        failed = state.jobs.documents.all(job.id, states=["failed"])
        check_new_build(spec, target, failed, job.request, work.store, state)
    if not work.reach("switching"):
        cancel(work)
        return
    if not target.live:
        state.jobs.advance(job.id, JobState.SWITCHING)
        _switch(work, target)
    _note_finished(state, target.collection)
    prune(spec, work.store, state)
    stored = work.store.count(target.collection)
    state.jobs.advance(job.id, _ended(work.job), stage="done", stored=stored)
    state.jobs.prune(spec.name, _JOBS_KEPT)


def give_up(work: Work, error: IndexersError) -> None:
    """Let the job fail, with the reason."""
    work.state.jobs.advance(work.job_id, JobState.FAILED, error=str(error))
    work.on_change(work.job)


def cancel(work: Work) -> None:
    """End a job that was told to stop; what it has stored in a new build serves the next one."""
    work.state.jobs.advance(work.job_id, JobState.CANCELLED)
    work.on_change(work.job)


def prune_all(store: VectorStore, state: State, specs: Sequence[IndexSpec]) -> None:
    """Drop the builds that are no longer to be kept, of every index."""
    for spec in specs:
        with state.locks.hold(writing(spec.name)):
            prune(spec, store, state)


def writing(index: str) -> str:
    """The lock on an index's documents: shared by batches, held alone to switch, put or delete."""
    return f"{index}.writing"


def _chosen(work: Work, job: Job) -> Target:
    if job.collection in {build.collection for build in work.state.builds()}:
        return work.target()  # The plan is made again.
    return choose_target(work.spec, work.store, work.state, full=job.request.full)


def _check_not_rejected(work: Work, job: Job, target: Target) -> None:
    by_itself = job.request.trigger in (Trigger.SCHEDULE, Trigger.HOOK)
    if not by_itself or target.live:
        return
    for build in work.state.builds():
        same = build.fingerprint == target.record.fingerprint
        if build.index == work.spec.name and build.rejected_at and same:
            raise ConflictError(
                f"{build.collection} was rolled back, and the catalog still asks for the same; "
                "change the catalog, or ask for a re-index yourself"
            )


def _stashed(
    work: Work, listing: Iterator[Listed], manifest: Mapping[str, Stored]
) -> Iterator[Listed]:
    """The listing without its contents, which go to the database where they are needed."""
    state, contents = work.state, []
    for number, item in enumerate(listing, start=1):
        if number % _CONTENTS_AT_ONCE == 0:
            state.jobs.beat(work.job_id)
        if not isinstance(item, Entry) or item.content is None:
            yield item
            continue
        known = manifest.get(item.id)
        if known is None or known.revision != item.revision:
            contents.append(item.content)
        if len(contents) >= _CONTENTS_AT_ONCE:
            state.jobs.documents.keep_contents(work.job_id, contents)
            contents = []
        yield replace(item, content=None)
    state.jobs.documents.keep_contents(work.job_id, contents)


def _only_failed(work: Work, found: Plan, job_id: str) -> Plan:
    """What of a plan an earlier job failed at."""
    failed = work.state.jobs.documents.all(job_id, states=["failed"])
    ids = {task.document_id for task in failed} | {task.location for task in failed}
    new = tuple(e for e in found.new if e.id in ids or e.where in ids)
    changed = tuple(e for e in found.changed if e.id in ids or e.where in ids)
    return replace(found, new=new, changed=changed, deleted=())


def _tasks(found: Plan, size: int) -> list[Task]:
    """The tasks of a plan; what is to be read is cut into batches of `size` documents."""
    tasks: list[Task] = []
    entries = [*(("new", e) for e in found.new), *(("modified", e) for e in found.changed)]
    for action, entry in entries:
        tasks.append(
            Task(
                number=len(tasks),
                batch=len(tasks) // size,
                document_id=entry.id,
                action=action,
                revision=entry.revision,
                location=entry.where,
                position=entry.position,
            )
        )
    for id_ in found.deleted:
        tasks.append(Task(number=len(tasks), document_id=id_, action="deleted"))
    for action, state, items in (
        ("unlisted", "failed", found.failures),
        ("skipped", "skipped", found.skipped),
    ):
        for item in items:
            tasks.append(
                Task(
                    number=len(tasks),
                    document_id=item.where,
                    location=item.where,
                    action=action,
                    state=state,
                    reason=item.reason,
                )
            )
    return tasks


def _assignment(work: Work, target: Target, tasks: list[Task]) -> Assignment:
    return Assignment(
        job_id=work.job_id,
        index=work.spec.name,
        build=work.spec.build,
        collection=target.collection,
        tasks=tasks,
    )


def _store(work: Work, target: Target, group: Group, rewritten: set[str]) -> None:
    """Store a group, apart from documents that were put or deleted since the plan was made."""
    state, collection = work.state, target.collection
    with state.locks.hold(writing(work.spec.name), shared=True):
        since = state.pushed.changed(work.spec.name, after=work.job.sequence)
        store_group(work.store, state, collection, group, rewritten, leave=since)
    outcomes = [
        Outcome(number=one.number, state="superseded")
        if one.document_id in since
        else Outcome(
            number=one.number,
            state="done",
            chunks=len(one.chunk_ids),
            embedded=one.embedded,
            reused=one.reused,
        )
        for one in group.prepared
    ]
    state.jobs.documents.finish(work.job_id, [*outcomes, *group.failed])


def store_group(
    store: VectorStore,
    state: State,
    collection: str,
    group: Group,
    rewritten: set[str],
    leave: frozenset[str] = frozenset(),
) -> None:
    """Store prepared documents, those of `rewritten` in place of their earlier versions; `leave`
    some as they are. Called by who holds the index's lock.

    Raises:
        StoreError: the store failed; the documents are marked as half-written.
    """
    prepared = [one for one in group.prepared if one.document_id not in leave]
    # Marked before they are written: whatever a crash leaves of them is found and written again.
    state.save_documents(collection, {one.document_id: Stored(PENDING, 0) for one in prepared})
    for points in group.slices:
        store.upsert(collection, [p for p in points if p.payload["document_id"] not in leave])
    for one in prepared:
        if one.document_id in rewritten:
            store.delete_document(collection, one.document_id, keep=one.chunk_ids)
    state.save_documents(
        collection,
        {one.document_id: Stored(one.revision, len(one.chunk_ids)) for one in prepared},
    )


def _delete(work: Work, target: Target) -> None:
    state, collection = work.state, target.collection
    tasks = [t for t in state.jobs.documents.pending(work.job_id) if t.action == "deleted"]
    with state.locks.hold(writing(work.spec.name), shared=True):
        since = state.pushed.changed(work.spec.name, after=work.job.sequence)
        # What a crash left half-written was written again by now, unless it became unreadable.
        manifest = state.manifest(collection).items()
        half = [id_ for id_, stored in manifest if stored.revision == PENDING]
        gone = [task.document_id for task in tasks if task.document_id not in since]
        for document_id in (*gone, *half):
            work.store.delete_document(collection, document_id)
            state.forget_document(collection, document_id)
    state.kept.forget(work.spec.name, gone)
    done = [Outcome(number=task.number, state="done") for task in tasks]
    state.jobs.documents.finish(work.job_id, done)


def _switch(work: Work, target: Target) -> None:
    """Bring the new build up to the changes pushed since its plan, then let searches see it."""
    state, name = work.state, work.spec.name
    sequence = _catch_up(work, target, work.job.sequence)  # Most of them, while more may come.
    with state.locks.hold(writing(name)):
        _catch_up(work, target, sequence)
        check_counts(target.collection, work.store, state)
        switch(name, target.collection, work.store, state)


def _catch_up(work: Work, target: Target, after: int) -> int:
    changes = work.state.pushed.all(work.spec.name, after)
    apply_pushed(work, target, changes)
    return max((change.sequence for change in changes), default=after)


def apply_pushed(work: Work, target: Target, changes: list[Pushed]) -> None:
    """Put and delete in a collection what was pushed."""
    state, collection = work.state, target.collection
    for change in changes:
        if change.content is None:
            work.store.delete_document(collection, change.document_id)
            state.forget_document(collection, change.document_id)
    contents = [change.content for change in changes if change.content is not None]
    state.jobs.documents.keep_contents(work.job_id, contents)
    tasks = [
        Task(number=number, document_id=c.id, action="modified", revision=c.revision)
        for number, c in enumerate(contents)
    ]
    while tasks:
        group = work.preparer(_assignment(work, target, tasks))
        written = {task.document_id for task in tasks}
        store_group(work.store, state, collection, group, written)
        tasks = [task for task in tasks if task.number not in group.numbers]


def _note_finished(state: State, collection: str) -> None:
    build = next(b for b in state.builds() if b.collection == collection)
    state.save_build(replace(build, finished_at=now_iso()))


def _ended(job: Job) -> JobState:
    failed = job.counts.failed or job.warnings
    return JobState.SUCCEEDED_WITH_FAILURES if failed else JobState.SUCCEEDED
