"""The whole way of a query: route, embed, search, score, select."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from indexers.filters import Filters, FilterType, parse_condition
from indexers.search_spec import SearchSpec
from retrieval.engine import Engine, Live
from retrieval.errors import InvalidQueryError, NotRewrittenError
from retrieval.query import Degraded, Dropped, Hit, Query, Retrieved
from retrieval.rewriting import Rewriter
from retrieval.scoring import Scored
from retrieval.search import Way, find
from retrieval.selection import Cut, Limits, select

_REWRITING = 0.75
"""The share of a deadline that rewriting may take; the rest is for the search."""


async def retrieve(engine: Engine, query: Query, rewriter: Rewriter | None = None) -> Retrieved:
    """Answer a query, a follow-up question by what the rewriter makes of it.

    An index that fails or is late is left out and named in `degraded`, as long as another one
    answers. Where a follow-up could not be rewritten, that is named as well.

    Raises:
        InvalidQueryError: an unknown index, or a filter that an index does not declare.
        NotReadyError: none of the indexes can be searched.
        DeadlineExceededError: none answered in time.
    """
    way = Way(query)
    names = route(query, engine)
    filters = {name: _filters(engine, name, query) for name in names}
    if query.conversation:
        await _rewrite(way, rewriter)
    return await find(engine, names, filters, way, partial(_retrieved, way))


async def _rewrite(way: Way, rewriter: Rewriter | None) -> None:
    lap, query = time.perf_counter(), way.query
    try:
        if rewriter is None:
            raise NotRewrittenError("no use case of the gateway rewrites questions")
        text = await rewriter.rewrite(query, _REWRITING * way.left_s())
    except NotRewrittenError as exc:
        way.lap("rewrite", lap)
        reason = f"the question was searched as it was written: {exc}"
        way.degraded.append(Degraded(stage="rewrite", reason=reason))
        return
    way.lap("rewrite", lap)
    way.query, way.rewritten = replace(query, text=text), text


def _retrieved(way: Way, found: Sequence[Scored]) -> Retrieved:
    """The answer that is in what every index found."""
    lap, query = time.perf_counter(), way.query
    lives = [one.live for one in found]
    hits = [hit for one in found for hit in one.hits(_least(query, one.live.spec))]
    hits.sort(key=lambda hit: -hit.relevance)
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
        rewritten=way.rewritten,
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


def _least(query: Query, spec: SearchSpec) -> float:
    """The relevance below which a hit need not be made."""
    return 0.0 if query.explain else _threshold(query, spec)


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
