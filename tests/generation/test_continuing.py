"""The answer so far, and the request for its rest."""

from hypothesis import given
from hypothesis import strategies as st

from generation.continuing import SoFar
from generation.messages import Message, Request

QUESTION = Request(system="", messages=(Message(role="user", text="How?"),), max_tokens=10)
TEXTS = st.lists(st.text(alphabet="ab \n", max_size=4), max_size=8)


def test_nothing_so_far_is_the_whole_request() -> None:
    assert SoFar(QUESTION).request() is QUESTION


def test_the_rest_is_asked_for_with_the_beginning_and_what_is_left_of_the_tokens() -> None:
    so_far = SoFar(QUESTION)
    for delta in ("Choose", " Pause", " "):
        so_far.add(delta)
    rest = so_far.request()
    assert rest.messages[-1] == Message(role="assistant", text="Choose Pause")
    assert rest.max_tokens == 7


def test_a_beginning_that_was_asked_for_is_kept() -> None:
    begun = Message(role="assistant", text="Sure. ")
    so_far = SoFar(Request(system="", messages=(*QUESTION.messages, begun), max_tokens=10))
    so_far.add("Choose")
    assert so_far.request().messages == (
        *QUESTION.messages,
        Message(role="assistant", text="Sure. Choose"),
    )


def test_one_token_at_least_is_asked_for() -> None:
    so_far = SoFar(QUESTION)
    for _ in range(12):
        so_far.add("w")
    assert so_far.request().max_tokens == 1


def test_after_a_restart_the_whole_answer_is_asked_for() -> None:
    so_far = SoFar(QUESTION)
    so_far.add("Choose")
    so_far.restart()
    assert so_far.request() is QUESTION
    assert so_far.text == ""


@given(TEXTS, TEXTS)
def test_wherever_it_broke_the_text_is_whole(before: list[str], after: list[str]) -> None:
    """A model that goes on begins with the white space that could not be sent along."""
    so_far = SoFar(QUESTION)
    for delta in before:
        so_far.add(delta)
    begun, whole = so_far.text, "".join(before) + "".join(after)
    so_far.request()
    kept = begun.rstrip()
    added = "".join(so_far.add(delta) for delta in [whole[len(kept) :]])
    if kept:
        assert begun + added == whole
    else:
        assert so_far.text == whole
