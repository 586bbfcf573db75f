"""Answers made of the passages' own sentences, with the real model and the sample help centre."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chunkers import count_cl100k
from indexers.embedding import MiniLM
from retrieval.answering import Answer, Extractive, Ranking, cited_sentences
from retrieval.pipeline import retrieve
from retrieval.query import Passage, Query
from tests.conftest import SAMPLES, HelpCentre
from tests.retrieval.answering.passages import passage

EMBEDDER = MiniLM()
CANCEL = passage(
    "# Cancel your plan\n\nYou can cancel at any time, online, without giving a reason. There is "
    "no notice period and no fee.\n\n## How to cancel\n\nTo cancel your plan:\n\n1. Sign in as the "
    "account owner.\n2. Open **Plan > Cancel plan**.\n3. Select **Cancel my plan**.\n\n## What "
    "stays\n\nYour account and your invoices stay. Credit is kept for 12 months.",
    document="cancel",
)
ZONES = passage(
    "| Zone | Where | Working days |\n| --- | --- | --- |\n| A | Mainland Spain | 1 to 2 |\n"
    "| D | Canary Islands | 6 to 10 |\n| E | Norway | 5 to 9 |",
    document="zones",
    start=300,
)
STEPS = "1. Sign in as the account owner.\n2. Open **Plan > Cancel plan**.\n3. Select **Cancel my"


def answer(question: str, *passages: Passage, by: Extractive | None = None) -> Answer:
    return (by or Extractive()).answer(question, passages, EMBEDDER)


def document_of(found: Passage) -> str:
    """As much of the document as is known: its text from the passage's place on."""
    return " " * found.span.start + found.text


def test_the_sentence_that_answers_comes_first_with_its_citation() -> None:
    found = answer("is there a notice period or a fee?", ZONES, CANCEL)
    first = found.sentences[0]
    assert found.answerable
    assert first.text == "There is no notice period and no fee."
    (citation,) = first.citations
    assert (citation.number, citation.document_id, citation.title) == (2, "cancel", "Cancel")
    assert citation.url == "https://e.test/cancel"
    assert found.text.startswith("There is no notice period and no fee. [2]")


def test_a_list_of_steps_comes_out_whole_where_the_question_asks_how() -> None:
    found = answer("how do i cancel my plan", CANCEL)
    assert any(f"To cancel your plan:\n{STEPS}" in sentence.text for sentence in found.sentences)


def test_steps_that_do_not_fit_are_not_torn_from_their_announcement() -> None:
    short = Extractive(max_tokens=20)
    found = answer("how do i cancel my plan", CANCEL, by=short)
    assert not any(sentence.text.endswith(":") for sentence in found.sentences)
    assert sum(count_cl100k(sentence.text) for sentence in found.sentences) <= 20


def test_a_row_comes_with_its_table_s_header() -> None:
    found = answer("how many working days to the Canary Islands", ZONES)
    row = "| D | Canary Islands | 6 to 10 |"
    assert found.sentences[0].text == (
        f"| Zone | Where | Working days |\n| --- | --- | --- |\n{row}"
    )
    assert found.text == f"{found.sentences[0].text}\n\n[1]"


def test_rows_of_one_table_share_its_header_and_stay_a_table() -> None:
    wide = Extractive(margin=20.0, max_sentences=2)
    found = answer("working days Canary Islands Norway", ZONES, by=wide)
    assert found.text.count("| Zone |") == 1
    assert "| 6 to 10 |\n| E | Norway | 5 to 9 |\n\n[1]" in found.text


def test_what_says_the_same_is_said_once() -> None:
    copy = replace(CANCEL, document=replace(CANCEL.document, id="copy"), id="copy")
    found = answer("is there a notice period or a fee?", CANCEL, copy)
    texts = [sentence.text for sentence in found.sentences]
    assert len(set(texts)) == len(texts)


def test_sentences_of_one_document_keep_its_order() -> None:
    wide = Extractive(margin=20.0)
    found = answer("credit kept, no notice period", CANCEL, by=wide)
    starts = [quote.start for s in found.sentences for c in s.citations for quote in c.quotes[-1:]]
    assert len(starts) == 3
    assert starts == sorted(starts)


def test_without_passages_it_declines() -> None:
    found = answer("how do i cancel")
    assert (found.answerable, found.text, found.sentences) == (False, "", ())
    assert found.reason == "no passage was found"


def test_passages_without_a_sentence_are_no_answer() -> None:
    assert "headings" in str(answer("pots", passage("# Pots")).reason)


def test_a_question_that_the_passages_do_not_touch_is_declined() -> None:
    found = answer("who won the song contest", replace(CANCEL, relevance=0.1))
    assert not found.answerable
    assert re.search(r"probability of 0\.\d\d, below 0\.15", str(found.reason))


def test_a_budget_below_every_sentence_is_said_to_be_the_reason() -> None:
    found = answer("cancel my plan", CANCEL, by=Extractive(max_tokens=1))
    assert found.reason == "no sentence that answers fits 1 tokens"


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_sentences": 0},
        {"max_tokens": 0},
        {"margin": -1.0},
        {"min_answerable": 2.0},
        {"near_duplicate": 0.0},
    ],
)
def test_settings_out_of_range_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Extractive(**wrong)


def test_without_a_model_s_help_words_alone_decide() -> None:
    words = Extractive(ranking=Ranking(embedded=0))
    assert answer("notice period", CANCEL, by=words).sentences[0].text.startswith("There is no")


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("is there a fee for cancelling, or a notice period?", "There is no notice period"),
        ("We are a secondary school, can we pay by invoice?", "pay by invoice with 30 days"),
        ("can i plant my own seeds in blank pods", "Yes, with blank pods"),
    ],
)
def test_the_sample_help_centre_answers(help_centre: HelpCentre, question: str, quote: str) -> None:
    query = Query(text=question, filters={"locale": "en"}, deadline_ms=60_000)
    got = asyncio.run(retrieve(help_centre.engine, query))
    found = answer(question, *got.passages)
    assert any(quote in sentence.text for sentence in found.sentences)


TEXTS = [
    path.read_text(encoding="utf-8") for path in sorted(Path(SAMPLES, "articles").glob("*.md"))
]
QUESTIONS = st.sampled_from(
    ["how do i cancel my plan", "price", "what does the table say", "\u00bfc\u00f3mo pago?", "?"]
)


@st.composite
def given_passages(draw: st.DrawFn) -> list[Passage]:
    """Stretches of the sample articles, cut anywhere."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        text = draw(st.sampled_from(TEXTS))
        start = draw(st.integers(0, len(text) - 2))
        end = draw(st.integers(start + 1, min(len(text), start + 900)))
        relevance = draw(st.floats(0, 1))
        kind = draw(st.sampled_from(["article", "faq", "snippet"]))
        found.append(
            passage(
                text[start:end],
                document=f"d{number % 3}",
                start=start,
                relevance=relevance,
                content_type=kind,
            )
        )
    return found


@given(QUESTIONS, given_passages(), st.integers(1, 5), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_answers_quote_word_for_word_within_their_limits(
    question: str, passages: list[Passage], most: int, tokens: int
) -> None:
    by = Extractive(max_sentences=most, max_tokens=tokens, margin=5.0, ranking=Ranking(embedded=0))
    found = answer(question, *passages, by=by)
    assert found.answerable == bool(found.sentences) == bool(found.text)
    assert (found.reason is None) == found.answerable
    assert len(found.sentences) <= most
    assert sum(count_cl100k(sentence.text) for sentence in found.sentences) <= tokens
    for sentence in found.sentences:
        (citation,) = sentence.citations
        source = passages[citation.number - 1]
        assert citation.passage_id == source.id
        quoted = [document_of(source)[q.start : q.end] for q in citation.quotes]
        assert "\n".join(quoted) == sentence.text
        assert sentence.text in found.text
    named = {number for one in cited_sentences(found.text) for number in one.numbers}
    assert {c.number for c in found.citations} >= named - set(_own_numbers(passages))


def _own_numbers(passages: list[Passage]) -> list[int]:
    """Numbers in brackets that are the passages' own text."""
    return [int(n) for one in passages for n in re.findall(r"\[(\d+)\]", one.text)]
