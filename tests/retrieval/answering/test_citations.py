"""What a model wrote, split into sentences with their citations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexers.embedding import MiniLM
from retrieval.answering.citations import (
    AnswerReader,
    Cited,
    cited_sentences,
)
from retrieval.answering.markers import Marker, scan
from tests.retrieval.answering.passages import passage

EMBEDDER = MiniLM()
PAUSE = passage("You can pause a plan for one to six months. Nothing is charged meanwhile.")
RETURNS = passage("Returns are free within 30 days of delivery.", document="returns")


def cited(text: str) -> list[tuple[str, tuple[int, ...]]]:
    return [(one.text, one.numbers) for one in cited_sentences(text)]


@pytest.mark.parametrize(
    "text",
    [
        "One thing [1]. Another [2].",
        "One thing[1]. Another[2].",
        "One thing. [1] Another. [2]",
        "One thing.[1] Another.[2]",
        "One thing.[1]Another.[2]",
        "[1] One thing.\n\n[2] Another.",
        "One thing.\n[1]\n\nAnother.\n\n[2]\n",
    ],
)
def test_a_marker_before_or_behind_the_full_stop_belongs_to_its_sentence(text: str) -> None:
    assert cited(text) == [("One thing.", (1,)), ("Another.", (2,))]


def test_a_sentence_may_cite_several_and_each_counts_once() -> None:
    assert cited("One [1] and other [3][1]. [4, 3]") == [("One and other.", (1, 3, 4))]


def test_a_sentence_without_a_marker_cites_nothing() -> None:
    assert cited("Yes. It is so [1].") == [("Yes.", ()), ("It is so.", (1,))]


def test_list_items_have_citations_of_their_own() -> None:
    text = "Do this:\n\n1. Open it [1].\n2. [2] Close it.\n- Wait [3]"
    assert cited(text) == [
        ("Do this:", ()),
        ("1. Open it.", (1,)),
        ("2. Close it.", (2,)),
        ("- Wait", (3,)),
    ]


def test_a_marker_within_a_sentence_leaves_one_blank() -> None:
    assert cited("It costs [1] five euros.") == [("It costs five euros.", (1,))]
    assert cited("It costs[1] five (5) euros.") == [("It costs five (5) euros.", (1,))]


def test_markers_alone_are_no_answer() -> None:
    assert cited("[1][2]") == []


def test_an_answer_is_read_with_its_citations_checked() -> None:
    text = (
        "You can pause your plan for up to six months [1]. Returns are free for 90 days [2]. Bye."
    )
    answer = AnswerReader().read(text, [PAUSE, RETURNS], EMBEDDER)
    assert answer.answerable
    assert answer.text == text
    assert [sentence.supported for sentence in answer.sentences] == [True, False, None]
    assert [c.passage_id for c in answer.citations] == ["guide-0", "returns-0"]
    assert answer.citations[1].url == "https://e.test/returns"
    assert answer.sentences[0].text == "You can pause your plan for up to six months."


def test_numbers_that_no_passage_has_are_named() -> None:
    answer = AnswerReader().read("Plans can be paused [0, 2]. So [1][9].", [PAUSE], EMBEDDER)
    first, second = answer.sentences
    assert (first.citations, first.invalid, first.supported) == ((), (0, 2), False)
    assert ([c.number for c in second.citations], second.invalid) == ([1], (9,))


@pytest.mark.parametrize(
    "text",
    [
        "'NO_ANSWER'.",
        "NO_ANSWER [1]",
        "Sure.\n\nNO_ANSWER",
        "I found nothing [7]. NO_ANSWER",
        "",
        "  \n",
        "[1]",
    ],
)
def test_a_refusal_and_an_empty_text_are_no_answer(text: str) -> None:
    answer = AnswerReader().read(text, [PAUSE], EMBEDDER)
    assert not answer.answerable
    assert answer.reason
    assert not answer.sentences


@given(st.text(st.sampled_from("ab. \n-[]12,`?"), max_size=80))
def test_no_text_is_lost_and_every_number_was_written(text: str) -> None:
    found = cited_sentences(text)
    events = scan(text)
    plain = "".join(event for event in events if isinstance(event, str))
    written = {n for event in events if isinstance(event, Marker) for n in event.numbers}
    assert "".join("".join(one.text.split()) for one in found) == "".join(plain.split())
    named = {number for one in found for number in one.numbers}
    assert named == (written if found else set())
    assert all(isinstance(one, Cited) and one.text for one in found)
