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

_USUAL_CROWD = 0.15
"""The mean fused score of the crowd over the questions of the development sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query as an index's models see it; `idf` has the inverse document frequency of each of
    its terms in the index."""

    dense: Vector
    sparse: SparseVector
    idf: Mapping[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """An index's candidates with a score of each in every array.

    `unit_shares` has each unit's score as a share of the best one's, candidate after candidate:
    those of candidate i from `bounds[i]` up to `bounds[i + 1]`. `terms` counts the query's that
    matter.
    """

    live: Live
    candidates: Sequence[Candidate]
    terms: int
    share: Scores
    unit: Scores
    fused: Scores
    unit_shares: Scores
    bounds: npt.NDArray[np.int64]

    @property
    def evidence(self) -> Evidence:
        """What the candidates say of the query as a whole."""
        behind = np.sort(self.fused)[::-1][_BEST:]
        # A small index has no crowd of its own, or hardly one: it is taken for a usual one then.
        crowd = (behind.sum() + _BEST * _USUAL_CROWD) / (len(behind) + _BEST)
        return Evidence(crowd=float(crowd), terms=self.terms)

    def hits(self, least: float = 0.0) -> list[Hit]:
        """Hits for the best candidates, as many as each vector finds; best first.

        Of those whose relevance is below `least`, only the best one of all is made: making the
        others takes as long as scoring them.
        """
        evidence, fused = self.evidence, self.fused.tolist()
        candidates, spec = self.candidates, self.live.spec
        order = sorted(range(len(candidates)), key=lambda i: (-fused[i], candidates[i].id))
        found: list[Hit] = []
        for i in order[: spec.candidates]:
            relevance = spec.relevance(fused[i], evidence)
            if not found or relevance >= least:
                found.append(self._hit(i, relevance))
        return found

    def _hit(self, i: int, relevance: float) -> Hit:
        found = self.candidates[i]
        payload: Mapping[str, Any] = found.payload
        scores = {
            **found.scores,
            "unit": float(self.unit[i]),
            "share": float(self.share[i]),
            "fused": float(self.fused[i]),
        }
        shares = self.unit_shares[self.bounds[i] : self.bounds[i + 1]]
        return Hit(
            id=found.id,
            index=self.live.name,
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


def score(live: Live, asked: Asked, candidates: Sequence[Candidate]) -> Scored:
    """Score an index's candidates by the query."""
    dense, sparse = _column(candidates, DENSE), _column(candidates, SPARSE)
    share = sparse / attainable(live, asked)
    units, owners = _unit_cosines(candidates, asked.dense)
    best_units = np.zeros(len(candidates))
    np.maximum.at(best_units, owners, units)
    by_unit = fuse(_for_units(live.spec.fusion), dense[owners], units, share[owners])
    best_unit = float(by_unit.max(initial=0.0))
    return Scored(
        live=live,
        candidates=candidates,
        # A share is the harder to attain, the more terms there are, up to those that count.
        terms=min(len(asked.sparse.indices), _RAREST),
        share=share,
        unit=best_units,
        fused=fuse(live.spec.fusion, dense, best_units, share),
        # Where not even the best one scores, none is worse than another.
        unit_shares=by_unit / best_unit if best_unit > 0 else np.ones(len(by_unit)),
        bounds=np.searchsorted(owners, np.arange(len(candidates) + 1)),
    )


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
