"""What each index is right now."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from indexers.catalog import IndexSpec
from indexers.errors import EmbedderError
from indexers.fingerprint import canonical, fingerprint
from indexers.sources import SOURCES
from indexers.state import BuildRecord, State


@dataclass(frozen=True, kw_only=True)
class IndexStatus:
    """One index: its live build, or None for each field where it was never indexed.

    `current` says whether the live build is what the catalog asks for. `source` is its kind and its
    fields, paths as seen from the current folder where they lie below it.
    """

    index: str
    content_type: str
    source: str
    collection: str | None
    build: str | None
    current: bool
    documents: int
    chunks: int
    indexed_at: str | None


def index_status(spec: IndexSpec, state: State | None) -> IndexStatus:
    """The status of an index, by the state database alone: true while a server runs, too. Without
    a state, nothing was ever indexed."""
    live = live_build(spec.name, state) if state else None
    documents, chunks = state.totals(live.collection) if state and live else (0, 0)
    return IndexStatus(
        index=spec.name,
        content_type=spec.build.content_type.value,
        source=_source(spec.build.source),
        collection=live.collection if live else None,
        build=live.fingerprint if live else None,
        current=is_current(spec, live),
        documents=documents,
        chunks=chunks,
        indexed_at=live.finished_at if live else None,
    )


def is_current(spec: IndexSpec, live: BuildRecord | None) -> bool:
    """Whether an index's live build is what the catalog asks for."""
    try:
        return live is not None and live.fingerprint == fingerprint(canonical(spec.build))
    except EmbedderError:  # It asks for a model that is not to be had.
        return False


def live_build(index: str, state: State) -> BuildRecord | None:
    """The build of an index that was finished last."""
    finished = [b for b in state.builds() if b.index == index and b.finished_at]
    return max(finished, key=lambda build: build.finished_at or "", default=None)


def _source(source: Any) -> str:
    kind = next(name for name, cls in SOURCES.items() if type(source) is cls)
    given = {f.name: getattr(source, f.name) for f in fields(source) if f.name != "content_type"}
    return " ".join([kind, *(str(_from_here(value)) for value in given.values())])


def _from_here(value: object) -> object:
    here = Path.cwd()
    if isinstance(value, Path) and value.is_relative_to(here):
        return value.relative_to(here)
    return value
