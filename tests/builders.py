"""Small real installations for tests: sources, a catalog, a store and a state of their own."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from indexers.build import OnProgress, Options, Report, reindex
from indexers.catalog import IndexSpec, load_catalog
from indexers.jobs.job import JobRequest
from indexers.jobs.work import Work
from indexers.prepare import prepare
from indexers.state import State
from indexers.store import Search, VectorStore
from indexers.store.edge import EdgeStore
from retrieval.engine import Engine

FAQS = "indexes:\n  faqs:\n    content_type: faq\n    source: {kind: jsonl, path: faqs.jsonl}\n"
ARTICLES = (
    "indexes:\n  articles:\n    content_type: article\n"
    "    source: {kind: directory, path: articles}\n"
)

Record = Mapping[str, Any]


def faq(id_: Any, question: str = "", answer: str = "", **more: Any) -> Record:
    """A FAQ's JSON object; its words are its id's unless given."""
    return {
        "id": id_,
        "question": question or f"What is {id_}?",
        "answer": answer or f"The {id_} is the thing that is called {id_}.",
        **more,
    }


def write_jsonl(path: Path, records: Iterable[Record | str | bytes]) -> Path:
    """Write a line for each record; text and bytes go in as they are."""
    lines = []
    for record in records:
        line = json.dumps(record) if isinstance(record, Mapping) else record
        lines.append(line.encode() if isinstance(line, str) else line)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files under a folder, by their relative paths."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


@dataclass
class Site:
    """One installation in a folder: `catalog` is its YAML, which may change between calls."""

    folder: Path
    catalog: str = FAQS
    store: VectorStore = field(init=False)
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Open the store and the state, as a new process does."""
        self.store = EdgeStore(self.folder / "data" / "store")
        self.state = State(self.folder / "data" / "passages.db")

    def close(self) -> None:
        """Close the store and the state, as a process does at its end."""
        self.store.close()
        self.state.close()

    def faqs(self, *records: Record | str | bytes) -> None:
        """Write the source of the index `faqs`."""
        write_jsonl(self.folder / "faqs.jsonl", records)

    def articles(self, files: Mapping[str, str | bytes]) -> None:
        """Write into the source of the index `articles`."""
        write_files(self.folder / "articles", files)

    def specs(self) -> dict[str, IndexSpec]:
        """The catalog as it is now."""
        path = self.folder / "catalog.yaml"
        path.write_text(self.catalog)
        return load_catalog(path)

    def reindex(
        self, name: str = "", *, on_progress: OnProgress = lambda progress: None, **options: bool
    ) -> Report:
        """Re-index one index; the first of the catalog without a name."""
        specs = self.specs()
        spec = specs[name or next(iter(specs))]
        return reindex(spec, self.store, self.state, Options(**options), on_progress)

    def work(self, name: str = "", **asked: Any) -> Work:
        """A job that was just asked for, and all that working on it takes, by hand; for the first
        index of the catalog without a name."""
        name = name or next(iter(self.specs()))
        job, _ = self.state.jobs.submit(JobRequest(index=name, **asked))
        return self.work_on(job.id)

    def work_on(self, job_id: str) -> Work:
        """A job as somebody takes it up, over the catalog as it is now."""
        return Work(
            job_id=job_id,
            spec=self.specs()[self.state.jobs.get(job_id).index],
            store=self.store,
            state=self.state,
            preparer=lambda assignment: prepare(assignment, self.state),
            worker="test",
        )

    def an_hour_passes(self) -> None:
        """Let every switch so far be an hour ago."""
        for build in self.state.builds():
            if build.replaced_at:
                since = datetime.fromisoformat(build.replaced_at) - timedelta(hours=1)
                self.state.save_build(replace(build, replaced_at=since.isoformat()))

    def engine(self) -> Engine:
        """An engine over the installation, which the site closes."""
        return Engine(self.specs(), self.store, self.state)

    def points(self, collection: str = "") -> dict[str, tuple[float, Mapping[str, Any]]]:
        """Every point of a collection, by document and ordinal: its cosine with one fixed vector,
        which tells vectors apart, and its payload. Without a name, of the first live collection.
        """
        collection = collection or next(iter(self.store.aliases().values()))
        probe = np.linspace(-1, 1, 384, dtype=np.float32)
        search = Search(dense=probe, sparse=None, limit=10_000)
        found = self.store.search(collection, search)
        points = {
            f"{point.payload['document_id']}#{point.payload['ordinal']}": (
                round(point.scores["dense"], 3),
                point.payload,
            )
            for point in found
        }
        assert len(points) == len(found) == self.store.count(collection)
        return points


def reasons(report: Report) -> dict[str, str]:
    """A report's failures: the reason of each, by where it stands."""
    return {failure.where: failure.reason for failure in report.failures}
