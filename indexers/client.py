"""Re-indexing as the command line asks for it: of the server that runs, or done in this process."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from indexers.catalog import CatalogFile
from indexers.errors import (
    CatalogError,
    ConflictError,
    IndexersError,
    IndexNotFoundError,
    JobNotFoundError,
    ServerError,
)
from indexers.jobs.job import JobRequest
from indexers.jobs.service import Service
from indexers.jobs.view import task_view, view
from indexers.settings import Settings, open_state, open_store
from indexers.store import VectorStore

ADMIN_KEY = "PASSAGES_ADMIN_KEY"
"""The environment variable with the key that a server may ask for."""

_TIMEOUT_S = 60.0


class Client(Protocol):
    """What the command line asks, with jobs as the JSON objects of `indexers.jobs.view`.

    Every method raises an IndexersError where it cannot be done.
    """

    def indexes(self) -> list[str]:
        """The indexes of its catalog."""
        ...

    def submit(self, request: JobRequest) -> dict[str, Any]:
        """The job that a request leads to; its `new` says whether it was there before."""
        ...

    def job(self, job_id: str) -> dict[str, Any]:
        """One job, with its failures."""
        ...

    def jobs(self, index: str | None, limit: int) -> list[dict[str, Any]]:
        """The latest jobs, newest first."""
        ...

    def documents(self, job_id: str, states: Sequence[str] = ()) -> list[dict[str, Any]]:
        """What a job does with each document."""
        ...

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Stop a job."""
        ...

    def retry(self, job_id: str) -> dict[str, Any]:
        """A new job for what a job has failed at."""
        ...

    def roll_back(self, index: str) -> str:
        """Go back to the build of before; its collection."""
        ...


@contextmanager
def connected(
    settings: Settings, catalog: Path, server: str | None, *, works: bool
) -> Iterator[Client]:
    """The server that is named, or that runs over the data folder; without one this process, which
    `works` on jobs itself until the block ends, or only looks at them.

    Raises:
        StoreInUseError: the embedded store belongs to a process that is no server.
        StoreError, StateError: the store or the state cannot be used.
    """
    url = server or running_server(settings.data_dir)
    if url is not None:
        with httpx.Client(base_url=url, headers=authorization(), timeout=_TIMEOUT_S) as http:
            yield Remote(http)
        return
    with ExitStack() as stack:

        @cache
        def opened() -> VectorStore:
            return stack.enter_context(closing(open_store(settings)))

        if works:
            opened()  # Before the state is made: it says who else owns it.
        state = stack.enter_context(closing(open_state(settings)))
        file = CatalogFile(catalog)
        if works:
            from indexers.jobs.worker import Worker  # DBOS comes with it.

            worker = stack.enter_context(closing(Worker(opened(), state, file)))
            yield Local(Service(file, opened, state, worker.wake))
        else:
            yield Local(Service(file, opened, state))


def running_server(data_dir: Path) -> str | None:
    """The URL of the server that runs over a data folder, for the command line on its machine."""
    try:
        note = json.loads((data_dir / "server.json").read_text())
        os.kill(note["pid"], 0)
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError, json.JSONDecodeError):
        return None  # Not there, not whole yet, or left behind by one that was killed.
    except PermissionError:
        pass  # Another user's, and there.
    url: str = note["url"]
    return url


class Local:
    """A `Client` of the service in this process."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def indexes(self) -> list[str]:
        """See `Client.indexes`."""
        return list(self._service.catalog.current())

    def submit(self, request: JobRequest) -> dict[str, Any]:
        """See `Client.submit`."""
        job, new = self._service.submit(request)
        return {**self.job(job.id), "new": new}

    def job(self, job_id: str) -> dict[str, Any]:
        """See `Client.job`."""
        job = self._service.state.jobs.get(job_id)
        failures = self._service.documents(job_id, ("failed",)) if job.counts.failed else []
        return view(job, workers=self._workers(), failures=failures)

    def jobs(self, index: str | None, limit: int) -> list[dict[str, Any]]:
        """See `Client.jobs`."""
        if index is not None:
            self._service.spec(index)
        found = self._service.state.jobs.latest(index, limit)
        return [view(job, workers=self._workers()) for job in found]

    def documents(self, job_id: str, states: Sequence[str] = ()) -> list[dict[str, Any]]:
        """See `Client.documents`."""
        return [task_view(task) for task in self._service.documents(job_id, tuple(states))]

    def cancel(self, job_id: str) -> dict[str, Any]:
        """See `Client.cancel`."""
        return self.job(self._service.cancel(job_id).id)

    def retry(self, job_id: str) -> dict[str, Any]:
        """See `Client.retry`."""
        job, new = self._service.retry(job_id)
        return {**self.job(job.id), "new": new}

    def roll_back(self, index: str) -> str:
        """See `Client.roll_back`."""
        return self._service.roll_back(index)

    def _workers(self) -> int:
        return self._service.workers()


class Remote:
    """A `Client` of a server, over HTTP."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def indexes(self) -> list[str]:
        """See `Client.indexes`."""
        return [row["name"] for row in self._ask("GET", "/indexes")["indexes"]]

    def submit(self, request: JobRequest) -> dict[str, Any]:
        """See `Client.submit`."""
        body = {
            "mode": "full" if request.full else "incremental",
            "dry_run": request.dry_run,
            "allow_shrink": request.allow_shrink,
        }
        return self._ask("POST", f"/indexes/{quote(request.index)}/reindex", json=body)

    def job(self, job_id: str) -> dict[str, Any]:
        """See `Client.job`."""
        return self._ask("GET", f"/jobs/{quote(job_id)}")

    def jobs(self, index: str | None, limit: int) -> list[dict[str, Any]]:
        """See `Client.jobs`."""
        asked = {"limit": limit, **({} if index is None else {"index": index})}
        found: list[dict[str, Any]] = self._ask("GET", "/jobs", params=asked)["jobs"]
        return found

    def documents(self, job_id: str, states: Sequence[str] = ()) -> list[dict[str, Any]]:
        """See `Client.documents`."""
        path = f"/jobs/{quote(job_id)}/documents"
        found: list[dict[str, Any]] = self._ask("GET", path, params={"state": [*states]})[
            "documents"
        ]
        return found

    def cancel(self, job_id: str) -> dict[str, Any]:
        """See `Client.cancel`."""
        return self._ask("POST", f"/jobs/{quote(job_id)}/cancel")

    def retry(self, job_id: str) -> dict[str, Any]:
        """See `Client.retry`."""
        return self._ask("POST", f"/jobs/{quote(job_id)}/retry")

    def roll_back(self, index: str) -> str:
        """See `Client.roll_back`."""
        return str(self._ask("POST", f"/indexes/{quote(index)}/rollback")["collection"])

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **more)
            body: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as exc:
            raise ServerError(
                f"the server at {self._http.base_url} does not answer: {exc}"
            ) from exc
        if answer.is_error:
            raise _error(answer.status_code, body)
        return body


_ERRORS: dict[str, type[IndexersError]] = {
    "index_not_found": IndexNotFoundError,
    "job_not_found": JobNotFoundError,
    "conflict": ConflictError,
    "catalog": CatalogError,
}


def _error(status: int, body: Mapping[str, Any]) -> IndexersError:
    (error, *_) = body.get("errors") or [{"code": "", "message": f"status {status}: {body}"}]
    return _ERRORS.get(error["code"], ServerError)(error["message"])


def authorization(*variables: str) -> dict[bytes, bytes]:
    """The header with the first key that the environment has, under ADMIN_KEY or else another of
    these names."""
    key = next(filter(None, map(os.environ.get, (ADMIN_KEY, *variables))), None)
    return {b"authorization": f"Bearer {key}".encode()} if key else {}
