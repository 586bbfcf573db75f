"""How many tokens a prompt will have."""

from generation.estimate import Estimates


def test_an_unknown_model_is_thought_to_need_many_tokens() -> None:
    assert Estimates().tokens("new", 4000) > 1000


def test_what_a_model_reports_is_learned_for_that_model() -> None:
    estimates = Estimates()
    for _ in range(100):
        estimates.learn("terse", 8000, 1000)
    assert 1000 < estimates.tokens("terse", 8000) < 1150
    assert estimates.tokens("other", 8000) > 2500


def test_nothing_is_learned_of_nothing() -> None:
    estimates = Estimates()
    before = estimates.tokens("m", 100)
    estimates.learn("m", 0, 5)
    estimates.learn("m", 100, 0)
    assert estimates.tokens("m", 100) == before
