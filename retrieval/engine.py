"""What answers queries: the catalog's indexes, each with the build that is live now."""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from chunkers import count_cl100k
from indexers.bm25 import Bm25Encoder
from indexers.catalog import CatalogFile, IndexSpec
from indexers.embedding import EMBEDDERS, Embedder
from indexers.errors import IndexersError
from indexers.search_spec import SearchSpec
from indexers.state import BuildRecord, State
from indexers.status import is_current
from indexers.store import VectorStore
from retrieval.errors import NotReadyError

_IDF_FRESH_S = 600.0
"""How old a term's weight may be: in-place changes move it by a little at a time."""

_THREADS = 32
"""Searches at once: a search that is late keeps its thread until the store answers."""


@dataclass(frozen=True, kw_only=True)
class Live:
    """An index as searches see it: its live collection, and the models that built it."""

    name: str
    content_type: str
    record: BuildRecord
    embedder: Embedder
    sparse: Bm25Encoder
    spec: SearchSpec
    filters: Mapping[str, str]


class Engine:
    """The live builds of a catalog's indexes, looked up anew for every query."""

    def __init__(
        self, catalog: Mapping[str, IndexSpec] | CatalogFile, store: VectorStore, state: State
    ) -> None:
        """An engine over a store and a state, which it closes. A catalog in a file is followed
        when that changes."""
        self._file = catalog if isinstance(catalog, CatalogFile) else None
        self._catalog = catalog.current() if isinstance(catalog, CatalogFile) else dict(catalog)
        self.store = store
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="search")
        self._state = state
        self._live: dict[str, Live] = {}
        self._idf: dict[str, tuple[float, dict[int, float]]] = {}
        self._loading = threading.Lock()

    @property
    def catalog(self) -> dict[str, IndexSpec]:
        """The indexes that can be searched: those of the catalog when it was last valid."""
        if self._file is not None:
            self._catalog = self._file.last()  # Who re-indexes is told of a mistake in it.
        return self._catalog

    def live(self, name: str) -> Live:
        """The live build of an index of the catalog.

        Raises:
            NotReadyError: it was never indexed, or its model is no longer to be had.
            StoreError: the store does not answer.
        """
        collection = self.store.aliases().get(name)
        if collection is None:
            raise NotReadyError(
                f"index {name!r} was never indexed; run 'python -m indexers reindex {name}'"
            )
        spec = self.catalog[name].search
        known = self._live.get(name)
        if known is None or known.record.collection != collection:
            with self._loading:
                known = self._live.get(name)  # Another thread may have loaded it meanwhile.
                if known is None or known.record.collection != collection:
                    known = self._live[name] = self._load(name, collection)
        if known.spec is not spec:  # The catalog has changed how it is searched.
            known = self._live[name] = replace(known, spec=spec)
        return known

    def idf(self, live: Live, terms: Sequence[int]) -> dict[int, float]:
        """The inverse document frequency of terms in a live collection, ten minutes old at most.

        Raises:
            StoreError: the store does not answer.
        """
        collection, now = live.record.collection, time.monotonic()
        since, known = self._idf.get(collection, (now, {}))
        if now - since > _IDF_FRESH_S:
            since, known = now, {}
        missing = [term for term in terms if term not in known]
        if missing:
            fresh = self.store.inverse_document_frequency(collection, missing)
            known = {**known, **fresh}
            self._idf[collection] = (since, known)
        return known

    def warm(self) -> None:
        """Load what answers need: each live model, its collection and its common terms' weights,
        the counter of tokens."""
        count_cl100k("")
        for name in self.catalog:
            try:
                self._warm(self.live(name))
            except (NotReadyError, IndexersError):
                continue  # `problems` reports it for as long as it lasts.

    def _warm(self, live: Live) -> None:
        vector = live.embedder.embed(["warm up"], kind="query")[0]
        search = live.spec.to_search(vector, live.sparse.encode_query("warm up"), {})
        found = self.store.search(live.record.collection, search)
        texts = " ".join(str(candidate.payload["text"]) for candidate in found)
        self.idf(live, live.sparse.encode_query(texts).indices)

    def problems(self) -> dict[str, str]:
        """Why indexes cannot be searched now, by name; empty when all is well."""
        problems = {}
        for name in self.catalog:
            try:
                self.store.count(self.live(name).record.collection)
            except (NotReadyError, IndexersError) as exc:
                problems[name] = str(exc)
        return problems

    def describe(self) -> list[dict[str, Any]]:
        """A row for each index, in the catalog's order."""
        return [self._describe(name, spec) for name, spec in self.catalog.items()]

    def close(self) -> None:
        """Close the store and the state, without waiting for searches that are late."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.store.close()
        self._state.close()

    def _describe(self, name: str, spec: IndexSpec) -> dict[str, Any]:
        collection = self.store.aliases().get(name)
        builds = {build.collection: build for build in self._state.builds()}
        record = builds.get(collection or "")
        documents, chunks = self._state.totals(record.collection) if record else (0, 0)
        return {
            "name": name,
            "content_type": spec.build.content_type.value,
            "filters": {field: kind.value for field, kind in spec.build.filters.items()},
            "build": record.fingerprint if record else None,
            "collection": collection,
            "current": is_current(spec, record),
            "documents": documents,
            "chunks": chunks,
            "indexed_at": record.finished_at if record else None,
        }

    def _load(self, name: str, collection: str) -> Live:
        records = [build for build in self._state.builds() if build.collection == collection]
        if not records:
            raise NotReadyError(f"nothing is known of how {collection!r} was built; index it anew")
        settings = json.loads(records[0].settings)
        return Live(
            name=name,
            content_type=settings["content_type"],
            record=records[0],
            embedder=self._embedder(name, settings["embedder"]),
            sparse=Bm25Encoder(**_fields(settings["sparse"])),
            spec=self.catalog[name].search,
            filters=settings["filters"],
        )

    def _embedder(self, name: str, settings: Mapping[str, Any]) -> Embedder:
        """The embedder that built the collection: the catalog may name another one by now."""
        wanted = self.catalog[name].build.embedder
        built: Embedder = EMBEDDERS[settings["kind"]](**settings["fields"])
        embedder = wanted if wanted == built else built  # One of the two is loaded, not both.
        if embedder.revision != settings["revision"]:
            raise NotReadyError(
                f"index {name!r} was embedded by {settings['kind']} of revision "
                f"{settings['revision']}, which is no longer there; index it anew"
            )
        return embedder


def _fields(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A component's fields as they were before they were written as JSON, which has no tuples."""
    fields = {name: value for name, value in settings.items() if name != "kind"}
    return {n: tuple(v) if isinstance(v, list) else v for n, v in fields.items()}
