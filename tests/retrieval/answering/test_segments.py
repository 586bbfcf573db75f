"""Passages cut into what can be quoted."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.answering.segments import Kind, segments
from tests.retrieval.answering.passages import passage

LINES = st.lists(
    st.sampled_from(
        [
            "One sentence. And another one.",
            "Do the following:",
            "1. First",
            "2. Second",
            "   - nested",
            "- An item",
            "# Heading",
            "A title",
            "| a | b |",
            "| --- | --- |",
            "```",
            "code[0] = 1",
            "> quoted text",
            "![](image.png)",
            "",
        ]
    ),
    max_size=14,
)


def cut(text: str, **more: Any) -> list[tuple[str, str]]:
    found = passage(text, **more)
    return [(s.kind.name, found.text[s.start : s.end]) for s in segments(found)]


def needs(text: str) -> list[str | None]:
    return [text[slice(*s.needs)] if s.needs else None for s in segments(passage(text))]


def test_prose_is_cut_into_sentences() -> None:
    assert cut("One is here. Two is\nthere.") == [
        ("SENTENCE", "One is here."),
        ("SENTENCE", "Two is\nthere."),
    ]


def test_items_keep_what_is_nested_in_them_and_know_their_lead() -> None:
    text = "Do this:\n\n1. Open\n   - wide\n\n   slowly\n2. Close\n\nDone."
    assert cut(text) == [
        ("SENTENCE", "Do this:"),
        ("STEP", "1. Open\n   - wide\n\n   slowly"),
        ("STEP", "2. Close"),
        ("SENTENCE", "Done."),
    ]
    assert needs(text) == [None, "Do this:", "Do this:", None]


def test_a_sentence_without_a_colon_does_not_lead() -> None:
    assert needs("This is a list.\n\n- one\n- two") == [None, None, None]


def test_images_between_steps_do_not_end_the_list() -> None:
    text = "1. Open\n\n![](a.png)\n\n2. Close"
    assert [s.block for s in segments(passage(text))] == [0, 0]
    assert cut(text)[1] == ("STEP", "2. Close")


def test_rows_know_their_header() -> None:
    text = "| Zone | Days |\n| --- | --- |\n| A | 2 |\n| B | 4 |"
    assert cut(text) == [("ROW", "| A | 2 |"), ("ROW", "| B | 4 |")]
    assert needs(text) == ["| Zone | Days |\n| --- | --- |"] * 2


def test_rows_whose_header_is_in_another_passage_need_none() -> None:
    assert needs("| A | 2 |\n| B | 4 |") == [None, None]


def test_code_is_one_with_its_lead() -> None:
    text = "Run this:\n\n```sh\nls\n\n# not a heading\n```\n\nThat is all."
    assert [kind for kind, _ in cut(text)] == ["SENTENCE", "CODE", "SENTENCE"]
    assert needs(text) == [None, "Run this:", None]


def test_headings_and_titles_stand_over_what_follows() -> None:
    found = segments(passage("# Pots\n\nBasil is easy.\n\nThe seeds\n\nMint wanders."))
    assert [(s.kind.name, s.heading) for s in found] == [
        ("HEADING", "Pots"),
        ("SENTENCE", "Pots"),
        ("HEADING", "The seeds"),
        ("SENTENCE", "The seeds"),
    ]


def test_over_the_start_stands_the_heading_path_or_the_title() -> None:
    assert segments(passage("Basil is easy."))[0].heading == "Guide"
    assert segments(passage("Basil is easy.", heading_path=("A", "B")))[0].heading == "B"


@pytest.mark.parametrize("question", ["Where is my box?", "My box is late."])
def test_a_faq_s_question_is_a_heading(question: str) -> None:
    text = f"{question}\n\nLook at the tracking."
    assert [kind for kind, _ in cut(text, content_type="faq")] == ["HEADING", "SENTENCE"]
    assert cut(question, content_type="faq") == [("SENTENCE", question)]
    assert cut(text, content_type="faq", start=5)[0][0] == "SENTENCE"


def test_a_snippet_is_one() -> None:
    text = "Hi there.\n\nYour box is on its way."
    assert cut(text, content_type="snippet") == [("SENTENCE", text)]


def test_quotes_lose_their_marks_and_images_and_tags_are_nothing() -> None:
    text = "> A key is a password.\n\n<call-out>\n\n![An image](a.png)\n\n[image: A hand]"
    assert cut(text) == [("SENTENCE", "A key is a password.")]


def test_nothing_is_cut_into_nothing() -> None:
    assert segments(passage("")) == segments(passage(" \n")) == []
    assert segments(passage("", content_type="snippet")) == []


@given(LINES)
def test_segments_are_in_order_apart_and_hold_every_word(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = segments(passage(text))
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(text[s.start : s.end].strip() == text[s.start : s.end] != "" for s in found)
    assert all(s.needs is None or 0 <= s.needs[0] < s.needs[1] <= s.start for s in found)
    kept = " ".join(text[a:b] for s in found for a, b in [s.needs or (0, 0), (s.start, s.end)])
    for word in ("sentence", "another", "First", "Second", "nested", "item", "quoted"):
        assert word not in text or word in kept
    assert all(isinstance(s.kind, Kind) for s in found)
