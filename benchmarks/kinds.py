"""What is behind the name of a measure: those of rankings and passages are here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks import scores
from benchmarks.records import Record


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A score of one question, and of which questions it can be taken.

    `cut` says whether `@k` is forbidden, optional or required. `best` is the highest score there
    is, None where a score is an amount. What `leads` stands in front of the others in tables.
    """

    score: Callable[[Record, int | None], float]
    applies: Callable[[Record], bool]
    cut: str = "forbidden"
    lower_is_better: bool = False
    decimals: int = 3
    best: float | None = 1.0
    leads: bool = False


def _judged(record: Record) -> bool:
    return record.answerable and any(grade > 0 for grade in record.judgments.values())


def _marked(record: Record) -> bool:
    return record.answerable and bool(record.references)


def _answerable(record: Record) -> bool:
    return record.answerable


def _unanswerable(record: Record) -> bool:
    return not record.answerable


def _amount(score: Callable[[Record, int | None], float], decimals: int) -> Kind:
    return Kind(
        score=score,
        applies=lambda record: True,
        lower_is_better=True,
        decimals=decimals,
        best=None,
    )


RANKING: Mapping[str, Kind] = {
    "nDCG": Kind(score=scores.ndcg, applies=_judged, cut="required"),
    "recall": Kind(score=scores.recall, applies=_judged, cut="required"),
    "hit": Kind(score=scores.hit, applies=_judged, cut="required"),
    "MRR": Kind(score=scores.reciprocal_rank, applies=_judged, cut="optional"),
    "token_recall": Kind(score=scores.token_recall, applies=_marked),
    "token_precision": Kind(score=scores.token_precision, applies=_marked),
    "token_IoU": Kind(score=scores.token_iou, applies=_marked),
    "answered": Kind(score=scores.answered, applies=_answerable),
    "abstained": Kind(score=scores.abstained, applies=_unanswerable),
    "tokens": _amount(scores.tokens, 0),
    "latency_ms": _amount(scores.latency_ms, 1),
}
"""Ranking measures apply to answerable questions with a relevant document, token measures to those
with references, `answered` to answerable and `abstained` to unanswerable questions, and `tokens`
and `latency_ms` to all. They measure the search, whoever answers from what it found."""
