"""The whole way of a query: route, embed, search, score, select."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from indexers.errors import EmbedderError, IndexersError
from indexers.filters import Filters, FilterType, parse_condition
from indexers.search_spec import SearchSpec
from indexers.store.base import Vector
from retrieval.engine import Engine, Live
from retrieval.errors import DeadlineExceededError, InvalidQueryError, NotReadyError
from retrieval.query import Degraded, Dropped, Hit, Query, Retrieved
from retrieval.scoring import Asked, score
from retrieval.selection import Cut, Limits, select


@dataclass(slots=True)
class _Way:
    """What is known while a query is on its way."""

    query: Query
    started: float = field(default_factory=time.perf_counter)
    degraded: list[Degraded] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)

    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self.query.deadline_ms / 1000 - (time.perf_counter() - self.started)

    def lap(self, stage: str, since: float) -> float:
        """Note how long a stage took; the time now."""
        now = time.perf_counter()
        self.timings_ms[stage] = self.timings_ms.get(stage, 0.0) + (now - since) * 1000
        return now


async def retrieve(engine: Engine, query: Query, *, conversation: bool = False) -> Retrieved:
    """Answer a query.

    An index that fails or is late is left out and named in `degraded`, as long as another one
    answers. `conversation` says that the question came with earlier messages.

    Raises:
        InvalidQueryError: an unknown index, or a filter that an index does not declare.
        NotReadyError: none of the indexes can be searched.
        DeadlineExceededError: none answered in time.
    """
    way = _Way(query)
    names = route(query, engine)
    filters = {name: _filters(engine, name, query) for name in names}
    if conversation:
        reason = "no rewriter is configured; the question was searched as it was written"
        way.degraded.append(Degraded(stage="rewrite", reason=reason))
    found = await _found(engine, names, filters, way)
    lives = [live for live, _ in found]
    lap = time.perf_counter()
    hits = sorted((hit for _, some in found for hit in some), key=lambda hit: -hit.relevance)
    passages, dropped = select(hits, _limits(query, lives))
    way.lap("select", lap)
    way.lap("total", way.started)
    return Retrieved(
        answerable=bool(passages),
        reason=None if passages else _reason(hits, dropped, lives, query),
        passages=tuple(passages),
        dropped=tuple(dropped) if query.explain else (),
        degraded=tuple(way.degraded),
        builds={live.name: live.record.fingerprint for live in lives},
        timings_ms=way.timings_ms,
        ranked=tuple(hits),
    )


def route(query: Query, engine: Engine) -> list[str]:
    """The indexes to search: those asked for, or all.

    Raises:
        InvalidQueryError: one is not in the catalog.
    """
    unknown = [name for name in query.indexes if name not in engine.catalog]
    if unknown:
        raise InvalidQueryError(
            f"unknown index {unknown[0]!r}", field="indexes", valid=list(engine.catalog)
        )
    return list(query.indexes or engine.catalog)


def _filters(engine: Engine, name: str, query: Query) -> Filters:
    declared: Mapping[str, FilterType] = engine.catalog[name].build.filters
    conditions = {}
    for key, value in query.filters.items():
        if key not in declared:
            raise InvalidQueryError(
                f"index {name!r} declares no filter {key!r}",
                field=f"filters.{key}",
                valid=list(declared),
            )
        try:
            conditions[key] = parse_condition(declared[key], value)
        except ValueError as exc:
            raise InvalidQueryError(f"{key} {exc}", field=f"filters.{key}") from exc
    return conditions


def _lives(engine: Engine, names: Sequence[str], way: _Way) -> list[Live]:
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


_Found = list[tuple[Live, list[Hit]]]


async def _found(
    engine: Engine, names: Sequence[str], filters: Mapping[str, Filters], way: _Way
) -> _Found:
    """Embed the query, search every index."""

    def begin() -> tuple[list[_Search], _Found]:
        lives = _lives(engine, names, way)
        vectors = _embed(lives, way)
        searches = [
            _Search(engine, live, way.query, vectors[live.embedder.revision], filters[live.name])
            for live in lives
            if live.embedder.revision in vectors
        ]
        # One index is searched in the same thread: each change of threads costs time.
        return searches, _search_here(searches[0], way) if len(searches) == 1 else []

    try:
        begun = asyncio.get_running_loop().run_in_executor(engine.threads, begin)
        searches, found = await asyncio.wait_for(begun, way.left_s())
    except TimeoutError as exc:
        raise DeadlineExceededError(f"no answer within {way.query.deadline_ms} ms") from exc
    return found or await _search_at_once(engine, searches, way)


def _embed(lives: Sequence[Live], way: _Way) -> dict[str, Vector]:
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


@dataclass(frozen=True, slots=True)
class _Search:
    """The search of one index, ready to run."""

    engine: Engine
    live: Live
    query: Query
    vector: Vector
    filters: Filters

    def __call__(self) -> list[Hit]:
        live, engine = self.live, self.engine
        sparse = live.sparse.encode_query(self.query.text)
        search = live.spec.to_search(self.vector, sparse, self.filters)
        candidates = engine.store.search(live.record.collection, search)
        idf = engine.idf(live, sparse.indices)
        least = 0.0 if self.query.explain else _threshold(self.query, live.spec)
        return score(live, Asked(dense=self.vector, sparse=sparse, idf=idf), candidates, least)


def _search_here(search: _Search, way: _Way) -> _Found:
    lap = time.perf_counter()
    try:
        hits = search()
    except IndexersError as exc:
        raise NotReadyError("; ".join([*(d.reason for d in way.degraded), str(exc)])) from exc
    way.lap("search", lap)
    return [(search.live, hits)]


async def _search_at_once(engine: Engine, searches: Sequence[_Search], way: _Way) -> _Found:
    lap, loop = time.perf_counter(), asyncio.get_running_loop()
    answers = [loop.run_in_executor(engine.threads, search) for search in searches]
    await asyncio.wait(answers, timeout=max(way.left_s(), 0))
    found: _Found = []
    failed = False
    for search, answer in zip(searches, answers, strict=True):
        if not answer.done():
            answer.cancel()
            reason = f"no answer within {way.query.deadline_ms} ms"
        elif isinstance(answer.exception(), IndexersError):
            failed, reason = True, str(answer.exception())
        else:
            found.append((search.live, answer.result()))
            continue
        way.degraded.append(Degraded(stage=f"search:{search.live.name}", reason=reason))
    way.lap("search", lap)
    if not found:
        reasons = "; ".join(item.reason for item in way.degraded)
        raise NotReadyError(reasons) if failed else DeadlineExceededError(reasons)
    return found


def _limits(query: Query, lives: Sequence[Live]) -> Limits:
    return Limits(
        cuts={
            live.name: Cut(
                min_relevance=_threshold(query, live.spec),
                unit_share=live.spec.unit_share,
                near_duplicate=live.spec.near_duplicate,
                max_hits=live.spec.max_hits,
            )
            for live in lives
        },
        max_passages=query.max_passages,
        max_tokens=query.max_tokens,
    )


def _threshold(query: Query, spec: SearchSpec) -> float:
    return spec.min_relevance if query.min_relevance is None else query.min_relevance


def _reason(
    hits: Sequence[Hit], dropped: Sequence[Dropped], lives: Sequence[Live], query: Query
) -> str:
    if not hits:
        return "nothing was found: no document passes the filters, or the indexes are empty"
    best = hits[0]
    threshold = _limits(query, lives).cuts[best.index].min_relevance
    if best.relevance < threshold:
        return (
            f"nothing here answers this: the best hit has relevance {best.relevance:.2f}, below "
            f"the threshold {threshold:g}"
        )
    return f"the best hit was dropped: {dropped[0].reason}"
