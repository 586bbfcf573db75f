"""The embedded store: Qdrant Edge, the Qdrant engine in this process, one shard a collection.

<folder>/lock                 held by the one process that owns the store
<folder>/aliases.json         index -> collection, replaced whole
<folder>/collections/<name>/  a shard
"""

import fcntl
import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from indexers.errors import CollectionNotFoundError, StoreError, StoreInUseError
from indexers.store.base import DENSE, Candidate, Point, Schema, Search
from indexers.store.edge_requests import chunks_of, edge_point, field_indexes, shard_config
from indexers.store.edge_search import candidates, inverse_document_frequency

_CLOSING_LIMIT_S = 10
"""How long closing waits for the searches that are under way."""

_ASIDE = (".making", ".dropped")
"""Suffixes of folders that are no collection yet, or no longer one."""


class EdgeStore:
    """A VectorStore in a folder of its own, owned by one process at a time.

    Searches may come from many threads; the engine releases the interpreter lock while it works.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder, making it where it does not exist.

        Raises:
            StoreInUseError: another process holds it.
            StoreError: it cannot be made or written.
        """
        self._folder = folder
        self._shards: dict[str, edge.EdgeShard] = {}
        self._opening, self._switching = threading.Lock(), threading.Lock()
        self._closed = False
        try:
            (folder / "collections").mkdir(parents=True, exist_ok=True)
            self._lock = _take_lock(folder / "lock")
        except OSError as exc:
            raise StoreError(f"{folder}: {exc.strerror}") from exc
        self._aliases = _read_aliases(folder / "aliases.json")

    def create(self, collection: str, schema: Schema) -> None:
        """See `VectorStore.create`."""
        path = self._path(collection)
        if path.exists():
            return
        # A crash half-way leaves a folder that no name leads to, never half a collection.
        aside = path.with_name(f"{collection}.making")
        shutil.rmtree(aside, ignore_errors=True)
        with _translated():
            shard = edge.EdgeShard.create(str(aside), shard_config(schema))
            for operation in field_indexes(schema):
                shard.update(operation)
            shard.flush()
            shard.close()
        aside.rename(path)

    def drop(self, collection: str) -> None:
        """See `VectorStore.drop`."""
        path = self._path(collection)
        # Searches that still hold the shard end on files that no name leads to. Where they are
        # deleted under their own name, the shard writes some of them again as it goes.
        aside = path.with_name(f"{collection}.dropped")
        with self._opening:
            self._shards.pop(collection, None)
            shutil.rmtree(aside, ignore_errors=True)
            if path.exists():
                path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)

    def collections(self) -> list[str]:
        """See `VectorStore.collections`."""
        folders = (self._folder / "collections").iterdir()
        return sorted(path.name for path in folders if path.suffix not in _ASIDE)

    def aliases(self, *, fresh: bool = False) -> dict[str, str]:
        """See `VectorStore.aliases`."""
        return dict(self._aliases)

    def switch(self, alias: str, collection: str) -> None:
        """See `VectorStore.switch`."""
        self._shard(collection)
        with self._switching:  # Another index may be switched at the same time.
            aliases = {**self._aliases, alias: collection}
            _replace(self._folder / "aliases.json", json.dumps(aliases, indent=2))
            self._aliases = aliases

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        """See `VectorStore.upsert`."""
        with _translated():
            self._update(collection, edge.UpdateOperation.upsert_points([*map(edge_point, points)]))
            self._shard(collection).flush()

    def delete_document(self, collection: str, document_id: str, keep: Iterable[str] = ()) -> None:
        """See `VectorStore.delete_document`."""
        matching = chunks_of(document_id, keep)
        with _translated():
            self._update(collection, edge.UpdateOperation.delete_points_by_filter(matching))

    def count(self, collection: str) -> int:
        """See `VectorStore.count`."""
        with _translated():
            return self._shard(collection).count(edge.CountRequest(exact=True))

    def retrieve(self, collection: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """See `VectorStore.retrieve`."""
        with _translated():
            found = self._shard(collection).retrieve([uuid.UUID(id_) for id_ in ids], True, False)
        return {str(record.id): record.payload or {} for record in found}

    def page(
        self, collection: str, limit: int, after: str | None = None
    ) -> dict[str, Mapping[str, Any]]:
        """See `VectorStore.page`."""
        offset = None if after is None else uuid.UUID(int=uuid.UUID(after).int + 1)
        request = edge.ScrollRequest(offset=offset, limit=limit, with_payload=True)
        with _translated():
            records, _ = self._shard(collection).scroll(request)
        return {str(record.id): record.payload or {} for record in records}

    def shape(self, collection: str) -> tuple[int, str]:
        """See `VectorStore.shape`."""
        self._shard(collection)
        try:
            config = json.loads((self._path(collection) / "edge_config.json").read_text())
        except (OSError, ValueError) as exc:
            raise StoreError(f"Qdrant Edge: {collection} has no configuration: {exc}") from exc
        dense = config["vectors"][DENSE]
        return int(dense["size"]), str(dense["distance"]).lower()

    def search(self, collection: str, search: Search) -> list[Candidate]:
        """See `VectorStore.search`."""
        shard = self._shard(collection)
        with _translated():
            return candidates(shard, search)

    def inverse_document_frequency(self, collection: str, terms: Sequence[int]) -> dict[int, float]:
        """See `VectorStore.inverse_document_frequency`."""
        shard = self._shard(collection)
        with _translated():
            return inverse_document_frequency(shard, terms)

    def optimize(self, collection: str) -> None:
        """See `VectorStore.optimize`."""
        with _translated():
            shard = self._shard(collection)
            shard.optimize()
            shard.flush()

    def close(self) -> None:
        """See `VectorStore.close`."""
        with self._opening:
            if self._closed:
                return
            self._closed = True
            shards = [*self._shards.values()]
            self._shards.clear()
            for shard in shards:
                _close(shard)
            os.close(self._lock)

    def _update(self, collection: str, operation: edge.UpdateOperation) -> None:
        self._shard(collection).update(operation)

    def _shard(self, collection: str) -> edge.EdgeShard:
        shard = self._shards.get(collection)
        if shard is not None:
            return shard
        with self._opening:
            if self._closed:  # The folder may be another process's by now.
                raise StoreError(f"{self._folder} is closed")
            if collection not in self._shards:
                if not self._path(collection).exists():
                    raise CollectionNotFoundError(f"no collection {collection!r}")
                with _translated():
                    self._shards[collection] = edge.EdgeShard.load(str(self._path(collection)))
            return self._shards[collection]

    def _path(self, collection: str) -> Path:
        return self._folder / "collections" / collection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except Exception as exc:
        # The engine raises plain Exception for everything of its own, and RuntimeError where a
        # shard is being closed; another subclass is not its.
        if type(exc) not in (Exception, RuntimeError):
            raise
        raise StoreError(f"Qdrant Edge: {exc}") from exc


def _close(shard: edge.EdgeShard) -> None:
    for _ in range(_CLOSING_LIMIT_S * 1000):
        try:
            shard.close()
        except RuntimeError:  # A search has still to end, and no new one begins.
            time.sleep(0.001)
        else:
            return


def _take_lock(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(handle)
        raise StoreInUseError(
            f"{path.parent} is in use by process {path.read_text() or '?'}; one process at a time "
            "owns the embedded store: stop that one, or set QDRANT_URL to share a Qdrant server"
        ) from exc
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())
    return handle


def _read_aliases(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    aliases: dict[str, str] = json.loads(path.read_text())
    return aliases


def _replace(path: Path, text: str) -> None:
    aside = path.with_suffix(".new")
    try:
        with aside.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as exc:
        raise StoreError(f"{path}: {exc.strerror}") from exc
