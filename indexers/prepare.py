"""From tasks to points: read or take what is kept, extract, chunk, embed."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from chunkers import Chunk, ChunkersError, Document, extract
from chunkers.document import Content
from indexers.catalog import IndexBuild
from indexers.embedding_cache import CachingEmbedder
from indexers.errors import DocumentError
from indexers.jobs.documents import Outcome, Task
from indexers.points import filter_values, indexed_text, indexed_units, make_points
from indexers.state import State
from indexers.store.base import Point

BATCH_CHUNKS = 512
"""Chunks embedded and stored at once: enough to sort by length, little to lose in a crash."""

_SLICE = 64  # Points stored at once: what shares an interpreter with searches takes short turns.
_BEAT_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Tasks of one job, for a collection of its index that is built in a certain way."""

    job_id: str
    index: str
    build: IndexBuild
    collection: str
    tasks: Sequence[Task]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A document whose points are made; `number` is its task's."""

    number: int
    document_id: str
    revision: str
    chunk_ids: tuple[str, ...]
    embedded: int
    reused: int


@dataclass(kw_only=True)
class Group:
    """Some tasks, prepared or failed, with the points of all of them in slices to store at once;
    none where the job was told to stop meanwhile."""

    prepared: list[Prepared] = field(default_factory=list)
    failed: list[Outcome] = field(default_factory=list)
    slices: Iterable[Sequence[Point]] = ()

    @property
    def numbers(self) -> set[int]:
        """The tasks that it deals with."""
        return {one.number for one in self.prepared} | {one.number for one in self.failed}


Preparer = Callable[[Assignment], Group]
"""Prepares the first tasks of an assignment, as many as make BATCH_CHUNKS chunks."""


def prepare(
    assignment: Assignment,
    state: State,
    on_read: Callable[[int | None], None] = lambda number: None,
) -> Group:
    """See `Preparer`; a sign of life goes to the job with every document, and `on_read` is told
    which task is being read, None when none is.

    Raises:
        EmbedderError: the model cannot be loaded or run.
    """
    group, chunked = Group(), []
    reader = _Reader(assignment, state)
    chunks, beaten = 0, time.monotonic()
    for task in assignment.tasks:
        if time.monotonic() - beaten > _BEAT_EVERY_S:
            beaten = time.monotonic()
            if not state.jobs.beat(assignment.job_id):
                on_read(None)
                return Group()
        on_read(task.number)
        try:
            document = reader.document(task)
            chunked.append((task.number, document, cut(assignment, document)))
            chunks += len(chunked[-1][2])
        except (DocumentError, ChunkersError) as exc:
            group.failed.append(Outcome(number=task.number, state="failed", reason=str(exc)))
        if chunks >= BATCH_CHUNKS:
            break
    on_read(None)
    state.kept.save(assignment.index, reader.fresh)
    group.prepared, points = embed(assignment.build, chunked, state)
    group.slices = [points[start : start + _SLICE] for start in range(0, len(points), _SLICE)]
    return group


def cut(assignment: Assignment, document: Document) -> list[Chunk]:
    """The chunks of a document as its build cuts it.

    Raises:
        DocumentError: nothing is left of it, or it cannot be filtered by.
    """
    build = assignment.build
    filter_values(document, build.filters)  # Here its failure is the document's alone.
    count = build.embedder.count_tokens
    chunks = build.chunker.chunk(document, build=assignment.collection, count=count)
    if not chunks:
        raise DocumentError("holds no text to index")
    return chunks


def embed(
    build: IndexBuild, chunked: Sequence[tuple[int, Document, list[Chunk]]], state: State
) -> tuple[list[Prepared], list[Point]]:
    """The documents with what became of them, and the points of all their chunks.

    Raises:
        EmbedderError: the model cannot be loaded or run.
    """
    texts = [indexed_text(chunk) for _, _, chunks in chunked for chunk in chunks]
    units = [indexed_units(document, chunk) for _, document, chunks in chunked for chunk in chunks]
    embedded = iter(CachingEmbedder(embedder=build.embedder, state=state).embed(texts, units))
    prepared, points = [], []
    for number, document, chunks in chunked:
        mine = list(islice(embedded, len(chunks)))
        points += make_points(document, chunks, mine, build.sparse, build.filters)
        fresh = sum(one.fresh for one in mine)
        prepared.append(
            Prepared(
                number=number,
                document_id=document.id,
                revision=document.revision,
                chunk_ids=tuple(chunk.id for chunk in chunks),
                embedded=fresh,
                reused=len(mine) - fresh,
            )
        )
    return prepared, points


class _Reader:
    """Documents by the shortest way: kept from before, brought by the listing, or the source."""

    def __init__(self, assignment: Assignment, state: State) -> None:
        self._assignment = assignment
        self._state = state
        self._ahead: dict[str, Document] = {}
        self._brought: dict[str, Content] = {}
        self._looked: set[int] = set()
        self.fresh: list[Document] = []

    def document(self, task: Task) -> Document:
        if task.number not in self._looked:
            self._look_ahead(task)
        kept = self._ahead.pop(task.document_id, None)
        if kept is not None:
            return kept
        content = self._brought.pop(task.document_id, None)
        document = extract(content or self._assignment.build.source.read(task.entry))
        # The listing's revision is what the next one is compared with.
        document = replace(document, revision=task.revision)
        self.fresh.append(document)
        return document

    def _look_ahead(self, task: Task) -> None:
        tasks = self._assignment.tasks
        first = next(place for place, one in enumerate(tasks) if one.number == task.number)
        some = tasks[first : first + _LOOK_AHEAD]
        self._looked = {one.number for one in some}
        wanted = {one.document_id: one.revision for one in some}
        index, kind = self._assignment.index, self._assignment.build.content_type
        self._ahead = self._state.kept.get(index, kind, wanted)
        missing = [id_ for id_ in wanted if id_ not in self._ahead]
        self._brought = self._state.jobs.documents.contents(self._assignment.job_id, missing)


_LOOK_AHEAD = 32  # Documents asked of the database at once, and held in memory.
