"""Whether passages say what cites them, with the real model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chunkers import sentence_spans
from indexers.embedding import MiniLM
from retrieval.answering.support import Claim, Support
from retrieval.query import Passage
from tests.conftest import SAMPLES
from tests.retrieval.answering.passages import passage

EMBEDDER = MiniLM()
PLANS = passage(
    "You can pause a plan for one to six months, and 1,000 times if you like. The API is at "
    "https://api.sillgrove.example/v1, and `sg_test_` keys work on sample data. "
    "It costs \u20ac5.90.",
)
ROOTS = passage("Trim the roots when they block the pump. Rinse the tank with warm water.")
ASKED = [PLANS, ROOTS]


def supported(text: str, *cites: Passage) -> bool | None:
    (verdict,) = Support().check([Claim(text, cites)], ASKED, EMBEDDER)
    return verdict


@pytest.mark.parametrize(
    "text",
    [
        "A plan can be paused for one to six months.",
        "Plans can be paused for 1 to 6 months.",
        "Pausing a plan is possible 1000 times, for 1 to 6 months.",
        "1. Pause the plan for six months.",
        "The API is at https://api.sillgrove.example/v1.",
        "The test keys that work on sample data are `sg_test_`.",
        "The plan costs 5.90.",
    ],
)
def test_what_the_passage_says_in_other_words_is_supported(text: str) -> None:
    assert supported(text, PLANS)


@pytest.mark.parametrize(
    "text",
    [
        "A plan can be paused for one to nine months.",
        "The API is at https://api.sillgrove.example/v2.",
        "The test keys that work on sample data are `sg_live_`.",
        "The plan costs \u20ac5.91.",
        "The plan costs \u20ac5.",
        "A plan can be paused 10,000 times.",
    ],
)
def test_another_number_link_or_code_is_not_supported(text: str) -> None:
    assert supported(text, PLANS) is False


@given(st.text(st.sampled_from("a1 2.,-/:$`\\\n|x5"), max_size=40))
def test_a_text_has_all_its_own_facts(text: str) -> None:
    said = passage(text)
    (evidence,) = Support().evidence([Claim(text, (said,))], [said], EMBEDDER) or [None]
    assert evidence is None or evidence.facts


def test_every_sentence_of_the_samples_is_supported_by_its_own_article() -> None:
    for path in sorted((SAMPLES / "articles").glob("*.md"))[:3]:
        article = passage(path.read_text(encoding="utf-8"))
        claims = [Claim(article.text[a:b], (article,)) for a, b in sentence_spans(article.text)]
        assert False not in Support().check(claims, [article], EMBEDDER)


def test_what_another_passage_says_does_not_support() -> None:
    text = "Trim the roots when they block the pump."
    assert supported(text, ROOTS)
    assert supported(text, PLANS) is False
    assert supported(text, PLANS, ROOTS)


def test_what_no_passage_says_is_not_supported() -> None:
    assert supported("Our office in Lisbon opens at nine on Mondays.", PLANS, ROOTS) is False


def test_nothing_cited_or_nothing_said_is_not_judged() -> None:
    assert supported("Plans can be paused.") is None
    assert supported("It is so.", PLANS) is None
    assert Support().check([], [], EMBEDDER) == []


def test_verdicts_come_in_the_order_of_the_claims() -> None:
    claims = [
        Claim("Rinse the tank with warm water.", (ROOTS,)),
        Claim("Hello.", ()),
        Claim("Rinse the tank with warm water.", (PLANS,)),
    ]
    assert Support().check(claims, ASKED, EMBEDDER) == [True, None, False]
