"""The identity of what an IndexBuild stores."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chunkers import CHUNKERS, EXTRACTOR_VERSION
from indexers.bm25 import Bm25Encoder
from indexers.catalog import IndexBuild
from indexers.embedding import EMBEDDERS, Embedder
from indexers.errors import EmbedderError
from indexers.filters import FilterType
from indexers.points import LAYOUT_VERSION


def canonical(build: IndexBuild) -> str:
    """Everything that decides what is stored, as JSON with sorted keys."""
    settings = {
        "content_type": build.content_type,
        # Not its place: documents are told apart by id and revision, and a folder may be moved.
        "source": type(build.source).__name__,
        "chunker": _component(build.chunker),
        "embedder": {
            "kind": _kind(build.embedder, EMBEDDERS),
            "fields": _fields(build.embedder),
            "revision": build.embedder.revision,
        },
        "sparse": _component(build.sparse),
        "filters": dict(build.filters),
        "extractor": EXTRACTOR_VERSION,
        "layout": LAYOUT_VERSION,
    }
    return json.dumps(settings, sort_keys=True, default=_plain)


def build_of(settings: str, catalogued: IndexBuild) -> IndexBuild:
    """The build whose canonical form is given, with the source that the catalog has now.

    Raises:
        EmbedderError: its model is no longer to be had.
    """
    if canonical(catalogued) == settings:
        return catalogued
    known = json.loads(settings)
    embedder: Embedder = EMBEDDERS[known["embedder"]["kind"]](**known["embedder"]["fields"])
    if embedder == catalogued.embedder:
        embedder = catalogued.embedder  # One of the two is loaded, not both.
    if embedder.revision != known["embedder"]["revision"]:
        raise EmbedderError(f"the model {embedder.name} has changed since; re-index the index")
    chunkers = {cls.__name__: cls for cls in CHUNKERS.values()}
    return IndexBuild(
        content_type=catalogued.content_type,
        source=catalogued.source,
        chunker=chunkers[known["chunker"]["kind"]](**_given(known["chunker"])),
        embedder=embedder,
        sparse=Bm25Encoder(**_given(known["sparse"])),
        filters={name: FilterType(kind) for name, kind in known["filters"].items()},
    )


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A component's fields as they were before they were written as JSON, which has no tuples."""
    given = {name: value for name, value in settings.items() if name != "kind"}
    return {n: tuple(v) if isinstance(v, list) else v for n, v in given.items()}


def fingerprint(settings: str) -> str:
    """Twelve hex digits of the SHA-256 of an IndexBuild's canonical form."""
    return hashlib.sha256(settings.encode()).hexdigest()[:12]


def _kind(component: object, registry: Mapping[str, type[Any]]) -> str:
    return next(name for name, cls in registry.items() if type(component) is cls)


def _component(component: Any) -> dict[str, Any]:
    return {"kind": type(component).__name__, **_fields(component)}


def _fields(component: Any) -> dict[str, Any]:
    """The fields that are a component's configuration: given, and part of what it equals."""
    fields = dataclasses.fields(component)
    return {f.name: getattr(component, f.name) for f in fields if f.init and f.compare}


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} cannot stand in a build's settings")
