"""Passages itself, as a suite runs it: the real builds and the real query path."""

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.datasets import Dataset, Question
from benchmarks.errors import BuildError, SuiteError
from benchmarks.records import RankedDocument, ReturnedPassage
from benchmarks.run import Answered, OnProgress
from benchmarks.suite import BuildSpec, SearchSpec
from chunkers.document import Content, ContentType
from indexers.build import Progress, reindex
from indexers.catalog import IndexBuild, IndexSpec, parse_build
from indexers.errors import IndexersError
from indexers.located import Located, LocatedError
from indexers.search_spec import DEFAULTS, parse_search
from indexers.settings import Settings, open_store, state_path
from indexers.sources import Entry
from indexers.state import State
from indexers.store import VectorStore
from retrieval.engine import Engine
from retrieval.pipeline import retrieve
from retrieval.query import Query, Retrieved

_LIMITS = frozenset({"max_passages", "max_tokens"})
"""Keys of a suite's search that belong to the query, not to the index's SearchSpec."""

_PATIENT_MS = 60_000


@contextmanager
def open_engine(data_dir: Path) -> Iterator["PassagesEngine"]:
    """The engine that keeps its indexes and embeddings in a folder, for the next run too."""
    settings = Settings(data_dir=data_dir)
    store, state = open_store(settings), State(state_path(settings))
    runner = asyncio.Runner()
    try:
        yield PassagesEngine(store, state, runner)
    finally:
        runner.close()
        store.close()
        state.close()


@dataclass(frozen=True, kw_only=True)
class DatasetSource:
    """The documents of one content type of a data set, as a source of an index."""

    name: str
    content_type: ContentType
    documents: Iterable[Content] = field(compare=False, repr=False)

    def list(self) -> Iterator[Entry]:
        """See `Source.list`."""
        return (
            Entry(id=id_, revision=content.revision, where=id_)
            for id_, content in self._contents.items()
        )

    def read(self, entry: Entry) -> Content:
        """See `Source.read`."""
        return self._contents[entry.id]

    @cached_property
    def _contents(self) -> dict[str, Content]:
        mine = (c for c in self.documents if c.content_type is self.content_type)
        return {content.id: content for content in mine}


class PassagesEngine:
    """See `benchmarks.run.Engine`. An index is made for each content type of a data set."""

    def __init__(self, store: VectorStore, state: State, runner: asyncio.Runner) -> None:
        self._store = store
        self._state = state
        self._runner = runner
        self._specs: dict[tuple[str, str], dict[str, IndexSpec]] = {}
        self._engines: dict[tuple[str, str, str], tuple[Engine, Query]] = {}

    def build(self, dataset: Dataset, build: BuildSpec, on_progress: OnProgress) -> None:
        """Index the documents, or what of them is not indexed yet.

        Raises:
            SuiteError: the suite's build is not valid.
            BuildError: the data set has no documents, one of them cannot be indexed, or the build
                failed.
        """
        try:
            specs = _specs(dataset, build)
            if not specs:
                raise BuildError(
                    f"{dataset.name} has no documents to index: its questions can calibrate "
                    "relevance, not be run by themselves"
                )
            for spec in specs.values():
                report = reindex(spec, self._store, self._state, on_progress=_told(on_progress))
                if report.failures:
                    first = report.failures[0]
                    raise BuildError(
                        f"{spec.name}: {len(report.failures)} documents failed, the first one "
                        f"{first.where}: {first.reason}"
                    )
        except IndexersError as exc:
            raise BuildError(f"{dataset.name}, build {build.name!r}: {exc}") from exc
        self._specs[dataset.name, build.name] = specs

    def search(
        self, dataset: Dataset, build: BuildSpec, search: SearchSpec, question: Question
    ) -> Answered:
        """Answer a question.

        Raises:
            SuiteError: the suite's search is not valid.
        """
        engine, limits = self.opened(dataset, build, search)
        query = replace(limits, text=question.text)
        return _answered(self._runner.run(retrieve(engine, query)))

    def opened(
        self, dataset: Dataset, build: BuildSpec, search: SearchSpec
    ) -> tuple[Engine, Query]:
        """What answers the questions about a data set that was built: its engine, whose catalog
        has an index for each content type, and the search's limits as a query without a text.

        Raises:
            SuiteError: the suite's search is not valid.
        """
        key = (dataset.name, build.name, search.name)
        if key not in self._engines:
            self._engines[key] = self._engine(self._specs[key[:2]], search)
        return self._engines[key]

    def _engine(self, specs: dict[str, IndexSpec], search: SearchSpec) -> tuple[Engine, Query]:
        where, limits = _split(search.where)
        try:
            catalog = {
                name: replace(spec, search=parse_search(spec.build.content_type, where))
                for name, spec in specs.items()
            }
        except LocatedError as exc:
            raise SuiteError(str(exc)) from exc
        engine = Engine(catalog, self._store, self._state)
        engine.warm()
        return engine, limits


def _specs(dataset: Dataset, build: BuildSpec) -> dict[str, IndexSpec]:
    types = dict.fromkeys(content.content_type for content in dataset.documents)
    specs = {}
    for content_type in types:
        name = _index_name(f"{dataset.name}-{build.name}-{content_type.value}")
        source = DatasetSource(
            name=dataset.name, content_type=content_type, documents=dataset.documents
        )
        try:
            components = parse_build(content_type, build.where)
        except LocatedError as exc:
            raise SuiteError(str(exc)) from exc
        specs[name] = IndexSpec(
            name=name,
            build=IndexBuild(content_type=content_type, source=source, filters={}, **components),
            search=DEFAULTS[content_type],
        )
    return specs


def _index_name(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())


def _split(where: Located) -> tuple[Located, Query]:
    """A suite's search, apart from its keys for the query, which become a query without text that
    asks for all hits."""
    rest = Located(where.file, where.line)
    limits: dict[str, Any] = {}
    for key, value in where.items():
        if key not in _LIMITS:
            rest[key] = value
            rest.lines[key] = where.lines[key]
        elif isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SuiteError(str(where.error(f"'{key}' must be a whole number above 0", key)))
        else:
            limits[key] = value
    return rest, Query(text="", deadline_ms=_PATIENT_MS, explain=True, **limits)


def _told(on_progress: OnProgress) -> Callable[[Progress], None]:
    return lambda at: on_progress(at.stage, at.documents, at.total or None)


def _answered(retrieved: Retrieved) -> Answered:
    return Answered(
        ranked=[
            RankedDocument(document_id=hit.document.id, score=hit.relevance)
            for hit in retrieved.ranked
        ],
        passages=[
            ReturnedPassage(
                document_id=passage.document.id,
                start=passage.span.start,
                end=passage.span.end,
                tokens=passage.tokens,
                relevance=passage.relevance,
                text=passage.text,
            )
            for passage in retrieved.passages
        ],
        answered=retrieved.answerable,
        relevance=max((hit.relevance for hit in retrieved.ranked), default=0.0),
        reason=retrieved.reason,
        timings_ms=retrieved.timings_ms,
    )
