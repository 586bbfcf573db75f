"""Passages itself, as a suite runs it: the real builds and the real query path."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.datasets import Dataset, Question
from benchmarks.errors import BenchmarksError, BuildError, SearchError
from benchmarks.indexes import index_specs, searched
from benchmarks.records import RankedDocument, ReturnedPassage
from benchmarks.run import Found, OnProgress
from benchmarks.suite import BuildSpec, SearchSpec
from indexers.build import Progress, reindex
from indexers.catalog import IndexSpec
from indexers.errors import IndexersError, StoreInUseError
from indexers.fingerprint import canonical, fingerprint
from indexers.settings import Settings, open_store, state_path
from indexers.state import State
from indexers.store import VectorStore
from retrieval.answering import Question as AnswererQuestion
from retrieval.engine import Engine
from retrieval.errors import RetrievalError
from retrieval.pipeline import retrieve
from retrieval.query import Query, Retrieved


@contextmanager
def open_engine(data_dir: Path) -> Iterator["PassagesEngine"]:
    """The engine that keeps its indexes and embeddings in a folder, for the next run too.

    Raises:
        BenchmarksError: the folder cannot be used, or another process does.
    """
    with ExitStack() as stack:
        store, state = _opened(data_dir, stack)
        yield PassagesEngine(store, state, stack.enter_context(asyncio.Runner()))


def _opened(data_dir: Path, stack: ExitStack) -> tuple[VectorStore, State]:
    settings = Settings(data_dir=data_dir)
    try:
        store = open_store(settings)
        stack.callback(store.close)
        state = State(state_path(settings))
        stack.callback(state.close)
    except StoreInUseError as exc:
        # The store's own advice, a Qdrant server, is not for a benchmark.
        raise BenchmarksError(
            f"another process is using the indexes in {data_dir}; wait until it has ended, or "
            "choose another folder with --data-dir"
        ) from exc
    except IndexersError as exc:
        raise BenchmarksError(f"{data_dir} cannot hold indexes: {exc}") from exc
    return store, state


class PassagesEngine:
    """See `benchmarks.run.Engine`. An index is made for each content type of a data set."""

    def __init__(self, store: VectorStore, state: State, runner: asyncio.Runner) -> None:
        self._store = store
        self._state = state
        self._runner = runner
        self._specs: dict[tuple[str, str], dict[str, IndexSpec]] = {}
        self._engines: dict[tuple[str, str, str], tuple[Engine, Query]] = {}

    def check(
        self, dataset: Dataset, build: BuildSpec, searches: Sequence[SearchSpec]
    ) -> Mapping[str, str]:
        """Check all that a suite says of a build, for the data set's content types. The
        fingerprints of the indexes, by their names.

        Raises:
            SuiteError: the build, or one of its searches, is not valid.
            DatasetError: a document cannot be read.
            BuildError: there is no such model.
        """
        specs = self._planned(dataset, build)
        for search in searches:
            searched(specs, search)
        with _building(dataset, build):
            return {name: fingerprint(canonical(spec.build)) for name, spec in specs.items()}

    def build(self, dataset: Dataset, build: BuildSpec, on_progress: OnProgress) -> None:
        """Index the documents, or what of them is not indexed yet.

        Raises:
            SuiteError: the suite's build is not valid.
            BuildError: the data set has no documents, one of them cannot be indexed, or the build
                failed.
        """
        specs = self._planned(dataset, build)
        with _building(dataset, build):
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

    def search(
        self, dataset: Dataset, build: BuildSpec, search: SearchSpec, question: Question
    ) -> Found:
        """Look for what answers a question.

        Raises:
            SuiteError: the suite's search is not valid.
            SearchError: an index of the data set did not answer; what the others say of the
                question is not what the suite measures.
        """
        engine, limits = self.opened(dataset, build, search)
        where = f"{dataset.name}, {build.name}/{search.name}, question {question.id!r}"
        with searching(where):
            # Not the runner's own `run`: that asks the task to end at Ctrl-C, which goes unheard
            # where it ends by itself first, as most searches do.
            loop = self._runner.get_loop()
            query = replace(limits, text=question.text)
            retrieved = loop.run_until_complete(retrieve(engine, query))
            # One build has one embedder for all content types.
            embedder = engine.live(next(iter(engine.catalog))).embedder
        if retrieved.degraded:
            missing = "; ".join(f"{item.stage}: {item.reason}" for item in retrieved.degraded)
            raise SearchError(f"{where}: answered in part only: {missing}")
        asked = AnswererQuestion(text=question.text, passages=retrieved.passages, embedder=embedder)
        return _found(retrieved, asked)

    def opened(
        self, dataset: Dataset, build: BuildSpec, search: SearchSpec
    ) -> tuple[Engine, Query]:
        """What searches a data set that was built: its engine, whose catalog has an index for each
        content type, and the search's limits as a query without a text.

        Raises:
            SuiteError: the suite's search is not valid.
        """
        key = (dataset.name, build.name, search.name)
        if key not in self._engines:
            catalog, limits = searched(self._specs[key[:2]], search)
            engine = Engine(catalog, self._store, self._state)
            engine.warm()
            self._engines[key] = engine, limits
        return self._engines[key]

    def _planned(self, dataset: Dataset, build: BuildSpec) -> dict[str, IndexSpec]:
        key = (dataset.name, build.name)
        if key not in self._specs:
            self._specs[key] = index_specs(dataset, build)
        return self._specs[key]


@contextmanager
def _building(dataset: Dataset, build: BuildSpec) -> Iterator[None]:
    try:
        yield
    except IndexersError as exc:
        raise BuildError(f"{dataset.name}, build {build.name!r}: {exc}") from exc


@contextmanager
def searching(where: str) -> Iterator[None]:
    """Around what searches an index.

    Raises:
        SearchError: it cannot be searched, or not in time; the message begins with `where`.
    """
    try:
        yield
    except (IndexersError, RetrievalError) as exc:
        raise SearchError(f"{where}: {exc}") from exc


def _told(on_progress: OnProgress) -> Callable[[Progress], None]:
    return lambda at: on_progress(at.stage, at.documents, at.total or None)


def _found(retrieved: Retrieved, asked: AnswererQuestion) -> Found:
    return Found(
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
        asked=asked,
    )
