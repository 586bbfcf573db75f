"""The calibrated probability: in bounds, and never against the ranking."""

import math

from hypothesis import given
from hypothesis import strategies as st

from indexers.relevance import Evidence, Relevance

NUMBERS = st.floats(-1e300, 1e300)
PLAIN = Relevance(intercept=-7.0, fused=15.0, crowd=-5.0, terms=0.5)


def test_it_is_the_logistic_function_of_the_log_odds() -> None:
    evidence = Evidence(crowd=0.2, terms=3)
    log_odds = -7.0 + 15.0 * 0.6 - 5.0 * 0.2 + 0.5 * math.log(4)
    expected = 1 / (1 + math.exp(-log_odds))
    assert math.isclose(PLAIN(0.6, evidence), expected, rel_tol=1e-12)


def test_even_odds_are_one_half() -> None:
    assert Relevance(intercept=0, fused=1, crowd=0, terms=0)(0.0, Evidence(crowd=9, terms=9)) == 0.5


@given(NUMBERS, NUMBERS, st.integers(0, 10**6))
def test_it_is_a_probability_whatever_comes_in(fused: float, crowd: float, terms: int) -> None:
    assert 0.0 <= PLAIN(fused, Evidence(crowd=crowd, terms=terms)) <= 1.0


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(-1, 1), st.integers(0, 100))
def test_it_rises_with_the_fused_score(one: float, other: float, crowd: float, terms: int) -> None:
    evidence = Evidence(crowd=crowd, terms=terms)
    low, high = sorted((one, other))
    assert PLAIN(low, evidence) <= PLAIN(high, evidence)


def test_a_close_crowd_lowers_it_and_a_telling_query_raises_it() -> None:
    plain = PLAIN(0.5, Evidence(crowd=0.1, terms=2))
    assert PLAIN(0.5, Evidence(crowd=0.4, terms=2)) < plain
    assert PLAIN(0.5, Evidence(crowd=0.1, terms=8)) > plain
