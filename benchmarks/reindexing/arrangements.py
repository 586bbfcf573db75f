"""Two ways to run Passages, with what a measurement does to them: kill, start again, look into."""

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks.processes import free_port
from benchmarks.reindexing.site import Api, Site
from indexers.store import VectorStore
from indexers.store.edge import EdgeStore


class Place(Protocol):
    """A running arrangement."""

    site: Site

    def submit(self, **how: Any) -> str:
        """Ask for a re-index; the job's id."""
        ...

    def job(self, job_id: str) -> dict[str, Any]:
        """One job as it is now."""
        ...

    def finished(self, job_id: str) -> dict[str, Any]:
        """One job when it has ended."""
        ...

    def kill(self, chance: random.Random) -> str:
        """Kill a process with SIGKILL; which one."""
        ...

    def restart(self) -> None:
        """Start what was killed again, and wait until it answers."""
        ...

    def looked_into(self) -> AbstractContextManager[VectorStore]:
        """The vector store, while nobody writes to it."""
        ...


Arrangement = Callable[[Path], AbstractContextManager[Place]]


@dataclass
class Embedded:
    """The API, which indexes by itself, over the embedded store."""

    site: Site
    api: Api

    def submit(self, **how: Any) -> str:
        """See `Place`."""
        return self.api.reindex(**how)

    def job(self, job_id: str) -> dict[str, Any]:
        """See `Place`."""
        return self.api.job(job_id)

    def finished(self, job_id: str) -> dict[str, Any]:
        """See `Place`."""
        return self.api.finished(job_id, limit_s=300)

    def kill(self, chance: random.Random) -> str:
        """See `Place`."""
        self.api.process.kill()
        self.api.process.wait()
        return "server"

    def restart(self) -> None:
        """See `Place`."""
        self.api = Api.started(self.site, self.api.port)
        self.api.wait()

    @contextmanager
    def looked_into(self) -> Iterator[VectorStore]:
        """See `Place`; the API is stopped meanwhile, since a process owns the store."""
        self.api.stop()
        store = EdgeStore(self.site.data_dir / "store")
        yield store
        store.close()
        self.restart()


@contextmanager
def embedded(folder: Path) -> Iterator[Embedded]:
    """The API with everything in it."""
    site = Site(folder=folder)
    place = Embedded(site=site, api=Api.started(site))
    place.api.wait()
    try:
        yield place
    finally:
        place.api.process.kill()
        place.api.process.wait()


@dataclass
class Shared:
    """The API, workers beside it, Postgres and a vector store that they share."""

    site: Site
    api: Api
    store: VectorStore
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    killed: str = ""

    def submit(self, **how: Any) -> str:
        """See `Place`."""
        return self.api.reindex(**how)

    def job(self, job_id: str) -> dict[str, Any]:
        """See `Place`."""
        return self.api.job(job_id)

    def finished(self, job_id: str) -> dict[str, Any]:
        """See `Place`."""
        return self.api.finished(job_id, limit_s=300)

    def kill(self, chance: random.Random) -> str:
        """See `Place`; three times of four it is a worker."""
        self.killed = chance.choice(("worker", "worker", "worker", "server"))
        process = self.api.process if self.killed == "server" else self.workers.pop(0)
        process.kill()
        process.wait()
        return self.killed

    def restart(self) -> None:
        """See `Place`; a killed worker is replaced at once."""
        if self.killed == "server":
            self.api = Api.started(self.site, self.api.port)
            self.api.wait()
        else:
            self.workers.append(self.site.start("indexers", "worker"))

    @contextmanager
    def looked_into(self) -> Iterator[VectorStore]:
        """See `Place`."""
        time.sleep(1.1)  # The aliases that this process knows are a second old at most.
        yield self.store


@contextmanager
def shared(folder: Path, workers: int = 2) -> Iterator[Shared]:
    """The API beside workers, with Postgres and a stand-in for a Qdrant server."""
    from benchmarks.performance.qdrant import started_qdrant
    from benchmarks.reindexing.postgres import started_postgres
    from indexers.store.server import ServerStore

    folder.mkdir(parents=True, exist_ok=True)
    with (
        started_postgres(folder / "postgres") as database,
        started_qdrant(folder / "qdrant") as qdrant,
    ):
        site = Site(folder=folder / "site", database_url=database, qdrant_url=qdrant)
        api = Api.started(site, free_port())
        place = Shared(site=site, api=api, store=ServerStore(qdrant))
        place.workers = [site.start("indexers", "worker") for _ in range(workers)]
        try:
            api.wait()
            yield place
        finally:
            for process in (place.api.process, *place.workers):
                process.kill()
                process.wait()
            place.store.close()


ARRANGEMENTS: dict[str, Arrangement] = {"embedded": embedded, "shared": shared}
"""Every way to run it that is measured."""
