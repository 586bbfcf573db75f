"""Every index of a query searched within its deadline, by whatever of them can answer."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from indexers.errors import EmbedderError, IndexersError
from indexers.filters import Filters, FilterType
from indexers.store.base import Vector
from retrieval.engine import Engine, Live
from retrieval.errors import DeadlineExceededError, NotReadyError
from retrieval.query import Degraded, Query, Retrieved
from retrieval.scoring import Asked, Scored, score


@dataclass(slots=True)
class Way:
    """What is known while a query is on its way."""

    query: Query
    started: float = field(default_factory=time.perf_counter)
    degraded: list[Degraded] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)
    rewritten: str | None = None

    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self.query.deadline_ms / 1000 - (time.perf_counter() - self.started)

    def lap(self, stage: str, since: float) -> float:
        """Note how long a stage took; the time now."""
        now = time.perf_counter()
        self.timings_ms[stage] = self.timings_ms.get(stage, 0.0) + (now - since) * 1000
        return now


async def find(
    engine: Engine,
    names: Sequence[str],
    filters: Mapping[str, Filters],
    way: Way,
    finish: Callable[[Sequence[Scored]], Retrieved],
) -> Retrieved:
    """Embed the query, search every index, score what it finds, and `finish` with all of that.

    An index that fails or is late is left out and named in `way.degraded`, as long as another one
    answers.

    Raises:
        NotReadyError: none of the indexes can be searched.
        DeadlineExceededError: none answered in time.
    """

    def begin() -> list[_Search] | Retrieved:
        lives = _lives(engine, names, way)
        vectors = _embed(lives, way)
        searches = [
            _Search(
                live.name,
                partial(
                    search_index,
                    engine,
                    live,
                    way.query.text,
                    vectors[live.embedder.revision],
                    filters[live.name],
                ),
            )
            for live in lives
            if live.embedder.revision in vectors
        ]
        # One index is all done in this thread: each change to another one, whose core has nothing
        # of it in its cache, costs time.
        return finish(_search_here(searches[0], way)) if len(searches) == 1 else searches

    try:
        begun = asyncio.get_running_loop().run_in_executor(engine.threads, begin)
        searches = await asyncio.wait_for(begun, way.left_s())
    except TimeoutError as exc:
        raise DeadlineExceededError(f"no answer within {way.query.deadline_ms} ms") from exc
    if isinstance(searches, Retrieved):
        return searches
    return finish(await _search_at_once(engine, searches, way))


def _embed(lives: Sequence[Live], way: Way) -> dict[str, Vector]:
    """The query's vector by each model's revision, every model asked once."""
    lap = time.perf_counter()
    embedders = {live.embedder.revision: live.embedder for live in lives}
    vectors = {}
    for revision, embedder in embedders.items():
        try:
            vectors[revision] = embedder.embed([way.query.text], kind="query")[0]
        except EmbedderError as exc:
            without = [live.name for live in lives if live.embedder.revision == revision]
            way.degraded += [Degraded(stage=f"search:{name}", reason=str(exc)) for name in without]
    if not vectors:
        raise NotReadyError("; ".join(item.reason for item in way.degraded))
    way.lap("embed", lap)
    return vectors


def search_index(engine: Engine, live: Live, text: str, vector: Vector, filters: Filters) -> Scored:
    """Search one index for a question whose vector is known, and score what it finds.

    Raises:
        StoreError: the store does not answer.
    """
    sparse = live.sparse.encode_query(text)
    search = live.spec.to_search(vector, sparse, filters)
    candidates = engine.store.search(live.record.collection, search)
    idf = engine.idf(live, sparse.indices)
    return score(live, Asked(dense=vector, sparse=sparse, idf=idf), candidates)


@dataclass(frozen=True, slots=True)
class _Search:
    """The search of one index, ready to run."""

    name: str
    run: Callable[[], Scored]


def _search_here(search: _Search, way: Way) -> list[Scored]:
    lap = time.perf_counter()
    try:
        found = search.run()
    except IndexersError as exc:
        raise NotReadyError("; ".join([*(d.reason for d in way.degraded), str(exc)])) from exc
    way.lap("search", lap)
    return [found]


async def _search_at_once(engine: Engine, searches: Sequence[_Search], way: Way) -> list[Scored]:
    lap, loop = time.perf_counter(), asyncio.get_running_loop()
    answers = [loop.run_in_executor(engine.threads, search.run) for search in searches]
    await asyncio.wait(answers, timeout=max(way.left_s(), 0))
    found: list[Scored] = []
    failed = False
    for search, answer in zip(searches, answers, strict=True):
        if not answer.done():
            answer.cancel()
            reason = f"no answer within {way.query.deadline_ms} ms"
        elif isinstance(answer.exception(), IndexersError):
            failed, reason = True, str(answer.exception())
        else:
            found.append(answer.result())
            continue
        way.degraded.append(Degraded(stage=f"search:{search.name}", reason=reason))
    way.lap("search", lap)
    if not found:
        reasons = "; ".join(item.reason for item in way.degraded)
        raise NotReadyError(reasons) if failed else DeadlineExceededError(reasons)
    return found


def _lives(engine: Engine, names: Sequence[str], way: Way) -> list[Live]:
    lives = []
    for name in names:
        try:
            live = engine.live(name)
            _check_indexed(live, way.query, engine.catalog[name].build.filters)
            lives.append(live)
        except (NotReadyError, IndexersError) as exc:
            way.degraded.append(Degraded(stage=f"search:{name}", reason=str(exc)))
    if not lives:
        raise NotReadyError("; ".join(item.reason for item in way.degraded))
    return lives


def _check_indexed(live: Live, query: Query, declared: Mapping[str, FilterType]) -> None:
    """Check that the live build stored what the query's filters look at."""
    for key in query.filters:
        if live.filters.get(key) != declared[key]:
            raise NotReadyError(
                f"index {live.name!r} was built before the catalog declared the filter {key!r} as "
                f"{declared[key]}; run 'python -m indexers reindex {live.name}'"
            )
