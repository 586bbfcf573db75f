"""What can be asked of re-indexing, by the API and by the command line alike."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from chunkers import FORMATS, Content, Format
from indexers.catalog import CatalogFile, IndexSpec
from indexers.collections import roll_back
from indexers.errors import ConflictError, DocumentError, IndexNotFoundError
from indexers.jobs import single
from indexers.jobs.documents import Task
from indexers.jobs.hooks import check_signature
from indexers.jobs.job import Job, JobRequest, JobState, Trigger
from indexers.jobs.work import alive_lock, writing
from indexers.sources.base import revision_of
from indexers.state import State
from indexers.store import VectorStore


class Service:
    """Re-indexing over a catalog, a store and a state.

    Every method raises CatalogError where the catalog is not valid now, IndexNotFoundError for an
    index that it does not have, JobNotFoundError for a job that is not known, StoreError and
    StateError where those fail.
    """

    def __init__(
        self,
        catalog: CatalogFile,
        open_store: Callable[[], VectorStore],
        state: State,
        on_submit: Callable[[], None] = lambda: None,
    ) -> None:
        """`open_store` gives the store to what needs it, which jobs are not; `on_submit` is told
        that there is a new job."""
        self.catalog, self.state = catalog, state
        self._open_store = open_store
        self._on_submit = on_submit

    def submit(self, request: JobRequest) -> tuple[Job, bool]:
        """The job that a request leads to, and whether it is a new one; see `Ledger.submit`."""
        self.spec(request.index)
        if request.source is not None:
            self.catalog.spec(request.index, request.source)
        job, new = self.state.jobs.submit(request)
        self._on_submit()
        return job, new

    def retry(self, job_id: str) -> tuple[Job, bool]:
        """A new job for the documents that a job has failed at, or for all that was left undone
        where the job has failed as a whole.

        Raises:
            ConflictError: the job is at work, or nothing of it has failed.
        """
        job = self.state.jobs.get(job_id)
        if job.active:
            raise ConflictError(f"job {job_id} is {job.state}; there is nothing to retry yet")
        if job.request.dry_run:
            raise ConflictError(f"job {job_id} was a dry run; there is nothing to retry")
        if job.state is JobState.SUCCEEDED:
            raise ConflictError(f"job {job_id} has succeeded; there is nothing to retry")
        whole = job.state is not JobState.SUCCEEDED_WITH_FAILURES
        return self.submit(
            JobRequest(
                index=job.index,
                full=job.request.full and whole,
                allow_shrink=job.request.allow_shrink,
                source=job.request.source,
                trigger=Trigger.RETRY,
                retry_of=None if whole else job_id,
            )
        )

    def cancel(self, job_id: str) -> Job:
        """The job, which ends within moments; what it has stored in a new build serves the next.

        Raises:
            ConflictError: it has ended already.
        """
        if not self.state.jobs.get(job_id).active:
            raise ConflictError(f"job {job_id} has ended already")
        self.state.jobs.cancel(job_id)
        return self.state.jobs.get(job_id)

    def roll_back(self, index: str) -> str:
        """Let searches see the build of before the live one; its collection.

        Raises:
            ConflictError: there is none, or a job for the index is at work.
        """
        spec = self.spec(index)
        self._check_no_job(index)  # Before it is waited for, which a job may keep for long.
        with self.state.locks.hold(writing(index)):
            self._check_no_job(index)
            store = self._open_store()
            collection = roll_back(index, store, self.state)
            single.apply_all(spec, collection, store, self.state)
        return collection

    def _check_no_job(self, index: str) -> None:
        for job in self.state.jobs.active():
            if job.index == index and not job.request.dry_run:
                raise ConflictError(f"job {job.id} is {job.state} for {index!r}; cancel it first")

    def put(self, index: str, document_id: str, data: bytes, media_type: str) -> int:
        """Store one document, given as the index's content type is given in files or lines; its
        number of chunks. See `single.put` for what it raises."""
        spec = self.spec(index)
        if not document_id:
            raise DocumentError("the address ends without the document's id")
        content = _content(spec, document_id, data, media_type)
        return single.put(spec, content, self._open_store(), self.state)

    def delete(self, index: str, document_id: str) -> None:
        """Take one document out. See `single.delete` for what it raises."""
        single.delete(self.spec(index), document_id, self._open_store(), self.state)

    def announce(self, index: str, headers: Mapping[str, str], body: bytes) -> Job:
        """The job that takes up a change which a help centre has announced: a new one, or the
        running one, which is then followed by another.

        Raises:
            SignatureError: the announcement was not signed with the index's secret.
            ConflictError: the catalog declares no hook for the index, or its secret is not set.
        """
        spec = self.spec(index)
        if spec.upkeep.hook is None:
            raise ConflictError(f"the catalog declares no 'hook' for index {index!r}")
        check_signature(spec.upkeep.hook, headers, body)
        job, new = self.submit(JobRequest(index=index, trigger=Trigger.HOOK))
        asked = job.request
        whole = asked.retry_of is None and asked.source is None
        if not new and not (job.state is JobState.QUEUED and whole):
            self.state.jobs.announce(job.id)  # It may have looked already, or looks at less.
        return job

    def documents(self, job_id: str, states: tuple[str, ...] = ()) -> list[Task]:
        """What a job does, or did, with each document; those in some states alone."""
        self.state.jobs.get(job_id)
        return self.state.jobs.documents.all(job_id, states=states)

    def workers(self) -> int:
        """How many workers there are: those that hold the lock of their name."""
        alive = 0
        for name in self.state.jobs.workers():
            with self.state.locks.hold(alive_lock(name), wait=False) as gone:
                alive += not gone
        return alive

    def spec(self, index: str) -> IndexSpec:
        """An index of the catalog."""
        catalog = self.catalog.current()
        if index not in catalog:
            raise IndexNotFoundError(f"no index {index!r}; the catalog has: {', '.join(catalog)}")
        return catalog[index]


_MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.HTML: "text/html",
    Format.MARKDOWN: "text/markdown",
    Format.TEXT: "text/plain",
    Format.PDF: "application/pdf",
}


def _content(spec: IndexSpec, document_id: str, data: bytes, media_type: str) -> Content:
    valid = {_MEDIA_TYPES[format_]: format_ for format_ in FORMATS[spec.build.content_type]}
    given = media_type.partition(";")[0].strip().lower()
    if given not in valid:
        raise DocumentError(
            f"a document of {spec.name!r} is sent as one of {', '.join(sorted(valid))}, not {given}"
        )
    if valid[given] is Format.JSON:
        data = _with_id(data, document_id)
    return Content(
        id=document_id,
        content_type=spec.build.content_type,
        format=valid[given],
        data=data,
        revision=f"put:{revision_of(data)}",
    )


def _with_id(data: bytes, document_id: str) -> bytes:
    try:
        record: Any = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise DocumentError(f"not JSON: {exc}") from exc
    if not isinstance(record, dict):
        raise DocumentError("not a JSON object")
    if str(record.get("id", document_id)) != document_id:
        raise DocumentError(f"the object's id is {record['id']!r}, the address's {document_id!r}")
    return json.dumps({**record, "id": document_id}).encode()
