"""From what the store found to hits with comparable scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from indexers.bm25 import SparseVector
from indexers.relevance import Evidence
from indexers.search_spec import Convex, Rrf
from indexers.store import DENSE, SPARSE, Candidate
from indexers.store.base import Vector
from indexers.units import cosines, from_payloads
from retrieval.engine import Live
from retrieval.query import DocumentInfo, Hit, Span, Units

Scores = npt.NDArray[np.float64]

_RAREST = 12
"""Query terms that count for the attainable BM25: a long question has many that no answer has."""

_BEST = 10
"""Hits that do not belong to the crowd that a good hit stands out from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query as an index's models see it; `idf` has the inverse document frequency of each of
    its terms in the index."""

    dense: Vector
    sparse: SparseVector
    idf: Mapping[int, float]


def score(
    live: Live, asked: Asked, candidates: Sequence[Candidate], least: float = 0.0
) -> list[Hit]:
    """Hits for the best of an index's candidates, as many as each vector finds; best first.

    Of those whose relevance is below `least`, only the best one of all is made: making the others
    takes as long as scoring them.
    """
    if not candidates:
        return []
    dense, sparse = _column(candidates, DENSE), _column(candidates, SPARSE)
    share = sparse / attainable(live, asked)
    units, owners = _unit_cosines(candidates, asked.dense)
    best_units = np.zeros(len(candidates))
    np.maximum.at(best_units, owners, units)
    fused = fuse(live.spec.fusion, dense, best_units, share)
    by_unit = fuse(_for_units(live.spec.fusion), dense[owners], units, share[owners])
    best_unit = float(by_unit.max(initial=0.0))
    # Where not even the best one scores, none is worse than another.
    unit_shares = by_unit / best_unit if best_unit > 0 else np.ones(len(by_unit))
    bounds = np.searchsorted(owners, np.arange(len(candidates) + 1))
    evidence = evidence_of(asked, candidates)
    hits: list[Hit] = []
    order = sorted(range(len(candidates)), key=lambda i: (-fused[i], candidates[i].id))
    for i in order[: live.spec.candidates]:
        relevance = live.spec.relevance(float(fused[i]), evidence)
        if hits and relevance < least:
            continue
        scores = {
            **candidates[i].scores,
            "unit": float(best_units[i]),
            "share": float(share[i]),
            "fused": float(fused[i]),
        }
        mine = unit_shares[bounds[i] : bounds[i + 1]]
        hits.append(_hit(live, candidates[i], mine, scores, relevance))
    return hits


def fuse(fusion: Convex | Rrf, dense: Scores, unit: Scores, share: Scores) -> Scores:
    """One score for each hit, from arrays of its scores; higher is better."""
    if isinstance(fusion, Rrf):
        return (_reciprocal(dense, fusion.k) + _reciprocal(share, fusion.k)) * (fusion.k + 1) / 2
    total = fusion.dense + fusion.unit + fusion.sparse
    return (fusion.dense * dense + fusion.unit * unit + fusion.sparse * share) / total


def attainable(live: Live, asked: Asked) -> float:
    """The BM25 that a text with many of each of the query's rarest terms would come close to.

    Unlike the best score that was found, it says how much of the query a hit covers.
    """
    rarest = sorted((asked.idf[term] for term in asked.sparse.indices), reverse=True)[:_RAREST]
    return max((live.sparse.k + 1) * sum(rarest), 1e-9)


def evidence_of(asked: Asked, candidates: Sequence[Candidate]) -> Evidence:
    """What a query's candidates in an index say of it as a whole; there is one at least."""
    descending = np.sort(_column(candidates, DENSE))[::-1]
    # Where there are few, the best ones count too: they are most of what there is.
    crowd = descending[_BEST:] if len(descending) >= 2 * _BEST else descending
    return Evidence(crowd=float(crowd.mean()), terms=len(asked.sparse.indices))


def _for_units(fusion: Convex | Rrf) -> Convex:
    """Ranks and whole-chunk weights say nothing of a chunk's units: the default then does."""
    return fusion if isinstance(fusion, Convex) and fusion.unit else Convex()


def _reciprocal(scores: Scores, k: int) -> Scores:
    # Equal scores share a rank, so that nothing depends on the order of the candidates.
    ranks = 1 + np.searchsorted(np.sort(-scores), -scores, side="left")
    return np.where(scores > 0, 1.0 / (k + ranks), 0.0)


def _column(candidates: Sequence[Candidate], name: str) -> Scores:
    return np.array([candidate.scores.get(name, 0.0) for candidate in candidates])


def _unit_cosines(
    candidates: Sequence[Candidate], query: Vector
) -> tuple[Scores, npt.NDArray[np.int64]]:
    """The cosine of every unit of every candidate, and the candidate that each belongs to."""
    rows, owners = from_payloads([c.payload["unit_vectors"] for c in candidates], len(query))
    return cosines(rows, query).astype(np.float64), owners


def _hit(
    live: Live, found: Candidate, shares: Scores, scores: Mapping[str, float], relevance: float
) -> Hit:
    payload: Mapping[str, Any] = found.payload
    return Hit(
        id=found.id,
        index=live.name,
        content_type=payload["content_type"],
        document=DocumentInfo(id=payload["document_id"], **payload["document"]),
        revision=payload["revision"],
        ordinal=payload["ordinal"],
        span=Span(start=payload["start"], end=payload["end"]),
        text=payload["text"],
        gap=payload["gap"],
        tokens=payload["tokens"],
        page=payload["page"],
        heading_path=tuple(payload["heading_path"]),
        units=Units(payload["units"], shares.tolist()),
        scores=scores,
        relevance=relevance,
    )
