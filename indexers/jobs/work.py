"""A job at work, and its batches: prepare, then store.

Each stage (`planning`, a batch, `finishing`) may be cut off anywhere and run again: it finds what
was done and does the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass

from indexers.catalog import IndexSpec
from indexers.collections import Target
from indexers.errors import ConflictError, IndexersError
from indexers.fingerprint import canonical, fingerprint
from indexers.jobs.documents import Outcome, Task
from indexers.jobs.job import Job, JobState
from indexers.prepare import Assignment, Group, Preparer
from indexers.state import PENDING, State, Stored
from indexers.store import VectorStore


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
    rest: Callable[[], None] = lambda: None

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
        record = self.state.build(job.collection or "")
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


def run_batch(work: Work, number: int) -> None:
    """Prepare and store what is pending of a batch, unless the job was cancelled or has failed.

    Raises:
        EmbedderError, StoreError: the model or the store failed; what was stored stays.
    """
    state, job = work.state, work.job
    tasks = state.jobs.documents.pending(job.id, number)
    while tasks and work.reach("indexing"):
        target = work.target()
        group = work.preparer(assignment(work, target, tasks))
        _store(work, target, group, {t.document_id for t in tasks if t.action == "modified"})
        dealt = group.numbers
        if not dealt:
            return  # It was told to stop meanwhile.
        tasks = [task for task in tasks if task.number not in dealt]


def give_up(work: Work, error: IndexersError) -> None:
    """Let the job fail, with the reason."""
    work.state.jobs.advance(work.job_id, JobState.FAILED, error=str(error))
    work.on_change(work.job)


def cancel(work: Work) -> None:
    """End a job that was told to stop; what it has stored in a new build serves the next one."""
    work.state.jobs.advance(work.job_id, JobState.CANCELLED)
    work.on_change(work.job)


def alive_lock(worker: str) -> str:
    """The lock that a worker holds as long as it lives."""
    return f"worker-{worker}"


def writing(index: str) -> str:
    """The lock on an index's documents: shared by batches, held alone to switch, put or delete."""
    return f"{index}.writing"


def assignment(work: Work, target: Target, tasks: list[Task]) -> Assignment:
    """Tasks of a job, for the process that prepares them."""
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
        if not state.jobs.beat(work.job_id):
            return  # Another job may be at the same documents by now.
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
