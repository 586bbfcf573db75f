"""Markers told from text, however a stream cuts it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retrieval.answering.markers import Marker, MarkerScanner, joined, scan

TEXTS = st.text(st.sampled_from("a1 2,-[]()`.\n\u2013"), max_size=60)
CUTS = st.lists(st.integers(0, 60), max_size=8)


def streamed(text: str, cuts: list[int]) -> list[str | Marker]:
    scanner, events = MarkerScanner(), []
    ends = [*sorted(cut for cut in cuts if cut < len(text)), len(text)]
    start = 0
    for end in ends:
        events += scanner.feed(text[start:end])
        start = end
    return [*events, *scanner.close()]


def numbers(text: str) -> list[tuple[int, ...]]:
    return [event.numbers for event in scan(text) if isinstance(event, Marker)]


@pytest.mark.parametrize(
    ("marker", "named"),
    [
        ("[1]", (1,)),
        ("[12]", (12,)),
        ("[1, 2]", (1, 2)),
        ("[1,2;3]", (1, 2, 3)),
        ("[ 4 ]", (4,)),
        ("[1-3]", (1, 2, 3)),
        ("[2\u20134, 7]", (2, 3, 4, 7)),
        ("[3-1]", (3, 1)),
        ("[1, 1]", (1,)),
    ],
)
def test_a_marker_names_its_numbers(marker: str, named: tuple[int, ...]) -> None:
    assert scan(f"So it is {marker}.") == ["So it is ", Marker(marker, named), "."]


def test_markers_may_stand_side_by_side() -> None:
    assert numbers("So it is [1][3] [2].") == [(1,), (3,), (2,)]


@pytest.mark.parametrize(
    "text",
    [
        "[a]",
        "[]",
        "[ ] open",
        "[1",
        "[1a]",
        "[1234]",
        "[1](https://e.test)",
        "`items[0]`",
        "```\nitems[0]\n```",
        "```\nitems[0]\n\nmore[1]",
        "``a ` b[1]``",
    ],
)
def test_what_is_no_marker_stays_text(text: str) -> None:
    assert scan(f"See {text}") == [f"See {text}"]


def test_code_that_is_never_closed_ends_with_its_paragraph() -> None:
    assert numbers("Press ` twice [1].\n\nThen wait [2].") == [(2,)]


def test_text_is_handed_on_as_soon_as_it_cannot_be_a_marker() -> None:
    scanner = MarkerScanner()
    assert scanner.feed("It is so") == ["It is so"]
    assert scanner.feed(" [") == [" "]
    assert scanner.feed("1") == []
    assert scanner.feed("]") == []  # A link's text, if a bracket follows.
    assert scanner.feed(". And") == [Marker("[1]", (1,)), ". And"]
    assert scanner.feed(" [x") == [" [x"]
    assert scanner.close() == []


def test_a_marker_at_the_very_end_is_known_when_the_text_has_ended() -> None:
    scanner = MarkerScanner()
    assert scanner.feed("So it is [1]") == ["So it is "]
    assert scanner.close() == [Marker("[1]", (1,))]


def test_half_a_marker_at_the_end_is_text() -> None:
    scanner = MarkerScanner()
    assert scanner.feed("So it is [1,") == ["So it is "]
    assert scanner.close() == ["[1,"]


@given(TEXTS, CUTS)
@example("``[1]` [1](", [1, 2, 5, 9])
def test_cuts_make_no_difference(text: str, cuts: list[int]) -> None:
    assert joined(streamed(text, cuts)) == scan(text)


@given(TEXTS, CUTS)
def test_no_text_is_lost_and_no_text_holds_a_whole_or_half_marker(
    text: str, cuts: list[int]
) -> None:
    events = streamed(text, cuts)
    assert "".join(e if isinstance(e, str) else e.text for e in events) == text
    assert all(events)
    assert all(event.numbers for event in events if isinstance(event, Marker))
