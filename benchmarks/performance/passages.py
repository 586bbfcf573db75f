"""Passages as a measurement runs it: a catalog over a folder of pages, and its commands."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.errors import BenchmarksError
from chunkers import ExtractError, extract
from indexers.catalog import IndexBuild, IndexSpec, load_catalog
from indexers.embedding import Spans
from indexers.errors import DocumentError
from indexers.points import indexed_text, indexed_units
from indexers.settings import Settings, open_store, state_path
from indexers.sources import Entry
from indexers.state import State
from indexers.store import VectorStore

ROOT = Path(__file__).resolve().parents[2]
"""The folder from which `python -m` finds the packages."""

INDEX = "pages"
"""The one index of a measurement's catalog."""


@dataclass(frozen=True, slots=True)
class Text:
    """What is embedded for a chunk: its indexed text, and the spans of its units there."""

    text: str
    units: Spans


def write_catalog(path: Path, documents: Path) -> Path:
    """Write a catalog of one index over a folder of articles; returns `path`."""
    source = {"kind": "directory", "path": str(documents.resolve())}
    path.parent.mkdir(parents=True, exist_ok=True)
    indexes = {INDEX: {"content_type": "article", "source": source}}
    path.write_text(yaml.safe_dump({"indexes": indexes}), encoding="utf-8")
    return path


def index_of(path: Path) -> IndexSpec:
    """The index of a catalog that `write_catalog` wrote."""
    return load_catalog(path)[INDEX]


def entries_of(build: IndexBuild) -> list[Entry]:
    """The documents of a source, in its order."""
    return [entry for entry in build.source.list({}) if isinstance(entry, Entry)]


def texts_of(build: IndexBuild, entry: Entry) -> list[Text]:
    """The texts of a document's chunks; none of a document that cannot be read."""
    try:
        document = extract(build.source.read(entry))
    except (DocumentError, ExtractError):
        return []
    chunks = build.chunker.chunk(document, build=INDEX, count=build.embedder.count_tokens)
    return [Text(indexed_text(chunk), tuple(indexed_units(document, chunk))) for chunk in chunks]


@contextmanager
def opened(data_dir: Path) -> Iterator[tuple[VectorStore, State]]:
    """The embedded store and the state in a folder."""
    settings = Settings(data_dir=data_dir)
    store, state = open_store(settings), State(state_path(settings))
    try:
        yield store, state
    finally:
        store.close()
        state.close()


def python_m(*arguments: str | Path) -> list[str]:
    """The command line of `python -m ...` by this interpreter, to be run in ROOT."""
    return [sys.executable, "-m", *map(str, arguments)]


def environment() -> dict[str, str]:
    """This process's environment, without the servers that it may name: what is measured stays in
    folders, and no pages of a measurement go into somebody's server."""
    elsewhere = ("QDRANT_", "DATABASE_URL", "PASSAGES_")
    return {name: v for name, v in os.environ.items() if not name.startswith(elsewhere)}


def output_of(*arguments: str | Path) -> str:
    """What `python -m ...` prints; what it says of its progress is shown.

    Raises:
        BenchmarksError: it failed.
    """
    command = python_m(*arguments)
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise BenchmarksError(f"{' '.join(command)}: exit code {done.returncode}")
    return done.stdout.decode()
