"""A help centre of real pages as lines of a file, and the API over it as a process."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from benchmarks.errors import BenchmarksError
from benchmarks.performance.passages import INDEX, ROOT, environment, python_m
from benchmarks.processes import free_port

_START_LIMIT_S = 120.0
_LOOK_EVERY_S = 0.05
_ASK_EVERY_S = 0.5  # Seldom enough to cost the job nothing; its own times are what is measured.
ENDED = ("succeeded", "succeeded_with_failures", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the help centre."""

    id: str
    markdown: str
    version: str = "1"

    def line(self) -> str:
        """The page as a line of a `jsonl` source; its version is in its address alone, so that it
        costs no embedding."""
        url = f"https://help.example/{self.version}/{self.id}"
        return json.dumps({"id": self.id, "markdown": self.markdown, "url": url})


@dataclass(kw_only=True)
class Site:
    """A catalog of one index in a folder, and its data."""

    folder: Path
    index: Mapping[str, Any] = field(default_factory=dict)
    database_url: str | None = None
    qdrant_url: str | None = None
    names: Sequence[str] = (INDEX,)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        indexes = {
            name: {
                "content_type": "article",
                "source": {"kind": "jsonl", "path": f"{name}.jsonl"},
                **self.index,
            }
            for name in self.names
        }
        self.catalog.write_text(yaml.safe_dump({"indexes": indexes}), encoding="utf-8")

    @property
    def catalog(self) -> Path:
        """The catalog's file."""
        return self.folder / "catalog.yaml"

    @property
    def data_dir(self) -> Path:
        """The folder of the data."""
        return self.folder / "data"

    def write(self, pages: Sequence[Page], name: str = INDEX) -> None:
        """Make these the pages of an index's source, all at once."""
        aside = self.folder / f"{name}.new"
        aside.write_text("".join(f"{page.line()}\n" for page in pages), encoding="utf-8")
        aside.replace(self.folder / f"{name}.jsonl")

    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        places = {"DATABASE_URL": self.database_url, "QDRANT_URL": self.qdrant_url}
        return {**environment(), **{name: url for name, url in places.items() if url}}

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start one of its processes."""
        places = ("--catalog", str(self.catalog), "--data-dir", str(self.data_dir))
        with (self.folder / "processes.log").open("ab") as log:
            return subprocess.Popen(
                python_m(*words, *places),
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @contextmanager
    def served(self) -> Iterator["Api"]:
        """The API over it while the block runs."""
        api = Api.started(self)
        try:
            api.wait()
            yield api
        finally:
            api.stop()


@dataclass(kw_only=True)
class Api:
    """The API as a process, and what is asked of it beside searches."""

    site: Site
    port: int
    process: "subprocess.Popen[bytes]"

    @classmethod
    def started(cls, site: Site, port: int | None = None) -> "Api":
        """Start it, on a free port unless one is given; it may not answer yet."""
        port = port or free_port()
        return cls(
            site=site, port=port, process=site.start("retrieval", "serve", "--port", str(port))
        )

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            BenchmarksError: it ended, or takes too long.
        """
        until = time.monotonic() + _START_LIMIT_S
        while True:
            try:
                httpx.get(f"{self.url}/healthz")
            except httpx.TransportError as exc:
                if self.process.poll() is not None or time.monotonic() > until:
                    said = (self.site.folder / "processes.log").read_text()[-2000:]
                    raise BenchmarksError(f"the API does not start: {exc}\n{said}") from exc
                time.sleep(_LOOK_EVERY_S)
            else:
                return

    def stop(self) -> None:
        """End it as a process manager does."""
        self.process.terminate()
        self.process.wait(timeout=60)

    def reindex(self, name: str = INDEX, **how: Any) -> str:
        """Ask for a re-index; the job's id."""
        answer = httpx.post(f"{self.url}/indexes/{name}/reindex", json=how, timeout=60)
        return str(answer.raise_for_status().json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """One job."""
        found: dict[str, Any] = (
            httpx.get(f"{self.url}/jobs/{job_id}", timeout=60).raise_for_status().json()
        )
        return found

    def finished(self, job_id: str, limit_s: float = 3600) -> dict[str, Any]:
        """A job when it has ended.

        Raises:
            BenchmarksError: it takes too long.
        """
        until = time.monotonic() + limit_s
        while (job := self.job(job_id))["state"] not in ENDED:
            if time.monotonic() > until:
                raise BenchmarksError(f"job {job_id} has not ended: {job}")
            time.sleep(_ASK_EVERY_S)
        return job


def cut_pages(
    folder: Path, count: int, *, least_chars: int = 400, most_chars: int = 100_000
) -> list[Page]:
    """So many pages, cut from the real pages of a folder: at headings, where they have at least
    `least_chars`, and at empty lines, where they have `most_chars`.

    Raises:
        BenchmarksError: there are not as many.
    """
    pages: list[Page] = []
    for path in sorted(folder.rglob("*.md")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        text = path.read_text(encoding="utf-8")
        for number, section in enumerate(_sections(text, least_chars, most_chars)):
            pages.append(Page(id=f"{name}-{number}", markdown=section))
            if len(pages) == count:
                return pages
    raise BenchmarksError(f"{folder} makes {len(pages)} pages, not {count}")


def _sections(text: str, least_chars: int, most_chars: int) -> Iterator[str]:
    held = ""
    for line in text.splitlines(keepends=True):
        heading = line.startswith("#") and len(held) >= least_chars
        if heading or (not line.strip() and len(held) >= most_chars):
            yield held
            held = ""
        held += line
    if held.strip():
        yield held
