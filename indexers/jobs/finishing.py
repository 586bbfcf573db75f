"""The last stage of a re-index: delete, verify, let a new build pass its gate, switch, prune."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from indexers.catalog import IndexSpec
from indexers.collections import Target, prune, switch
from indexers.errors import ConflictError, StoreError, VerificationError
from indexers.gate import check_counts, check_new_build
from indexers.jobs.documents import Outcome, Task
from indexers.jobs.job import Job, JobState, now_iso
from indexers.jobs.work import Work, assignment, cancel, store_group, writing
from indexers.pushed import Pushed
from indexers.state import PENDING, State
from indexers.store import VectorStore

_log = logging.getLogger("indexers.jobs")


def finish(work: Work) -> None:
    """Delete what is to go, verify, let a new build pass its gate, and switch to it.

    Raises:
        VerificationError: the build did not pass; searches see what they saw before.
        ConflictError: the index was rolled back under the job.
        EmbedderError, StoreError: the model or the store failed.
    """
    state, spec, job = work.state, work.spec, work.job
    if job.request.dry_run:
        state.jobs.advance(job.id, _ended(job), stage="planned")
        return
    target = work.target()
    live = work.store.aliases(fresh=True).get(spec.name) == target.collection
    if live and not target.live and target.record.switched_at:
        _end(work, target)  # A crash came between the switch and the end.
        return
    if target.live and not live:
        raise ConflictError(f"{target.collection} is no longer live; re-index {spec.name!r} anew")
    _check_done(work)
    state.jobs.advance(job.id, JobState.VERIFYING, stage="deleting")
    work.on_change(work.job)
    _delete(work, target)
    # A document that was put since the plan counts as well, when the build is measured.
    sequence = job.sequence if target.live else _catch_up(work, target, job.sequence)
    work.reach("verifying")
    with state.locks.hold(writing(spec.name), shared=True):
        check_counts(target.collection, work.store, state)
    counts = work.job.counts
    if counts.total and (counts.generated or counts.deleted):
        work.reach("optimizing")
        work.rest()  # The model's memory is what optimizing needs next.
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
        _switch(work, target, sequence)
    _end(work, target)


def _end(work: Work, target: Target) -> None:
    state, spec = work.state, work.spec
    _note_finished(state, target.collection)
    state.keep_only_listed(spec.name, target.collection)
    try:
        prune(spec, work.store, state, unfinished=True)
    except StoreError as exc:  # The worker tries again, every minute.
        _log.warning("builds of %s could not be pruned: %s", spec.name, exc)
    stored = work.store.count(target.collection)
    state.jobs.advance(work.job_id, _ended(work.job), stage="done", stored=stored)


def _check_done(work: Work) -> None:
    left = [t for t in work.state.jobs.documents.pending(work.job_id) if t.batch is not None]
    if left:
        raise VerificationError(
            f"{len(left)} documents were not dealt with, the first one {left[0].document_id}; "
            "a retry goes on from there"
        )


def prune_all(store: VectorStore, state: State, specs: Sequence[IndexSpec]) -> None:
    """Drop the builds that are no longer to be kept, of every index."""
    for spec in specs:
        with state.locks.hold(writing(spec.name)):
            prune(spec, store, state)


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


def _switch(work: Work, target: Target, sequence: int) -> None:
    """Bring the new build up to the changes pushed after `sequence`, then let searches see it."""
    state, name = work.state, work.spec.name
    with state.locks.hold(writing(name)):
        _catch_up(work, target, sequence)
        check_counts(target.collection, work.store, state)
        switch(name, target.collection, work.store, state)


def _catch_up(work: Work, target: Target, after: int) -> int:
    changes = work.state.pushed.all(work.spec.name, after)
    _apply(work, target, changes)
    return max((change.sequence for change in changes), default=after)


def _apply(work: Work, target: Target, changes: list[Pushed]) -> None:
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
        group = work.preparer(assignment(work, target, tasks))
        _note_failed(work, tasks, group.failed)
        written = {task.document_id for task in tasks}
        store_group(work.store, state, collection, group, written)
        tasks = [task for task in tasks if task.number not in group.numbers]


def _note_failed(work: Work, tasks: Sequence[Task], failed: Sequence[Outcome]) -> None:
    """Write down which documents that were put do not fit the new build."""
    names = {task.number: task.document_id for task in tasks}
    for outcome in failed:
        work.state.jobs.documents.add_failed(
            work.job_id, names[outcome.number], outcome.reason or ""
        )


def _note_finished(state: State, collection: str) -> None:
    state.save_build(replace(state.build(collection), finished_at=now_iso()))


def _ended(job: Job) -> JobState:
    return JobState.SUCCEEDED_WITH_FAILURES if job.counts.failed else JobState.SUCCEEDED
