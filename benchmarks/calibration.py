"""Fitting relevance to what was observed, and how well calibrated it is then: pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.errors import CalibrationError
from indexers.relevance import Evidence, Relevance

Floats = npt.NDArray[np.float64]

BINS = 10
THRESHOLDS = tuple(step / 20 for step in range(1, 20))

_LOOSE = 1e4
"""The inverse of the fit's penalty: four coefficients on thousands of rows need next to none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The best hit of a document for a question: what relevance is made of, and whether the
    document answers. `rank` is the document's, from 1."""

    fused: float
    evidence: Evidence
    relevant: bool
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The questions of one set put to one corpus, each with its documents, best first.

    `own` says that the questions belong to the corpus. Each of them weighs `weight` / their number.
    """

    corpus: str
    questions: str
    own: bool
    answerable: bool
    weight: float
    observed: tuple[tuple[Observed, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How far the relevance of questions' best hits is from what is so.

    `brier` is the mean squared distance from 0 or 1 (G. Brier, 1950), `ece` the mean distance
    between predicted and observed share in ten bins (M. Naeini et al., AAAI 2015); 0 is perfect.
    `auroc` tells answerable from unanswerable questions, and is None where one kind is missing.
    """

    brier: float
    ece: float
    auroc: float | None
    questions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The best hits whose relevance is about `predicted`: `observed` of them answer, and they are
    `share` of all. All three are weighted means."""

    predicted: float
    observed: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """What a `min_relevance` does: the shares of answerable questions kept, of those kept whose
    best document is the right one, and of unanswerable questions refused: by corpora that are
    about something else, and by their own corpus (None where it has none)."""

    min_relevance: float
    kept: float
    right_kept: float
    refused: float
    own_refused: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A fit and how good it is: on what it was fitted on, and on each corpus that it was not."""

    relevance: Relevance
    quality: Quality
    left_out: Mapping[str, Quality]
    reliability: list[Bin]
    thresholds: list[Threshold]


def calibrated(asked: Sequence[Asked]) -> Calibration:
    """Fit relevance and measure it.

    Raises:
        CalibrationError: see `fit`.
    """
    relevance = fit(asked)
    return Calibration(
        relevance=relevance,
        quality=quality(relevance, asked),
        left_out=left_out(asked),
        reliability=reliability(relevance, asked),
        thresholds=thresholds(relevance, asked),
    )


def fit(asked: Sequence[Asked]) -> Relevance:
    """Relevance by logistic regression (J. Platt, 1999) on weighted rows; the best hit of a
    question weighs ten times as much as each one behind it, of which there are more.

    Raises:
        CalibrationError: nothing observed is relevant, or everything is.
    """
    rows = [
        (hit, one.weight / len(one.observed) * (1.0 if hit.rank == 1 else 0.1))
        for one in asked
        for hits in one.observed
        for hit in hits
    ]
    if len({hit.relevant for hit, _ in rows}) < 2:
        raise CalibrationError("a fit needs both hits that answer and hits that do not")
    features = np.array(
        [[hit.fused, hit.evidence.crowd, np.log1p(hit.evidence.terms)] for hit, _ in rows]
    )
    weights = np.array([weight for _, weight in rows])
    model = LogisticRegression(C=_LOOSE, max_iter=10_000)
    model.fit(features, [hit.relevant for hit, _ in rows], sample_weight=weights / weights.mean())
    fused, crowd, terms = map(float, model.coef_[0])
    return Relevance(intercept=float(model.intercept_[0]), fused=fused, crowd=crowd, terms=terms)


def quality(relevance: Relevance, asked: Sequence[Asked]) -> Quality:
    """How well relevance fits the best hits of questions that it need not have been fitted on."""
    best = _Best.of(relevance, asked)
    auroc = None
    if best.answerable.any() and not best.answerable.all():
        auroc = roc_auc_score(best.answerable, best.predicted, sample_weight=best.weight)
    return Quality(
        brier=best.mean((best.predicted - best.relevant) ** 2),
        ece=sum(bin_.share * abs(bin_.predicted - bin_.observed) for bin_ in _bins(best)),
        auroc=auroc,
        questions=len(best.weight),
    )


def left_out(asked: Sequence[Asked]) -> Mapping[str, Quality]:
    """The quality on each corpus of a fit on all others, which knows none of its questions.

    With less than two corpora there is none.
    """
    corpora = list(dict.fromkeys(one.corpus for one in asked))
    found = {}
    for corpus in corpora if len(corpora) > 1 else ():
        others = [one for one in asked if corpus not in (one.corpus, one.questions)]
        found[corpus] = quality(fit(others), [one for one in asked if one.corpus == corpus])
    return found


def reliability(relevance: Relevance, asked: Sequence[Asked]) -> list[Bin]:
    """Predicted against observed in ten bins of equal width; empty ones are left out."""
    return _bins(_Best.of(relevance, asked))


def thresholds(relevance: Relevance, asked: Sequence[Asked]) -> list[Threshold]:
    """What each of a row of thresholds would do."""
    best = _Best.of(relevance, asked)
    foreign = ~best.answerable & ~best.own
    own = ~best.answerable & best.own
    found = []
    for threshold in THRESHOLDS:
        kept = (best.predicted >= threshold).astype(np.float64)
        found.append(
            Threshold(
                min_relevance=threshold,
                kept=best.mean(kept, best.answerable),
                right_kept=best.mean(kept, best.answerable & (best.relevant > 0)),
                refused=1 - best.mean(kept, foreign),
                own_refused=1 - best.mean(kept, own) if own.any() else None,
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Best:
    """The best hit of each question, a column an attribute, all of shape (questions,)."""

    predicted: Floats
    relevant: Floats
    weight: Floats
    answerable: npt.NDArray[np.bool_]
    own: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, relevance: Relevance, asked: Sequence[Asked]) -> "_Best":
        firsts = [(one, hits[0]) for one in asked for hits in one.observed]
        return cls(
            predicted=np.array([relevance(hit.fused, hit.evidence) for _, hit in firsts]),
            relevant=np.array([float(hit.relevant) for _, hit in firsts]),
            weight=np.array([one.weight / len(one.observed) for one, _ in firsts]),
            answerable=np.array([one.answerable for one, _ in firsts], dtype=bool),
            own=np.array([one.own for one, _ in firsts], dtype=bool),
        )

    def mean(self, values: Floats, of: npt.NDArray[np.bool_] | None = None) -> float:
        """The weighted mean, of the questions that `of` says; 0 where there are none."""
        weight = self.weight if of is None else self.weight * of
        return float((values * weight).sum() / max(weight.sum(), 1e-12))


def _bins(best: _Best) -> list[Bin]:
    place = np.minimum((best.predicted * BINS).astype(int), BINS - 1)
    return [
        Bin(
            predicted=best.mean(best.predicted, place == number),
            observed=best.mean(best.relevant, place == number),
            share=best.mean((place == number).astype(np.float64)),
        )
        for number in np.unique(place)
    ]
