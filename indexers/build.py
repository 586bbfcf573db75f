"""A re-index: plan, read, chunk, embed, store, verify, switch.

The live collection is changed in place where its fingerprint is still right; otherwise a new
collection is built beside it, and the index's alias is switched to it once it is verified.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice

from chunkers import Chunk, ChunkersError, Document, extract
from indexers.catalog import IndexBuild, IndexSpec
from indexers.collections import Target, choose_target, prune
from indexers.embedding_cache import CachingEmbedder
from indexers.errors import DocumentError
from indexers.gate import check_counts, check_listing, check_size
from indexers.plan import Failure, Plan, plan_reindex
from indexers.points import filter_values, indexed_text, indexed_units, make_points, schema
from indexers.sources import Entry
from indexers.state import PENDING, State, Stored
from indexers.store import VectorStore

BATCH_CHUNKS = 512
"""Chunks embedded and stored at once: enough to sort by length, little to lose in a crash."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a re-index is. `documents` of `total` are done; `chunks` were stored for them."""

    stage: str
    documents: int = 0
    total: int = 0
    chunks: int = 0


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to re-index.

    `full` builds a new collection from every document. `dry_run` only plans. `allow_shrink` lets
    an index lose more than half of its documents.
    """

    full: bool = False
    dry_run: bool = False
    allow_shrink: bool = False


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a re-index did; `chunks_stored` is the index's whole number of chunks afterwards."""

    index: str
    collection: str
    dry_run: bool
    switched: bool
    scanned: int
    new: int
    changed: int
    unchanged: int
    deleted: int
    kept: int
    failures: tuple[Failure, ...]
    skipped: tuple[Failure, ...]
    chunks_generated: int
    chunks_stored: int
    texts_embedded: int
    texts_reused: int
    seconds: float


@dataclass(kw_only=True)
class _Run:
    """One re-index at work, with its counters."""

    build: IndexBuild
    collection: str
    store: VectorStore
    state: State
    on_progress: OnProgress
    embedder: CachingEmbedder
    total: int
    rewritten: frozenset[str]
    documents: int = 0
    chunks: int = 0
    failures: list[Failure] = field(default_factory=list)


def reindex(
    spec: IndexSpec,
    store: VectorStore,
    state: State,
    options: Options = Options(),
    on_progress: OnProgress = lambda progress: None,
) -> Report:
    """Bring an index up to its source.

    A document that cannot be read is reported and does not stop the rest; what is stored of it
    from before stays. A run that is interrupted goes on where it was at the next call.

    Raises:
        SourceError: the source cannot be listed; nothing was touched.
        ShrinkError: the index would lose more than half of its documents; nothing was touched.
        IndexBusyError: another process re-indexes it; nothing was touched.
        VerificationError: what is stored is not what was generated, or is less than half of what
            it would replace; the alias was not switched.
        EmbedderError, StoreError: the model or the store failed; the next call goes on from there.
    """
    started = time.monotonic()
    with state.only_one(spec.name):
        on_progress(Progress(stage="listing"))
        target = choose_target(spec, store, state, full=options.full)
        plan = plan_reindex(spec.build.source.list({}), state.manifest(target.collection))
        if not options.allow_shrink:
            check_listing(spec.name, target, plan, state)
        run = _Run(
            build=spec.build,
            collection=target.collection,
            store=store,
            state=state,
            on_progress=on_progress,
            embedder=CachingEmbedder(embedder=spec.build.embedder, state=state),
            total=len(plan.new) + len(plan.changed),
            rewritten=frozenset(entry.id for entry in plan.changed),
        )
        if not options.dry_run:
            _write(run, spec, target, plan, options)
        return _report(run, spec, target, plan, options, time.monotonic() - started)


def _write(run: _Run, spec: IndexSpec, target: Target, plan: Plan, options: Options) -> None:
    run.state.save_build(target.record)
    run.store.create(run.collection, schema(run.build))
    for batch in _batches(run, [*plan.new, *plan.changed]):
        _store_batch(run, batch)
    # What a crash left half-written was written again by now, unless it has become unreadable.
    half_written = [
        id_
        for id_, stored in run.state.manifest(run.collection).items()
        if stored.revision == PENDING
    ]
    for document_id in (*plan.deleted, *half_written):
        run.store.delete_document(run.collection, document_id)
        run.state.forget_document(run.collection, document_id)
    run.build.embedder.release()  # The model's memory is what optimizing needs next.
    run.on_progress(_progress(run, "verifying"))
    check_counts(run.collection, run.store, run.state)
    if run.documents or plan.deleted:
        run.on_progress(_progress(run, "optimizing"))
        run.store.optimize(run.collection)
    if not target.live:
        if not options.allow_shrink:
            check_size(target, run.failures, run.state)
        run.on_progress(_progress(run, "switching"))
        run.store.switch(spec.name, run.collection)
    finished = datetime.now(UTC).isoformat(timespec="milliseconds")
    run.state.save_build(replace(target.record, finished_at=finished))
    prune(spec.name, target, run.store, run.state)


_Chunked = tuple[Document, list[Chunk]]


def _batches(run: _Run, entries: Sequence[Entry]) -> Iterator[list[_Chunked]]:
    batch: list[_Chunked] = []
    for entry in entries:
        try:
            batch.append(_chunked(run.build, entry, run.collection))
        except (DocumentError, ChunkersError) as exc:
            run.failures.append(Failure(where=entry.where, reason=str(exc)))
            run.documents += 1
        if sum(len(chunks) for _, chunks in batch) >= BATCH_CHUNKS:
            yield batch
            batch = []
    if batch:
        yield batch


def _chunked(build: IndexBuild, entry: Entry, collection: str) -> _Chunked:
    document = extract(entry.content or build.source.read(entry))
    filter_values(document, build.filters)  # Here its failure is the document's alone.
    count = build.embedder.count_tokens
    chunks = build.chunker.chunk(document, build=collection, count=count)
    if not chunks:
        raise DocumentError("holds no text to index")
    return document, chunks


def _store_batch(run: _Run, batch: Sequence[_Chunked]) -> None:
    texts = [indexed_text(chunk) for _, chunks in batch for chunk in chunks]
    units = [indexed_units(document, chunk) for document, chunks in batch for chunk in chunks]
    embedded = iter(run.embedder.embed(texts, units))
    points = []
    for document, chunks in batch:
        mine = list(islice(embedded, len(chunks)))
        points += make_points(document, chunks, mine, run.build.sparse, run.build.filters)
    # Marked before they are written: whatever a crash leaves of them is found and written again.
    pending = {document.id: Stored(PENDING, 0) for document, _ in batch}
    run.state.save_documents(run.collection, pending)
    for first in range(0, len(points), BATCH_CHUNKS):  # One document may have thousands.
        run.store.upsert(run.collection, points[first : first + BATCH_CHUNKS])
    for document, chunks in batch:
        if document.id in run.rewritten:
            run.store.delete_document(run.collection, document.id, keep=[c.id for c in chunks])
    stored = {document.id: Stored(document.revision, len(chunks)) for document, chunks in batch}
    run.state.save_documents(run.collection, stored)
    run.documents += len(batch)
    run.chunks += len(points)
    run.on_progress(_progress(run, "indexing"))


def _progress(run: _Run, stage: str) -> Progress:
    return Progress(stage=stage, documents=run.documents, total=run.total, chunks=run.chunks)


def _report(
    run: _Run, spec: IndexSpec, target: Target, plan: Plan, options: Options, seconds: float
) -> Report:
    stored = 0 if options.dry_run else run.store.count(run.collection)
    return Report(
        index=spec.name,
        collection=run.collection,
        dry_run=options.dry_run,
        switched=not options.dry_run and not target.live,
        scanned=plan.scanned,
        new=len(plan.new),
        changed=len(plan.changed),
        unchanged=plan.unchanged,
        deleted=len(plan.deleted),
        kept=plan.kept,
        failures=(*plan.failures, *run.failures),
        skipped=plan.skipped,
        chunks_generated=run.chunks,
        chunks_stored=stored,
        texts_embedded=run.embedder.embedded,
        texts_reused=run.embedder.reused,
        seconds=seconds,
    )
