"""What of a model's text is a refusal."""

import pytest

from retrieval.answering import REFUSAL, Refusals


@pytest.mark.parametrize(
    "text",
    [
        REFUSAL,
        f" {REFUSAL}.\n",
        f'"{REFUSAL}"',
        f"\u201c{REFUSAL}.\u201d",
        f"**{REFUSAL}**",
        f"<answer>{REFUSAL}</answer>",
        f"- {REFUSAL}",
    ],
)
@pytest.mark.parametrize("refusals", [Refusals(), Refusals(theirs=True)])
def test_the_word_may_have_quotes_tags_and_punctuation_around_it(
    text: str, refusals: Refusals
) -> None:
    assert refusals.is_refusal(text)
    assert all(refusals.may_be_refusal(text[:end]) for end in range(len(text) + 1))


@pytest.mark.parametrize("more", [" [1]", "\n\nThe passages say only", " - not covered", " is it"])
def test_what_begins_with_the_word_is_a_refusal_whatever_follows(more: str) -> None:
    assert Refusals().is_refusal(REFUSAL + more)
    assert Refusals().may_be_refusal(REFUSAL + more)


def test_an_answer_may_be_about_the_word_where_the_passages_have_it() -> None:
    text = f"{REFUSAL} means that nobody picked up [1]."
    assert not Refusals(theirs=True).is_refusal(text)
    assert not Refusals(theirs=True).may_be_refusal(text)
    assert Refusals(theirs=True).without(text) == text


@pytest.mark.parametrize("text", ["no_answer", "NO ANSWER", "", "...", f"Sure. {REFUSAL}"])
def test_anything_else_is_no_refusal(text: str) -> None:
    assert not Refusals().is_refusal(text)


def test_a_stream_is_told_from_a_refusal_by_its_first_other_letter() -> None:
    assert Refusals().may_be_refusal('"NO_A')
    assert Refusals().may_be_refusal("<ans")
    assert not Refusals().may_be_refusal("NO_Way")
    assert not Refusals().may_be_refusal("Not so")
    assert not Refusals().may_be_refusal("<b>Not")
