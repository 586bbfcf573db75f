"""The first stage of a re-index: list the source, decide what there is to do, write it down."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from chunkers.document import ContentType
from indexers.collections import Target, choose_target
from indexers.errors import ConflictError, StoppedError
from indexers.gate import check_listing
from indexers.jobs.documents import Task
from indexers.jobs.job import Job, JobState, Trigger
from indexers.jobs.work import Work
from indexers.plan import Plan, plan_reindex
from indexers.points import schema
from indexers.pushed import Overlaid, Pushed
from indexers.sources import Entry, Listed, Unreadable
from indexers.state import PENDING, BuildRecord, Stored

_BATCH_DOCUMENTS = {
    ContentType.ARTICLE: 64,
    ContentType.FAQ: 512,
    ContentType.SNIPPET: 512,
    ContentType.PDF: 8,
}
"""Documents in a batch, which one worker takes: some five hundred chunks or more."""

_CONTENTS_AT_ONCE = 50
_BEAT_EVERY_S = 1.0


def plan(work: Work) -> None:
    """List the source, decide what there is to do, and write it down as the job's tasks.

    Raises:
        SourceError: the source cannot be listed; nothing was touched.
        ShrinkError: the index would lose too many documents; nothing was touched.
        ConflictError: the build that this would bring back was rolled back.
        StoppedError: the job was told to stop; nothing was touched.
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
    found, caught_up = _compared(work, target)
    if not job.request.allow_shrink:
        check_listing(spec, target, found, state)
    _go_on(work)
    tasks = _tasks(found, _BATCH_DOCUMENTS[spec.build.content_type])
    state.jobs.documents.replace(job.id, tasks)
    if not job.request.dry_run:
        state.pushed.forget(spec.name, caught_up)
        state.save_build(_begun(target))
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


def _compared(work: Work, target: Target) -> tuple[Plan, list[Pushed]]:
    """What the source lists against what is stored, and the pushed changes that it has by now."""
    state, spec, retried = work.state, work.spec, work.job.request.retry_of
    changes = {one.document_id: one for one in state.pushed.all(spec.name)}
    source = Overlaid(source=spec.build.source, pushed=changes, caught_up=[])
    manifest = state.manifest(target.collection)
    known = state.kept.revisions(spec.name, spec.build.content_type)
    # Of what was put or deleted nothing is kept, or not the source's version.
    known |= {c.document_id: c.source_revision for c in changes.values() if c.source_revision}
    found = plan_reindex(_stashed(work, source.list(known), manifest), manifest)
    if retried is not None and target.live:  # A new build needs all of them.
        found = _only_failed(work, found, manifest, retried)
    return found, source.caught_up


def _begun(target: Target) -> BuildRecord:
    """The build as it is from now on: one that was live before is no longer what it was then, and
    nothing to go back to until it is switched to again."""
    if target.live:
        return target.record
    return replace(target.record, finished_at=None, switched_at=None)


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
    """The listing without its contents, which go to the database where they are needed.

    Raises:
        StoppedError: the job was told to stop meanwhile.
    """
    state, contents = work.state, []
    seen: set[str] = set()
    beaten = time.monotonic()
    for item in map(_storable, listing):
        if time.monotonic() - beaten > _BEAT_EVERY_S:
            beaten = time.monotonic()
            _go_on(work)
        if not isinstance(item, Entry) or item.content is None:
            yield item
            continue
        known = manifest.get(item.id)
        first = item.id not in seen
        seen.add(item.id)
        if first and (known is None or known.revision != item.revision):
            contents.append(item.content)
        if len(contents) >= _CONTENTS_AT_ONCE:
            state.jobs.documents.keep_contents(work.job_id, contents)
            contents = []
        yield replace(item, content=None)
    state.jobs.documents.keep_contents(work.job_id, contents)


def _go_on(work: Work) -> None:
    if not work.state.jobs.beat(work.job_id):
        raise StoppedError


def _storable(item: Listed) -> Listed:
    """An item, as far as a database can hold what names it: Postgres takes no NUL in a text."""
    where = item.where.replace("\0", "\\0")
    if isinstance(item, Entry) and "\0" in item.id:
        return Unreadable(where=where, reason="its id has a NUL character in it")
    return replace(item, where=where)


def _only_failed(work: Work, found: Plan, manifest: Mapping[str, Stored], job_id: str) -> Plan:
    """What of a plan an earlier job failed at, and what a crash has left half-written."""
    failed = work.state.jobs.documents.all(job_id, states=["failed"])
    ids = {task.document_id for task in failed} | {task.location for task in failed}
    ids |= {id_ for id_, stored in manifest.items() if stored.revision == PENDING}
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
