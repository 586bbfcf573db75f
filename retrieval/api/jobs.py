"""Re-indexing over HTTP: jobs, single documents, rollbacks, announcements."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse

from indexers.jobs.documents import Task
from indexers.jobs.job import Job, JobRequest
from indexers.jobs.service import Service
from indexers.jobs.view import task_view, view
from retrieval.api.auth import admin_documented, require_admin
from retrieval.api.schemas import ErrorResponse, ReindexRequest

_LOOK_EVERY_S = 0.5
_ALIVE_EVERY_S = 15.0

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": description}
    for status, description in {
        401: "The administration key is missing or wrong",
        404: "There is no such index, job or document",
        409: "It cannot be done in the state that things are in",
        422: "A field, the document or the catalog is not valid",
        503: "The store or the state cannot be used now",
    }.items()
}


def add_jobs(app: FastAPI, service: Service) -> None:
    """Give an app everything that has to do with re-indexing."""
    admin = APIRouter(
        responses=_ERRORS,
        tags=["re-indexing"],
        dependencies=[*admin_documented(), Depends(require_admin)],
    )
    _add_jobs(admin, service)
    _add_indexes(admin, service)
    app.include_router(admin)
    _add_hook(app, service)


def _add_indexes(router: APIRouter, service: Service) -> None:
    @router.post("/indexes/{index}/reindex", status_code=202)
    def reindex(
        index: str,
        body: ReindexRequest | None = None,
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> JSONResponse:
        """Ask for a re-index.

        Answers with the job: a new one, or the one that the index has at work already, or the one
        that the same `Idempotency-Key` led to before.
        """
        asked = body or ReindexRequest()
        job, new = service.submit(
            JobRequest(
                index=index,
                full=asked.mode == "full",
                dry_run=asked.dry_run,
                allow_shrink=asked.allow_shrink,
                source=None if asked.source is None else json.dumps(asked.source),
                idempotency_key=idempotency_key,
            )
        )
        return _accepted(service, job, new)

    @router.post("/indexes/{index}/rollback")
    def rollback(index: str) -> dict[str, str]:
        """Go back to the build that was live before this one, in one step."""
        return {"index": index, "collection": service.roll_back(index)}

    @router.put("/indexes/{index}/documents/{document_id:path}")
    async def put_document(index: str, document_id: str, request: Request) -> dict[str, Any]:
        """Store one document, which can be found when this answers.

        The body is the document: a JSON object as a line of a `jsonl` source has it, or a file's
        bytes with their media type.
        """
        data, kind = await request.body(), request.headers.get("content-type", "")
        chunks = await asyncio.to_thread(service.put, index, document_id, data, kind)
        return {"index": index, "document_id": document_id, "chunks": chunks}

    @router.delete("/indexes/{index}/documents/{document_id:path}")
    def delete_document(index: str, document_id: str) -> dict[str, str]:
        """Take one document out, which can no longer be found when this answers."""
        service.delete(index, document_id)
        return {"index": index, "document_id": document_id}


def _add_jobs(router: APIRouter, service: Service) -> None:
    @router.get("/jobs")
    def jobs(
        index: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 20
    ) -> dict[str, Any]:
        """The latest jobs, newest first."""
        if index is not None:
            service.spec(index)
        workers = service.workers()
        found = service.state.jobs.latest(index, limit)
        return {"jobs": [view(job, workers=workers) for job in found]}

    @router.get("/jobs/{job_id}")
    def job(job_id: str) -> dict[str, Any]:
        """One job: where it is, how far, what it did, what failed."""
        return _view(service, job_id)

    @router.get("/jobs/{job_id}/documents")
    def documents(
        job_id: str, state: Annotated[list[str] | None, Query()] = None
    ) -> dict[str, Any]:
        """What the job does with each document that is not simply left as it is; for a dry run,
        what it would do."""
        tasks = service.documents(job_id, tuple(state or ()))
        return {"documents": [task_view(task) for task in tasks]}

    @router.get("/jobs/{job_id}/events")
    async def events(job_id: str) -> StreamingResponse:
        """The job whenever something about it changes, as server-sent events named `progress`, and
        at its end one named `end`."""
        await asyncio.to_thread(service.state.jobs.get, job_id)
        return StreamingResponse(_events(service, job_id), media_type="text/event-stream")

    @router.post("/jobs/{job_id}/cancel", status_code=202)
    def cancel(job_id: str) -> dict[str, Any]:
        """Stop a job; it ends within moments."""
        service.cancel(job_id)
        return _view(service, job_id)

    @router.post("/jobs/{job_id}/retry", status_code=202)
    def retry(job_id: str) -> JSONResponse:
        """Take up what a job has failed at, in a new one."""
        return _accepted(service, *service.retry(job_id))


def _add_hook(app: FastAPI, service: Service) -> None:
    @app.post("/hooks/{index}", status_code=202, responses=_ERRORS, tags=["re-indexing"])
    async def hook(index: str, request: Request) -> dict[str, Any]:
        """A help centre announces a change; it signs this as the catalog's `hook` says."""
        headers: Mapping[str, str] = request.headers
        body = await request.body()
        job = await asyncio.to_thread(service.announce, index, headers, body)
        return {"job": job.id, "url": f"/jobs/{job.id}"}


def _view(service: Service, job_id: str) -> dict[str, Any]:
    job = service.state.jobs.get(job_id)
    failures: list[Task] = []
    if job.counts.failed:
        failures = service.documents(job_id, ("failed",))
    return view(job, workers=service.workers(), failures=failures)


def _accepted(service: Service, job: Job, new: bool) -> JSONResponse:
    shown = {**view(job, workers=service.workers()), "new": new}
    return JSONResponse(shown, 202, headers={"location": f"/jobs/{job.id}"})


async def _events(service: Service, job_id: str) -> AsyncIterator[str]:
    said, silent = "", 0.0
    while True:
        shown = await asyncio.to_thread(_view, service, job_id)
        now = json.dumps({**shown, "silent_s": None})
        ended = shown["silent_s"] is None
        if now != said:
            yield f"event: {'end' if ended else 'progress'}\ndata: {json.dumps(shown)}\n\n"
            said, silent = now, 0.0
        elif silent >= _ALIVE_EVERY_S:
            yield ": still there\n\n"
            silent = 0.0
        if ended:
            return
        await asyncio.sleep(_LOOK_EVERY_S)
        silent += _LOOK_EVERY_S
