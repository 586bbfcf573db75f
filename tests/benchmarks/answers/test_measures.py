from fractions import Fraction
from typing import Any

import pytest

from benchmarks.answers.answered import JudgeVerdict, Spent
from benchmarks.answers.measures import ANSWERS
from benchmarks.errors import MeasureError, RecordsError
from benchmarks.measures import PerQuestion, parse
from benchmarks.records import Record
from tests.benchmarks.answers.conftest import Answers

TEXT = ["exact_match", "F1", "ROUGE_L"]
ANSWERABLE = [f"{name}_answerable" for name in TEXT]
CITATIONS = ["citation_precision", "citation_recall"]
REFUSALS = ["refusal_right", "refusal_wrong", "refusal_missed"]
PAID = ["tokens_in", "tokens_out", "cost_usd", "TTFT_ms", "total_ms"]
JUDGED = ["faithfulness", "correctness"]
MISSING = ["failed", "unjudged"]


def measure(name: str) -> PerQuestion:
    found = parse(name)
    assert isinstance(found, PerQuestion)
    return found


def scores(record: Record) -> dict[str, float]:
    """Every measure of answers that applies, by name."""
    measures = map(measure, ANSWERS)
    return {repr(each): each.score(record) for each in measures if each.applies(record)}


def test_a_measure_is_parsed_from_its_repr() -> None:
    names = TEXT + ANSWERABLE + CITATIONS + REFUSALS + PAID + JUDGED + MISSING + ["judge_cost_usd"]
    assert sorted(ANSWERS) == sorted(names)
    for name in names:
        assert repr(parse(name)) == name


@pytest.mark.parametrize("name", ["f1", "F1@5", "faithful"])
def test_the_error_lists_the_valid_names(name: str) -> None:
    with pytest.raises(MeasureError, match=r"valid: nDCG@k.*F1, .*judge_cost_usd|takes no cut"):
        parse(name)


def test_only_what_an_answerer_should_do_more_of_is_better_when_higher() -> None:
    lower = [name for name in ANSWERS if measure(name).lower_is_better]
    worse = ["refusal_wrong", "refusal_missed", "judge_cost_usd"]
    assert sorted(lower) == sorted([*worse, *MISSING, *PAID])


def test_what_leads_is_what_always_refusing_does_not_help() -> None:
    leading = [name for name in ANSWERS if measure(name).leads]
    assert sorted(leading) == sorted([*ANSWERABLE, *REFUSALS, *MISSING])


def test_the_scores_of_an_answer(answers: Answers) -> None:
    spent = Spent(
        tokens_in=700,
        tokens_cache_read=150,
        tokens_cache_write=50,
        tokens_out=40,
        cost_nano=2_500_000,
    )
    record = answers(
        "Back to the card.",
        cited=(1, 2),
        spent=spent,
        first_token_ms=310.0,
        total_ms=900.0,
        answers=("it goes back to your card",),
        returned=[("refund", 0, 5), ("wifi", 0, 5)],
        judgments={"refund": 1},
    )
    f1, rouge = float(Fraction(2 * 3, 3 + 6)), float(Fraction(2 * 3, 4 + 6))
    assert scores(record) == pytest.approx(
        {
            "failed": 0.0,
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


def test_no_measure_of_answers_applies_where_nobody_answers(make_record: Any) -> None:
    assert scores(make_record(answers=("five days",), judgments={"a": 1})) == {}


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
    answers: Answers, refused: bool, answerable: bool, value: dict[str, float]
) -> None:
    # What a refusal says does not matter, even where it has the words of the reference.
    wanted = ("five days",) if answerable else ()
    found = scores(answers("five days", refused=refused, answers=wanted, answerable=answerable))
    assert {name: found[name] for name in found if name in [*REFUSALS, "F1", "F1_answerable"]} == (
        value
    )


def test_a_blank_answer_is_a_refusal(answers: Answers) -> None:
    assert scores(answers(" \n", answerable=False))["refusal_right"] == 1.0
    assert scores(answers(""))["refusal_wrong"] == 1.0


def test_a_failure_is_never_right_and_counts_with_what_it_cost(answers: Answers) -> None:
    spent = Spent(tokens_in=9, tokens_cache_read=1, tokens_out=2, cost_nano=3000)
    failure: dict[str, Any] = {"failed": "ExhaustedError: all", "spent": spent}
    took = {"tokens_in": 10.0, "tokens_out": 2.0, "cost_usd": 3e-6, "total_ms": 0.0}
    unanswerable = scores(answers(**failure, answerable=False))
    assert unanswerable == {
        **dict.fromkeys(TEXT, 0.0),
        "failed": 1.0,
        "refusal_right": 0.0,
        "refusal_missed": 0.0,
        **took,
    }
    answerable = scores(answers(**failure, answers=("five days",)))
    assert answerable == {
        **dict.fromkeys(TEXT + ANSWERABLE, 0.0),
        "failed": 1.0,
        "refusal_wrong": 1.0,
        **took,
    }


def test_citations_are_not_asked_of_an_unanswerable_question(answers: Answers) -> None:
    record = answers("five", cited=(1,), returned=[("refund", 0, 5)], answerable=False)
    assert not set(CITATIONS + ANSWERABLE) & set(scores(record))


def test_recall_is_not_asked_where_the_prompt_had_nothing_relevant(answers: Answers) -> None:
    found = scores(
        answers("five", cited=(1,), returned=[("wifi", 0, 5)], judgments={"refund": 1, "wifi": 0})
    )
    assert found["citation_precision"] == 0.0
    assert "citation_recall" not in found


def test_a_refusal_cites_nothing(answers: Answers) -> None:
    found = scores(answers(refused=True, returned=[("refund", 0, 5)], judgments={"refund": 1}))
    assert (found["citation_precision"], found["citation_recall"]) == (0.0, 0.0)


@pytest.mark.parametrize("wanted", [(), ("",), ("the",), ("€",)])
def test_texts_are_not_compared_without_a_reference_in_words(
    answers: Answers, wanted: tuple[str, ...]
) -> None:
    assert not set(TEXT + ANSWERABLE) & set(scores(answers("five days", answers=wanted)))


def verdicts(**said: float | None) -> dict[str, JudgeVerdict]:
    spent = Spent(cost_nano=1_000)
    return {
        name: JudgeVerdict(score=score, feedback="", spent=spent) for name, score in said.items()
    }


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (
            {"faithfulness": 1.0, "correctness": 4.5},
            {"faithfulness": 1.0, "correctness": 4.5, "unjudged": 0.0, "judge_cost_usd": 2e-6},
        ),
        (
            {"faithfulness": 0.0, "correctness": None},
            {"faithfulness": 0.0, "unjudged": 0.5, "judge_cost_usd": 2e-6},
        ),
        ({"faithfulness": None}, {"unjudged": 1.0, "judge_cost_usd": 1e-6}),
    ],
)
def test_a_verdict_that_is_missing_is_counted_and_not_scored(
    answers: Answers, said: dict[str, float | None], value: dict[str, float]
) -> None:
    found = scores(answers("five", answers=("five days",), verdicts=verdicts(**said)))
    assert {
        name: found[name] for name in [*JUDGED, "unjudged", "judge_cost_usd"] if name in found
    } == (pytest.approx(value))


@pytest.mark.parametrize("fields", [{"refused": True}, {"failed": "ExhaustedError"}])
def test_no_answer_has_the_lowest_correctness_without_asking_the_judge(
    answers: Answers, fields: dict[str, Any]
) -> None:
    found = scores(answers(**fields, answers=("five days",), verdicts={}))
    assert found["correctness"] == 1.0
    assert found["judge_cost_usd"] == 0.0
    assert not {"faithfulness", "unjudged"} & set(found)
    assert "correctness" not in scores(answers(**fields, answerable=False, verdicts={}))
    assert "correctness" not in scores(answers(**fields, answers=("five days",)))


def test_the_mean_is_over_the_questions_that_apply(answers: Answers) -> None:
    both = [
        answers("five days", answers=("five days",)),
        answers("five", answers=("five days",)),
        answers(refused=True, answerable=False),
    ]
    overall, answerable = parse("F1").estimate(both), parse("F1_answerable").estimate(both)
    assert overall is not None
    assert answerable is not None
    # 1, 2/3, and 1 for the refusal that is right.
    assert overall.value == pytest.approx(float(Fraction(8, 9)))
    assert answerable.value == pytest.approx(float(Fraction(5, 6)))
    assert (overall.queries, answerable.queries) == (3, 2)
    assert parse("TTFT_ms").estimate(both) is None


def test_a_difference_is_over_what_both_can_be_measured_on(answers: Answers) -> None:
    def run(*first_token_ms: float | None) -> list[Record]:
        return [
            answers("five", query_id=f"q{number}", first_token_ms=value)
            for number, value in enumerate(first_token_ms)
        ]

    ours, theirs = run(200.0, 200.0, None), run(300.0, None, None)
    difference = parse("TTFT_ms").difference(ours, theirs)
    assert difference is not None
    assert (difference.value, difference.queries) == (-100.0, 1)
    assert parse("TTFT_ms").difference(theirs[1:], ours[1:]) is None
    with pytest.raises(RecordsError, match="not over the same questions"):
        parse("F1").difference(ours, theirs[:1])
