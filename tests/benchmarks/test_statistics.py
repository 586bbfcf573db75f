from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.statistics import (
    LEVEL,
    Difference,
    Verdict,
    auroc,
    auroc_difference,
    mean,
    mean_difference,
)

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=20)
PAIRS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20)
few = settings(max_examples=40, deadline=None)


@given(SCORES)
@few
def test_an_interval_holds_the_mean_and_stays_within_the_scores(scores: list[float]) -> None:
    estimate = mean(scores)
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.low >= min(scores) - 1e-9
    assert estimate.high <= max(scores) + 1e-9
    assert estimate.queries == len(scores)


@given(SCORES)
@few
def test_the_same_scores_give_the_same_interval(scores: list[float]) -> None:
    assert mean(scores) == mean(scores)


@given(SCORES)
@few
def test_an_interval_mirrors_with_its_scores(scores: list[float]) -> None:
    one, other = mean(scores), mean([-score for score in scores])
    assert (other.low, other.value, other.high) == pytest.approx((-one.high, -one.value, -one.low))


def test_one_score_has_no_spread() -> None:
    estimate = mean([0.3])
    assert (estimate.low, estimate.value, estimate.high) == (0.3, 0.3, 0.3)


def test_an_interval_by_hand() -> None:
    # Four draws of 0 or 1: the mean is 0 with probability 1/16, and so are 2.5% of resamples;
    # likewise 1.
    estimate = mean([0.0, 0.0, 1.0, 1.0])
    assert (estimate.low, estimate.value, estimate.high) == (0.0, 0.5, 1.0)


def test_an_interval_of_many_scores_is_that_of_the_normal_law() -> None:
    # 400 scores, half of them 1: the mean's standard error is sqrt(1/4 / 400) = 1/40.
    estimate = mean([0.0, 1.0] * 200)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96 / 40, rel=0.05)


def test_there_is_no_mean_of_nothing() -> None:
    with pytest.raises(ValueError, match="no scores"):
        mean([])


@given(PAIRS)
@few
def test_a_difference_turns_round_with_its_systems(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    one, other = mean_difference(ours, theirs), mean_difference(theirs, ours)
    assert one.low <= one.value <= one.high
    assert (other.low, other.value, other.high) == pytest.approx((-one.high, -one.value, -one.low))
    assert other.p == one.p
    assert 0 < one.p <= 1


def test_a_randomization_p_by_hand() -> None:
    # Of the 2**5 ways to sign five ones, two give a sum of 5 or -5.
    difference = mean_difference([1.0] * 5, [0.0] * 5)
    assert difference.p == pytest.approx(float(Fraction(2, 32)), abs=0.01)
    # A question on which both are alike changes nothing.
    assert mean_difference([1.0] * 5 + [0.5], [0.0] * 5 + [0.5]).p == difference.p


def test_equal_systems_have_no_winner() -> None:
    difference = mean_difference([0.1, 0.7], [0.1, 0.7])
    assert (difference.value, difference.p) == (0.0, 1.0)
    assert difference.verdict() is Verdict.NO_WINNER


def test_a_verdict_goes_by_p_and_a_direction() -> None:
    above = Difference(value=0.2, low=0.1, high=0.3, p=0.01, queries=9)
    across = Difference(value=0.2, low=0.1, high=0.4, p=0.05, queries=9)
    below = Difference(value=-0.2, low=-0.3, high=-0.1, p=0.01, queries=9)
    assert above.verdict() is below.verdict(lower_is_better=True) is Verdict.BETTER
    assert below.verdict() is above.verdict(lower_is_better=True) is Verdict.WORSE
    assert across.verdict() is across.verdict(lower_is_better=True) is Verdict.NO_WINNER


def test_five_worse_questions_of_six_are_no_verdict() -> None:
    # Among resamples of the six hardly one is without a difference, yet of the 2**5 ways to sign
    # five equal ones two are as far off: p is 1/16.
    difference = mean_difference([0.0] * 6, [1.0] * 5 + [0.0])
    assert difference.high < 0
    assert difference.p == pytest.approx(float(Fraction(1, 16)), abs=0.01)
    assert difference.verdict() is Verdict.NO_WINNER
    # With six of six it is 1/32.
    assert mean_difference([0.0] * 6, [1.0] * 6).verdict() is Verdict.WORSE


@given(PAIRS)
@few
def test_a_verdict_and_its_p_never_contradict_each_other(pairs: list[tuple[float, float]]) -> None:
    difference = mean_difference(*([pair[side] for pair in pairs] for side in (0, 1)))
    assert (difference.verdict() is Verdict.NO_WINNER) == (difference.p >= LEVEL)


def test_pairs_must_be_pairs() -> None:
    with pytest.raises(ValueError, match="2 scores cannot be paired with 1"):
        mean_difference([1.0, 2.0], [1.0])


def test_an_area_by_hand() -> None:
    # (3,2) (3,1) (1,1)=1/2 win, (1,2) loses: 5/2 of 4.
    assert auroc([3.0, 1.0], [2.0, 1.0]).value == pytest.approx(float(Fraction(5, 8)))
    assert auroc([1.0], [0.0]).low == 1.0


@given(SCORES, SCORES)
@few
def test_an_area_turns_round_with_its_sides(above: list[float], below: list[float]) -> None:
    one = auroc(above, below)
    assert one.low <= one.value <= one.high
    assert auroc(below, above).value == pytest.approx(1 - one.value)
    assert auroc([2 * score for score in above], [2 * score for score in below]) == one


def test_the_difference_of_areas() -> None:
    good, bad = [0.8, 0.9, 0.7, 0.95] * 5, [0.1, 0.2, 0.3] * 5
    assert auroc_difference(good, bad, good, bad).verdict() is Verdict.NO_WINNER
    better = auroc_difference(good, bad, [0.5] * 20, [0.5] * 15)
    assert better.value == pytest.approx(float(Fraction(1, 2)))
    assert better.verdict() is Verdict.BETTER
    assert better.p < 0.001
    assert better.queries == 35
