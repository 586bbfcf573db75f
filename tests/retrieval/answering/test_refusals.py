"""What of a model's text is a refusal."""

from dataclasses import replace

import pytest

from retrieval.answering import REFUSAL, Refusals
from tests.retrieval.answering.passages import passage


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


@pytest.mark.parametrize(
    "text",
    [
        f"{REFUSAL} [1]",
        f"{REFUSAL}\n\nThe passages say only this.",
        f"Sure.\n\n{REFUSAL}",
        f"The passages are about billing [1]. {REFUSAL}",
    ],
)
def test_a_text_with_the_word_is_a_refusal_wherever_it_stands(text: str) -> None:
    assert Refusals().is_refusal(text)
    assert Refusals().may_be_refusal(text)


@pytest.mark.parametrize("where", ["text", "title", "heading_path"])
def test_the_passages_own_word_is_looked_for_in_all_that_the_prompt_has(where: str) -> None:
    found = passage("Nobody picked up.")
    assert not Refusals.of([found]).theirs
    if where == "text":
        found = replace(found, text=f"{REFUSAL}: nobody picked up.")
    elif where == "title":
        found = replace(found, document=replace(found.document, title=f"About {REFUSAL}"))
    else:
        found = replace(found, heading_path=("States", REFUSAL))
    assert Refusals.of([passage("Another one."), found]).theirs


def test_an_answer_may_be_about_the_word_where_the_passages_have_it() -> None:
    text = f"{REFUSAL} means that nobody picked up [1]."
    assert not Refusals(theirs=True).is_refusal(text)
    assert not Refusals(theirs=True).may_be_refusal(text)


@pytest.mark.parametrize("text", ["no_answer", "NO ANSWER", "", "..."])
def test_anything_else_is_no_refusal(text: str) -> None:
    assert not Refusals().is_refusal(text)


def test_a_stream_is_told_from_a_refusal_by_its_first_other_letter() -> None:
    assert Refusals().may_be_refusal('"NO_A')
    assert Refusals().may_be_refusal("<ans")
    assert not Refusals().may_be_refusal("NO_Way")
    assert not Refusals().may_be_refusal("Not so")
    assert not Refusals().may_be_refusal("<b>Not")
