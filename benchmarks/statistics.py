"""Means with bootstrap intervals, and paired comparisons on the same questions.

All intervals are 95% percentile bootstrap intervals over questions (B. Efron and R. Tibshirani,
An Introduction to the Bootstrap, 1993, chapter 13). The seed is fixed: the same scores give the
same interval, and two measures of one run are resampled alike.

Whether one of two systems is better is decided by p alone. A bootstrap interval of few questions is
too narrow: that of six, on five of which a system is worse and on one the same, leaves out 0, while
such a difference comes about by chance in one of 16 cases (p = .0625).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 10_000
LEVEL = 0.05
"""There is a winner where p is below this."""

_SEED = 2026
_BATCH = 500
"""Resamples drawn at once: 500 of 10,000 questions take 40 MB."""

_BOUNDS = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value over `queries` questions, with its 95% interval from `low` to `high`."""

    value: float
    low: float
    high: float
    queries: int


class Verdict(StrEnum):
    """What a comparison allows to say of a system against the baseline."""

    BETTER = "better"
    WORSE = "worse"
    NO_WINNER = "no winner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A system's value less the baseline's, on the same `queries` questions.

    `low` to `high` is the 95% interval of the difference; `p` is the two-sided probability of a
    difference at least as large if neither system were the better one.
    """

    value: float
    low: float
    high: float
    p: float
    queries: int

    def verdict(self, *, lower_is_better: bool = False) -> Verdict:
        """NO_WINNER where p is not below LEVEL, whatever the value and the interval."""
        if self.p >= LEVEL:
            return Verdict.NO_WINNER
        return Verdict.BETTER if (self.value > 0) != lower_is_better else Verdict.WORSE


def mean(scores: Sequence[float]) -> Estimate:
    """The mean of one score a question. Raises ValueError without a score."""
    values = _floats(scores)
    value = float(values.mean())
    low, high = _interval(_resampled_means(values), value)
    return Estimate(value=value, low=low, high=high, queries=len(values))


def mean_difference(scores: Sequence[float], baseline: Sequence[float]) -> Difference:
    """The mean of `scores[i] - baseline[i]`, where `i` is the same question in both.

    `p` comes from a randomization test: the sign of each question's difference is flipped at
    random (M. Smucker, J. Allan and B. Carterette, A Comparison of Statistical Significance Tests
    for Information Retrieval Evaluation, CIKM 2007).

    Raises:
        ValueError: the two differ in length, or are empty.
    """
    differences = _floats(scores) - _paired(baseline, scores)
    value = float(differences.mean())
    low, high = _interval(_resampled_means(differences), value)
    p = _sign_flip_p(differences)
    return Difference(value=value, low=low, high=high, p=p, queries=len(differences))


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> Estimate:
    """The chance that a positive's score is above a negative's, a tie counting one half.

    This is the area under the ROC curve (J. Hanley and B. McNeil, Radiology 143, 1982). Positives
    and negatives are resampled apart, so that no resample is without one of them.

    Raises:
        ValueError: either is empty.
    """
    wins = _wins(_floats(positives), _floats(negatives))
    value = float(wins.mean())
    low, high = _interval(_resampled_areas(wins), value)
    return Estimate(value=value, low=low, high=high, queries=sum(wins.shape))


def auroc_difference(
    positives: Sequence[float],
    negatives: Sequence[float],
    baseline_positives: Sequence[float],
    baseline_negatives: Sequence[float],
) -> Difference:
    """The difference of two systems' areas under the ROC curve, on the same questions in order.

    The scores of two systems need not be on one scale, so they cannot be exchanged between them:
    `p` is twice the smaller share of resampled differences on either side of 0.

    Raises:
        ValueError: the pairs differ in length, or are empty.
    """
    wins = _wins(_floats(positives), _floats(negatives)) - _wins(
        _paired(baseline_positives, positives), _paired(baseline_negatives, negatives)
    )
    value = float(wins.mean())
    areas = _resampled_areas(wins)
    low, high = _interval(areas, value)
    smaller = min(np.count_nonzero(areas <= 0), np.count_nonzero(areas >= 0))
    p = min(1.0, 2 * (smaller + 1) / (RESAMPLES + 1))
    return Difference(value=value, low=low, high=high, p=p, queries=sum(wins.shape))


def _floats(scores: Sequence[float]) -> Floats:
    if not scores:
        raise ValueError("there are no scores")
    return np.asarray(scores, dtype=np.float64)


def _paired(baseline: Sequence[float], scores: Sequence[float]) -> Floats:
    if len(baseline) != len(scores):
        raise ValueError(f"{len(scores)} scores cannot be paired with {len(baseline)}")
    return _floats(baseline)


def _interval(resampled: Floats, value: float) -> tuple[float, float]:
    low, high = np.quantile(resampled, _BOUNDS)
    # Where all scores are equal, the resampled means differ from the mean by rounding alone.
    return min(float(low), value), max(float(high), value)


def _resampled_means(values: Floats) -> Floats:
    return np.concatenate([values[drawn].mean(axis=1) for drawn in _draws(len(values), stream=0)])


def _wins(positives: Floats, negatives: Floats) -> Floats:
    return 0.5 + 0.5 * np.sign(positives[:, None] - negatives[None, :])


def _resampled_areas(wins: Floats) -> Floats:
    rows, columns = wins.shape
    pairs = zip(_counts(rows, stream=0), _counts(columns, stream=1), strict=True)
    batches = [((above @ wins) * below).sum(axis=1) for above, below in pairs]
    return np.concatenate(batches) / wins.size


def _counts(size: int, stream: int) -> Iterator[Floats]:
    """How often each of `size` questions is drawn, a resample a row, in batches."""
    offsets = np.arange(_BATCH)[:, None] * size
    for drawn in _draws(size, stream):
        counts = np.bincount((drawn + offsets).ravel(), minlength=_BATCH * size)
        yield counts.reshape(_BATCH, size).astype(np.float64)


def _draws(size: int, stream: int) -> Iterator[NDArray[np.uint32]]:
    """Which of `size` questions are drawn, a resample of as many a row, in batches."""
    rng = np.random.default_rng([_SEED, stream])
    for _ in range(RESAMPLES // _BATCH):
        yield rng.integers(0, size, size=(_BATCH, size), dtype=np.uint32)


def _sign_flip_p(differences: Floats) -> float:
    # A question on which both score alike keeps its 0 whatever the sign.
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    rng = np.random.default_rng([_SEED, 2])
    total = differences.sum()
    observed = abs(total) * (1 - 1e-12)
    extreme = 0
    for _ in range(RESAMPLES // _BATCH):
        kept = rng.integers(0, 2, size=(_BATCH, len(differences)), dtype=np.uint8)
        flipped = 2 * (kept @ differences) - total
        extreme += int(np.count_nonzero(np.abs(flipped) >= observed))
    return (extreme + 1) / (RESAMPLES + 1)
