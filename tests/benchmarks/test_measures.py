from collections.abc import Callable
from fractions import Fraction
from math import log2

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.datasets import Span
from benchmarks.errors import MeasureError, RecordsError
from benchmarks.measures import PerQuestion, parse, valid_names
from benchmarks.records import Record

MakeRecord = Callable[..., Record]

SPANS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 15)).map(
        lambda span: (span[0], span[1], span[1] + span[2])
    ),
    max_size=5,
)


def score(name: str, record: Record) -> float:
    measure = parse(name)
    assert isinstance(measure, PerQuestion)
    assert measure.applies(record)
    return measure.score(record)


def spans(*ranges: tuple[str, int, int]) -> tuple[Span, ...]:
    return tuple(Span(document_id=name, start=start, end=end) for name, start, end in ranges)


@pytest.mark.parametrize(
    "name", ["nDCG@10", "recall@5", "hit@1", "MRR", "MRR@10", "token_IoU", "answerable_AUROC"]
)
def test_a_measure_is_parsed_from_its_repr(name: str) -> None:
    assert repr(parse(name)) == name
    assert parse(name) == parse(repr(parse(name)))


@pytest.mark.parametrize("name", ["nDCG", "ndcg@10", "nDCG@0", "hit@", "token_IoU@5", "", "MRR@x"])
def test_what_is_no_measure_is_refused(name: str) -> None:
    with pytest.raises(MeasureError):
        parse(name)


def test_the_error_lists_the_valid_names() -> None:
    with pytest.raises(MeasureError, match=r"nDCG@k.*MRR or MRR@k.*token_recall.*answerable_AUROC"):
        parse("precision@3")
    assert len(valid_names()) == len(set(valid_names()))


def test_ndcg_has_linear_gains(make_record: MakeRecord) -> None:
    record = make_record(found=["b", "x", "a"], judgments={"a": 3, "b": 1, "c": 0})
    gained, best = 1 + 3 / log2(4), 3 + 1 / log2(3)
    assert score("nDCG@10", record) == pytest.approx(gained / best)
    assert score("nDCG@1", record) == pytest.approx(float(Fraction(1, 3)))


def test_the_ideal_order_is_cut_as_the_ranking_is(make_record: MakeRecord) -> None:
    record = make_record(found=["a"], judgments={"a": 1, "b": 1, "c": 1})
    assert score("nDCG@1", record) == 1.0


def test_recall_hit_and_reciprocal_rank(make_record: MakeRecord) -> None:
    record = make_record(found=["x", "y", "a", "b"], judgments={"a": 1, "b": 2, "c": 1})
    assert score("recall@3", record) == pytest.approx(float(Fraction(1, 3)))
    assert score("recall@4", record) == pytest.approx(float(Fraction(2, 3)))
    assert score("hit@2", record) == 0.0
    assert score("hit@3", record) == 1.0
    assert score("MRR", record) == pytest.approx(float(Fraction(1, 3)))
    assert score("MRR@2", record) == 0.0


def test_a_question_without_results_scores_zero(make_record: MakeRecord) -> None:
    record = make_record(judgments={"a": 1}, references=spans(("a", 0, 5)))
    names = ["nDCG@10", "recall@10", "hit@1", "MRR", "answered", "tokens"]
    names += ["token_recall", "token_precision", "token_IoU"]
    assert {name: score(name, record) for name in names} == dict.fromkeys(names, 0.0)


def test_token_measures_by_hand(make_record: MakeRecord) -> None:
    # 10 of 20 wanted characters are found; 30 are returned, 10 wanted ones are missed.
    record = make_record(
        returned=[("a", 10, 30), ("b", 0, 10)], references=spans(("a", 20, 30), ("a", 40, 50))
    )
    assert score("token_recall", record) == pytest.approx(float(Fraction(10, 20)))
    assert score("token_precision", record) == pytest.approx(float(Fraction(10, 30)))
    assert score("token_IoU", record) == pytest.approx(float(Fraction(10, 30 + 10)))


def test_what_is_returned_twice_counts_twice_as_returned(make_record: MakeRecord) -> None:
    record = make_record(returned=[("a", 0, 10), ("a", 5, 15)], references=spans(("a", 5, 10)))
    assert score("token_recall", record) == 1.0
    assert score("token_precision", record) == pytest.approx(float(Fraction(5, 20)))
    assert score("token_IoU", record) == pytest.approx(float(Fraction(5, 20)))


def test_a_span_is_of_its_document(make_record: MakeRecord) -> None:
    record = make_record(returned=[("b", 0, 10)], references=spans(("a", 0, 10)))
    assert score("token_recall", record) == 0.0


@given(returned=SPANS, wanted=SPANS.filter(bool))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_token_measures_agree_with_sets_of_characters(
    make_record: MakeRecord,
    returned: list[tuple[str, int, int]],
    wanted: list[tuple[str, int, int]],
) -> None:
    record = make_record(returned=returned, references=spans(*wanted))
    there = {(name, at) for name, start, end in returned for at in range(start, end)}
    needed = [(name, at) for name, start, end in wanted for at in range(start, end)]
    size = sum(end - start for _, start, end in returned)
    common = len(there & set(needed))
    missed = sum(character not in there for character in needed)
    assert score("token_recall", record) == pytest.approx(common / len(needed))
    assert score("token_precision", record) == pytest.approx(common / size if size else 0)
    assert score("token_IoU", record) == pytest.approx(common / (size + missed))


def test_ranking_measures_leave_out_unanswerable_questions(make_record: MakeRecord) -> None:
    records = [
        make_record(found=["a"], judgments={"a": 1}),
        make_record(query_id="q2", found=["a"], answerable=False, answered=True),
    ]
    hit, abstained = parse("hit@1").estimate(records), parse("abstained").estimate(records)
    assert hit is not None
    assert (hit.value, hit.queries) == (1.0, 1)
    assert abstained is not None
    assert (abstained.value, abstained.queries) == (0.0, 1)
    assert parse("token_recall").estimate(records) is None


def test_auroc_is_over_answerable_and_unanswerable_questions(make_record: MakeRecord) -> None:
    records = [
        make_record(query_id=str(number), relevance=relevance, answerable=answerable)
        for number, (relevance, answerable) in enumerate(
            [(0.9, True), (0.4, True), (0.4, False), (0.1, False)]
        )
    ]
    estimate = parse("answerable_AUROC").estimate(records)
    assert estimate is not None
    # Of the four pairs three are in order and one is level.
    assert estimate.value == pytest.approx(float(Fraction(7, 8)))
    assert parse("answerable_AUROC").estimate(records[:2]) is None


def test_runs_over_other_questions_are_not_compared(make_record: MakeRecord) -> None:
    ours, theirs = [make_record(query_id="q1")], [make_record(query_id="q2")]
    with pytest.raises(RecordsError, match="not over the same questions"):
        parse("tokens").difference(ours, theirs)


def test_a_difference_pairs_by_question_and_not_by_place(make_record: MakeRecord) -> None:
    ours = [make_record(query_id=name, returned=[("a", 0, 9)]) for name in ("q1", "q2")]
    theirs = [
        make_record(query_id="q2", returned=[("a", 0, 9)]),
        make_record(query_id="q1", returned=[("a", 0, 5)]),
    ]
    difference = parse("tokens").difference(ours, theirs)
    assert difference is not None
    assert (difference.low, difference.value, difference.high) == (0.0, 2.0, 4.0)
