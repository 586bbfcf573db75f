from fractions import Fraction
from typing import Any

import pytest

from benchmarks.answers import Case, parse, score, valid_names
from benchmarks.errors import MeasureError, RecordsError
from tests.benchmarks.answers.conftest import MakeAnswered, MakeExpected

TEXT = ["exact_match", "F1", "ROUGE_L"]
ANSWERABLE = [f"{name}_answerable" for name in TEXT]
CITATIONS = ["citation_precision", "citation_recall"]
REFUSALS = ["refusal_right", "refusal_wrong", "refusal_missed"]
PAID = ["tokens_in", "tokens_out", "cost_usd", "TTFT_ms", "total_ms"]


def test_a_measure_is_parsed_from_its_repr() -> None:
    assert sorted(valid_names()) == sorted(TEXT + ANSWERABLE + CITATIONS + REFUSALS + PAID)
    for name in valid_names():
        assert repr(parse(name)) == name
        assert parse(name) == parse(repr(parse(name)))


@pytest.mark.parametrize("name", ["", "f1", "F1@5", "nDCG@10"])
def test_the_error_lists_the_valid_names(name: str) -> None:
    with pytest.raises(MeasureError, match=r"valid: exact_match, F1.*total_ms"):
        parse(name)


def test_only_what_an_answerer_should_do_more_of_is_better_when_higher() -> None:
    lower = [name for name in valid_names() if parse(name).lower_is_better]
    assert sorted(lower) == sorted(["refusal_wrong", "refusal_missed", *PAID])


def test_the_scores_of_an_answer(answered: MakeAnswered, expected: MakeExpected) -> None:
    given = answered(
        "Back to the card.",
        passages={"p1": "refund", "p2": "wifi"},
        citations=("p1", "p2"),
        tokens_in=900,
        tokens_out=40,
        cost_nano=2_500_000,
        first_token_ms=310.0,
        total_ms=900.0,
    )
    wanted = expected("it goes back to your card", relevant=frozenset({"refund"}))
    f1, rouge = float(Fraction(2 * 3, 3 + 6)), float(Fraction(2 * 3, 4 + 6))
    assert score(given, wanted) == pytest.approx(
        {
            "exact_match": 0.0,
            "F1": f1,
            "ROUGE_L": rouge,
            "exact_match_answerable": 0.0,
            "F1_answerable": f1,
            "ROUGE_L_answerable": rouge,
            "citation_precision": 0.5,
            "citation_recall": 1.0,
            "refusal_wrong": 0.0,
            "tokens_in": 900.0,
            "tokens_out": 40.0,
            "cost_usd": 0.0025,
            "TTFT_ms": 310.0,
            "total_ms": 900.0,
        }
    )


@pytest.mark.parametrize(
    ("refused", "answerable", "value"),
    [
        (True, False, {"F1": 1.0, "refusal_right": 1.0, "refusal_missed": 0.0}),
        (False, False, {"F1": 0.0, "refusal_right": 0.0, "refusal_missed": 1.0}),
        (True, True, {"F1": 0.0, "F1_answerable": 0.0, "refusal_wrong": 1.0}),
        (False, True, {"F1": 1.0, "F1_answerable": 1.0, "refusal_wrong": 0.0}),
    ],
)
def test_refusals(
    answered: MakeAnswered,
    expected: MakeExpected,
    refused: bool,
    answerable: bool,
    value: dict[str, float],
) -> None:
    # What a refusal says does not matter, even where it has the words of the reference.
    given = answered("five days", refused=refused)
    wanted = expected(*(["five days"] if answerable else []), answerable=answerable)
    found = score(given, wanted)
    assert {name: found[name] for name in found if name in [*REFUSALS, "F1", "F1_answerable"]} == (
        value
    )


def test_a_blank_answer_is_a_refusal(answered: MakeAnswered, expected: MakeExpected) -> None:
    assert score(answered(" \n"), expected(answerable=False))["refusal_right"] == 1.0
    assert score(answered(""), expected("five days"))["refusal_wrong"] == 1.0


def test_citations_are_not_asked_of_an_unanswerable_question(
    answered: MakeAnswered, expected: MakeExpected
) -> None:
    given = answered("five", passages={"p1": "refund"}, citations=("p1",))
    assert not set(CITATIONS + ANSWERABLE) & set(score(given, expected(answerable=False)))


def test_recall_is_not_asked_where_the_prompt_had_nothing_relevant(
    answered: MakeAnswered, expected: MakeExpected
) -> None:
    wanted = expected("five days", relevant=frozenset({"refund"}))
    found = score(answered("five", passages={"p1": "wifi"}, citations=("p1",)), wanted)
    assert found["citation_precision"] == 0.0
    assert "citation_recall" not in found


def test_a_refusal_cites_nothing(answered: MakeAnswered, expected: MakeExpected) -> None:
    wanted = expected("five days", relevant=frozenset({"refund"}))
    found = score(answered(refused=True, passages={"p1": "refund"}), wanted)
    assert (found["citation_precision"], found["citation_recall"]) == (0.0, 0.0)


@pytest.mark.parametrize("answers", [(), ("",), ("the",), ("€",)])
def test_texts_are_not_compared_without_a_reference_in_words(
    answered: MakeAnswered, expected: MakeExpected, answers: tuple[str, ...]
) -> None:
    assert not set(TEXT + ANSWERABLE) & set(score(answered("five days"), expected(*answers)))


def test_an_answer_to_another_question_is_refused(
    answered: MakeAnswered, expected: MakeExpected
) -> None:
    with pytest.raises(ValueError, match="to question 'q2', not 'q1'"):
        score(answered(question_id="q2"), expected())


def cases(answered: MakeAnswered, expected: MakeExpected, *given: dict[str, Any]) -> list[Case]:
    return [
        Case(answered(**{**fields, "question_id": name}), expected("five days", question_id=name))
        for name, fields in zip(["q1", "q2", "q3"], given, strict=False)
    ]


def test_the_mean_is_over_the_questions_that_apply(
    answered: MakeAnswered, expected: MakeExpected
) -> None:
    both = [
        Case(answered("five days"), expected("five days")),
        Case(answered("five"), expected("five days")),
        Case(answered(refused=True), expected(answerable=False)),
    ]
    overall, answerable = parse("F1").estimate(both), parse("F1_answerable").estimate(both)
    assert overall is not None
    assert answerable is not None
    # 1, 2/3, and 1 for the refusal that is right.
    assert overall.value == pytest.approx(float(Fraction(8, 9)))
    assert answerable.value == pytest.approx(float(Fraction(5, 6)))
    assert (overall.queries, answerable.queries) == (3, 2)
    assert parse("TTFT_ms").estimate(both) is None


def test_a_difference_pairs_by_question_and_not_by_place(
    answered: MakeAnswered, expected: MakeExpected
) -> None:
    ours = cases(answered, expected, {"text": "five days"}, {"text": "six"})
    theirs = cases(answered, expected, {"text": "six"}, {"text": "six"})[::-1]
    difference = parse("F1").difference(ours, theirs)
    assert difference is not None
    assert (difference.low, difference.value, difference.high) == (0.0, 0.5, 1.0)


def test_a_difference_is_over_what_both_can_be_measured_on(
    answered: MakeAnswered, expected: MakeExpected
) -> None:
    streamed, plain = {"first_token_ms": 200.0}, {"first_token_ms": None}
    ours = cases(answered, expected, streamed, streamed, plain)
    theirs = cases(answered, expected, {"first_token_ms": 300.0}, plain, plain)
    difference = parse("TTFT_ms").difference(ours, theirs)
    assert difference is not None
    assert (difference.value, difference.queries) == (-100.0, 1)
    assert parse("TTFT_ms").difference(theirs[1:], ours[1:]) is None


def test_answerers_asked_other_questions_are_not_compared(
    answered: MakeAnswered, expected: MakeExpected
) -> None:
    ours = cases(answered, expected, {}, {})
    with pytest.raises(RecordsError, match="not asked the same questions"):
        parse("F1").difference(ours, ours[:1])
