"""The identity of what an IndexBuild stores."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chunkers import EXTRACTOR_VERSION
from indexers.catalog import IndexBuild
from indexers.embedding import EMBEDDERS
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
