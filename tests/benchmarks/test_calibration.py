"""The arithmetic of calibrations."""

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.calibration import (
    Asked,
    Observed,
    calibrated,
    fit,
    left_out,
    quality,
    reliability,
    thresholds,
)
from benchmarks.errors import CalibrationError
from indexers.relevance import Evidence, Relevance

TRUE = Relevance(intercept=-4.0, fused=10.0, crowd=-3.0, terms=0.5)
FLAT = Relevance(intercept=0.0, fused=1.0, crowd=0.0, terms=0.0)
"""The logistic function of the fused score itself."""


def observed(fused: float, relevant: bool, *, rank: int = 1) -> Observed:
    return Observed(
        fused=fused, evidence=Evidence(crowd=0.2, terms=5), relevant=relevant, rank=rank
    )


def asked(
    rows: Sequence[tuple[Observed, ...]],
    *,
    corpus: str = "a",
    questions: str = "a",
    answerable: bool = True,
    weight: float = 1.0,
) -> Asked:
    return Asked(
        corpus=corpus,
        questions=questions,
        own=corpus == questions,
        answerable=answerable,
        weight=weight,
        observed=tuple(rows),
    )


def drawn(seed: int, corpus: str = "a", count: int = 4000) -> Asked:
    """Questions whose best hit answers with the probability that TRUE says."""
    rng = np.random.default_rng(seed)
    rows = []
    for fused, crowd, terms, chance in rng.random((count, 4)):
        evidence = Evidence(crowd=crowd, terms=round(terms * 20))
        relevant = bool(chance < TRUE(fused, evidence))
        rows.append((Observed(fused=fused, evidence=evidence, relevant=relevant, rank=1),))
    return asked(rows, corpus=corpus, questions=corpus)


def test_a_fit_finds_the_coefficients_that_made_the_data() -> None:
    found = fit([drawn(1), drawn(2)])
    assert found.fused == pytest.approx(TRUE.fused, abs=0.8)
    assert found.crowd == pytest.approx(TRUE.crowd, abs=0.5)
    assert found.terms == pytest.approx(TRUE.terms, abs=0.2)
    assert found.intercept == pytest.approx(TRUE.intercept, abs=0.6)


def test_a_fit_is_calibrated_where_it_was_not_fitted() -> None:
    found = left_out([drawn(1, "a"), drawn(2, "b")])
    assert list(found) == ["a", "b"]
    assert all(each.ece < 0.03 for each in found.values())


def test_a_pairs_weight_is_its_own_whatever_its_size() -> None:
    right, wrong = (observed(0.5, True),), (observed(0.5, False),)
    even = [asked([right]), asked([wrong] * 9, questions="b", answerable=False)]
    constant = Evidence(crowd=0.2, terms=5)
    assert fit(even)(0.5, constant) == pytest.approx(0.5, abs=0.01)
    heavy = [asked([right], weight=3.0), *even[1:]]
    assert fit(heavy)(0.5, constant) == pytest.approx(0.75, abs=0.01)


def test_hits_behind_the_best_weigh_a_tenth() -> None:
    rows = [(observed(0.5, True), *(observed(0.5, False, rank=rank) for rank in range(2, 7)))]
    found = fit([asked(rows)])
    assert found(0.5, Evidence(crowd=0.2, terms=5)) == pytest.approx(1 / 1.5, abs=0.01)


def test_a_fit_needs_answers_and_others() -> None:
    with pytest.raises(CalibrationError, match="both hits that answer and hits that do not"):
        fit([asked([(observed(0.5, False),)])])


def test_quality_by_hand() -> None:
    sure, half = observed(1e9, True), observed(0.0, False)  # Predicted 1 and 1/2.
    found = quality(
        FLAT,
        [asked([(sure,), (half,)]), asked([(half,)], questions="b", answerable=False, weight=0.5)],
    )
    # Weights 1/2 (distance 0), 1/2 and 1/2 (distance 1/2).
    assert found.brier == pytest.approx((0.25 + 0.25) / 3)
    assert found.ece == pytest.approx(2 / 3 * 0.5)
    # One answerable question is above the unanswerable one, one is level with it.
    assert found.auroc == pytest.approx(0.75)
    assert found.questions == 3
    assert quality(FLAT, [asked([(sure,)])]).auroc is None


def test_reliability_by_hand() -> None:
    rows = [(observed(0.0, True),), (observed(0.0, False),), (observed(1e9, True),)]
    first, second = reliability(FLAT, [asked(rows)])
    assert (first.predicted, first.observed) == pytest.approx((0.5, 0.5))
    assert (second.predicted, second.observed) == pytest.approx((1.0, 1.0))
    assert (first.share, second.share) == pytest.approx((2 / 3, 1 / 3))


def test_thresholds_by_hand() -> None:
    high, level = observed(1e9, True), observed(0.0, False)
    found = thresholds(
        FLAT,
        [
            asked([(high,), (level,)]),
            asked([(level,)], answerable=False),
            asked([(observed(-1e9, False),), (level,)], questions="b", answerable=False),
        ],
    )
    at = {each.min_relevance: each for each in found}
    low = at[0.3]
    assert (low.kept, low.right_kept, low.refused, low.own_refused) == (1, 1, 0.5, 0)
    top = at[0.6]
    assert (top.kept, top.right_kept, top.refused, top.own_refused) == (0.5, 1, 1, 1)


def test_one_corpus_has_nothing_to_be_left_out_of() -> None:
    found = calibrated([drawn(1, count=200)])
    assert found.left_out == {}
    assert all(each.own_refused is None for each in found.thresholds)
