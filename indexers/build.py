"""A re-index in one go, by the calling program: plan, each batch, finish.

The live collection is changed in place where its fingerprint is still right; otherwise a new
collection is built beside it, and the index's alias is switched to it once it is verified. The
same stages as a job's (`indexers/jobs/work.py`), without a worker that would take them up again.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from indexers.catalog import IndexSpec
from indexers.errors import IndexBusyError, IndexersError
from indexers.jobs.finishing import finish
from indexers.jobs.job import Job, JobRequest, Trigger
from indexers.jobs.planning import plan
from indexers.jobs.work import Work, give_up, run_batch
from indexers.plan import Failure
from indexers.prepare import BATCH_CHUNKS, prepare
from indexers.state import State
from indexers.store import VectorStore

__all__ = ["BATCH_CHUNKS", "Options", "Progress", "Report", "reindex"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a re-index is. `documents` of `total` are done; `chunks` were stored for them."""

    stage: str
    documents: int = 0
    total: int = 0
    chunks: int = 0


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to re-index.

    `full` builds a new collection from every document. `dry_run` only plans. `allow_shrink` lets
    an index lose more documents than its gate allows.
    """

    full: bool = False
    dry_run: bool = False
    allow_shrink: bool = False


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a re-index did; `chunks_stored` is the index's whole number of chunks afterwards."""

    index: str
    collection: str
    dry_run: bool
    switched: bool
    scanned: int
    new: int
    changed: int
    unchanged: int
    deleted: int
    kept: int
    failures: tuple[Failure, ...]
    skipped: tuple[Failure, ...]
    chunks_generated: int
    chunks_stored: int
    texts_embedded: int
    texts_reused: int
    seconds: float


def reindex(
    spec: IndexSpec,
    store: VectorStore,
    state: State,
    options: Options = Options(),
    on_progress: OnProgress = lambda progress: None,
) -> Report:
    """Bring an index up to its source.

    A document that cannot be read is reported and does not stop the rest; what is stored of it
    from before stays. A run that is interrupted goes on where it was at the next call.

    Raises:
        SourceError: the source cannot be listed; nothing was touched.
        ShrinkError: the index would lose too many documents; nothing was touched.
        IndexBusyError: another process, or a job, re-indexes it; nothing was touched.
        VerificationError: what is stored is not what was generated, or the new build did not pass
            its gate; the alias was not switched.
        EmbedderError, StoreError: the model or the store failed; the next call goes on from there.
    """
    started = time.monotonic()
    asked = JobRequest(index=spec.name, trigger=Trigger.DIRECT, **asdict(options))
    with state.only_one(spec.name):
        if at_work := [job.id for job in state.jobs.active() if job.index == spec.name]:
            raise IndexBusyError(f"{spec.name!r} is being re-indexed by job {at_work[0]}")
        job, _ = state.jobs.submit(asked)
        work = Work(
            job_id=job.id,
            spec=spec,
            store=store,
            state=state,
            preparer=lambda assignment: prepare(assignment, state),
            worker="direct",
            on_change=lambda job: on_progress(_progress(job)),
            rest=spec.build.embedder.release,
        )
        _run(work)
        state.jobs.prune(spec.name)
        return report_of(work.job, state, time.monotonic() - started)


def _run(work: Work) -> None:
    try:
        plan(work)
        if not work.job.request.dry_run:
            for number in range(work.job.batches):
                run_batch(work, number)
        finish(work)
    except IndexersError as exc:
        give_up(work, exc)
        raise


def report_of(job: Job, state: State, seconds: float) -> Report:
    """What a job did, as a report."""
    tasks = state.jobs.documents.all(job.id, states=["failed", "skipped"])
    named = {
        kind: tuple(
            Failure(where=task.location, reason=task.reason or "")
            for task in tasks
            if task.state == kind
        )
        for kind in ("failed", "skipped")
    }
    counts = job.counts
    return Report(
        index=job.index,
        collection=job.collection or "",
        dry_run=job.request.dry_run,
        switched=not job.request.dry_run and not job.live,
        scanned=counts.scanned,
        new=counts.new,
        changed=counts.modified,
        unchanged=counts.unchanged,
        deleted=counts.deleted,
        kept=counts.kept,
        failures=named["failed"],
        skipped=named["skipped"],
        chunks_generated=counts.generated,
        chunks_stored=job.stored or 0,
        texts_embedded=counts.embedded,
        texts_reused=counts.reused,
        seconds=seconds,
    )


def _progress(job: Job) -> Progress:
    counts = job.counts
    return Progress(
        stage=job.stage, documents=counts.documents, total=counts.total, chunks=counts.generated
    )
