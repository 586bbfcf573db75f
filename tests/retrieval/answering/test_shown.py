"""What is shown of a model's text while it streams."""

from collections.abc import Sequence
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.pieces import Restarted, Text
from indexers.embedding import MiniLM
from retrieval.answering import REFUSAL, AnswerReader, Shown, scan
from retrieval.answering.markers import Marker
from retrieval.query import Passage
from tests.retrieval.answering.passages import passage

EMBEDDER = MiniLM()
PAUSE = passage("You can pause a plan for one to six months.")
RETURNS = passage("Returns are free within 30 days of delivery.", document="returns")

PIECES = st.lists(
    st.sampled_from(
        [
            "[1]",
            "[9]",
            "[1, 9]",
            "[2-7]",
            " ",
            "Pause it",
            ".",
            "\n- ",
            "[",
            "`[1]`",
            "(x)",
            "NO_",
            REFUSAL,
        ]
    )
)


def shown(*pieces: str | Restarted, passages: Sequence[Passage] = (PAUSE, RETURNS)) -> str:
    """What is shown by the end of pieces."""
    one, text = Shown(passages), ""
    added = (one.add(Text(piece) if isinstance(piece, str) else piece) for piece in pieces)
    for out in (*chain.from_iterable(added), *one.end()):
        text = "" if isinstance(out, Restarted) else text + out.text
    assert text == one.text
    return text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is so [1].", "It is so [1]."),
        ("It is so [9].", "It is so."),
        ("One [1, 9] and [9] two [2].", "One [1] and two [2]."),
        (REFUSAL, ""),
        (f'"{REFUSAL}".', ""),
        ("No, it cannot.", "No, it cannot."),
        (f"{REFUSAL} - not covered [1].", ""),
        (f"Sure.\n\n{REFUSAL}", ""),
        (f"Sure [9]. {REFUSAL}", ""),
        (f"Pause it [1].\n{REFUSAL}", ""),
        (f"[1] {REFUSAL}", ""),
        ("[1][2]", ""),
    ],
)
def test_no_number_without_a_passage_and_no_refusal_is_shown(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert shown(*text) == expected  # A character at a time.


@given(PIECES)
def test_how_the_text_is_cut_changes_nothing(pieces: list[str]) -> None:
    whole = shown("".join(pieces))
    assert shown(*pieces) == shown(*"".join(pieces)) == whole
    numbers = [n for event in scan(whole) if isinstance(event, Marker) for n in event.numbers]
    assert set(numbers) <= {1, 2}


@given(PIECES)
@settings(max_examples=50, deadline=None)
def test_what_is_shown_at_the_end_is_what_the_reader_takes_for_an_answer(
    pieces: list[str],
) -> None:
    read = AnswerReader().read("".join(pieces), [PAUSE, RETURNS], EMBEDDER)
    assert bool(shown(*pieces)) == read.answerable


def test_a_text_that_begins_again_forgets_what_was_shown() -> None:
    assert shown("A first [1", Restarted("broken"), "A second [2].") == "A second [2]."


def test_a_restart_before_anything_was_shown_is_not_told() -> None:
    one = Shown([PAUSE])
    assert list(one.add(Text("NO_"))) == []
    assert list(one.add(Restarted("broken"))) == []
    assert [*one.add(Text("Yes [1].")), *one.end()] == [Text("Yes [1].")]


def test_a_word_that_is_the_passages_own_is_shown() -> None:
    own = [passage(f"{REFUSAL} means that nobody picked up.")]
    assert shown(f"{REFUSAL} is a status [1].", passages=own) == f"{REFUSAL} is a status [1]."
    assert shown("It is ", f"{REFUSAL}", " [1].", passages=own) == f"It is {REFUSAL} [1]."
    assert shown(REFUSAL, passages=own) == ""
