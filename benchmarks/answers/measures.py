"""Measures of answers as values, like those of `benchmarks.measures`.

A measure's repr is its identity, column name and what `parse` reads. Every value is of one
question, so that `benchmarks.statistics` can average it, and compare two answerers in pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks import statistics
from benchmarks.answers.answered import Answered
from benchmarks.answers.citations import citation_precision, citation_recall, offered
from benchmarks.answers.expected import Expected
from benchmarks.answers.text import exact_match, rouge_l, rouge_tokens, squad_tokens, token_f1
from benchmarks.errors import MeasureError, RecordsError
from benchmarks.statistics import Difference, Estimate

_NANO = 1_000_000_000


class Case(NamedTuple):
    """An answer, and what is wanted of its question."""

    answered: Answered
    expected: Expected


_Score = Callable[[Answered, Expected], float]


def _alike(measure: Callable[[str, Sequence[str]], float]) -> _Score:
    return lambda answered, expected: measure(answered.said, expected.answers)


def _precision(answered: Answered, expected: Expected) -> float:
    return citation_precision(answered.citations, answered.passages, expected.relevant)


def _recall(answered: Answered, expected: Expected) -> float:
    return citation_recall(answered.citations, answered.passages, expected.relevant)


def _declined(answered: Answered, expected: Expected) -> float:
    return float(answered.declined)


def _answerable(answered: Answered, expected: Expected) -> bool:
    return expected.answerable


def _unanswerable(answered: Answered, expected: Expected) -> bool:
    return not expected.answerable


def _worded(answered: Answered, expected: Expected) -> bool:
    # A reference of signs alone has no tokens, and a refusal would be as good.
    words = any(squad_tokens(text) and rouge_tokens(text) for text in expected.answers)
    return expected.answerable and words


def _known(answered: Answered, expected: Expected) -> bool:
    return not expected.answerable or _worded(answered, expected)


def _judged(answered: Answered, expected: Expected) -> bool:
    return expected.answerable and bool(expected.relevant)


def _offered(answered: Answered, expected: Expected) -> bool:
    return expected.answerable and bool(offered(answered.passages, expected.relevant))


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """What is behind a name."""

    score: _Score
    applies: Callable[[Answered, Expected], bool]
    lower_is_better: bool = False
    decimals: int = 3


def _paid(amount: Callable[[Answered], float | None], decimals: int) -> _Kind:
    """What an answer took of something; it applies where the amount is known."""
    return _Kind(
        score=lambda answered, expected: float(amount(answered) or 0),
        applies=lambda answered, expected: amount(answered) is not None,
        lower_is_better=True,
        decimals=decimals,
    )


_KINDS: dict[str, _Kind] = {
    "exact_match": _Kind(score=_alike(exact_match), applies=_known),
    "F1": _Kind(score=_alike(token_f1), applies=_known),
    "ROUGE_L": _Kind(score=_alike(rouge_l), applies=_known),
    "exact_match_answerable": _Kind(score=_alike(exact_match), applies=_worded),
    "F1_answerable": _Kind(score=_alike(token_f1), applies=_worded),
    "ROUGE_L_answerable": _Kind(score=_alike(rouge_l), applies=_worded),
    "citation_precision": _Kind(score=_precision, applies=_judged),
    "citation_recall": _Kind(score=_recall, applies=_offered),
    "refusal_right": _Kind(score=_declined, applies=_unanswerable),
    "refusal_wrong": _Kind(score=_declined, applies=_answerable, lower_is_better=True),
    "refusal_missed": _Kind(
        score=lambda answered, expected: 1 - _declined(answered, expected),
        applies=_unanswerable,
        lower_is_better=True,
    ),
    "tokens_in": _paid(lambda answered: answered.tokens_in, 0),
    "tokens_out": _paid(lambda answered: answered.tokens_out, 0),
    "cost_usd": _paid(lambda answered: answered.cost_nano / _NANO, 6),
    "TTFT_ms": _paid(lambda answered: answered.first_token_ms, 1),
    "total_ms": _paid(lambda answered: answered.total_ms, 1),
}


@dataclass(frozen=True, kw_only=True, repr=False)
class AnswerMeasure:
    """The mean of one score a question; `name` is a key of the registry.

    `exact_match`, `F1` and `ROUGE_L` apply to all questions, as in SQuAD 2.0, where a refusal is
    the right answer to an unanswerable question and the wrong one to any other; those named
    `_answerable` leave the unanswerable ones out. None of the six applies to an answerable
    question without a reference in words.

    `citation_precision` applies to answerable questions with a relevant document, and
    `citation_recall` to those whose prompt had a passage of one; a refusal scores 0 by both.
    `refusal_right` is the share of unanswerable questions that were refused, `refusal_missed` of
    those that were answered, and `refusal_wrong` the share of answerable questions refused. The
    others apply to all questions, but `TTFT_ms` to streamed answers only.
    """

    name: str

    def __repr__(self) -> str:
        return self.name

    @property
    def lower_is_better(self) -> bool:
        """Whether the smaller of two values is the better one."""
        return _KINDS[self.name].lower_is_better

    @property
    def decimals(self) -> int:
        """How many decimals are worth showing."""
        return _KINDS[self.name].decimals

    def applies(self, answered: Answered, expected: Expected) -> bool:
        """Whether the question, and the answer to it, can be measured."""
        return _KINDS[self.name].applies(answered, expected)

    def score(self, answered: Answered, expected: Expected) -> float:
        """The score of one question that the measure applies to."""
        return _KINDS[self.name].score(answered, expected)

    def estimate(self, cases: Sequence[Case]) -> Estimate | None:
        """The mean over one answerer's cases, or None where none of them can be measured."""
        measured = [self.score(*case) for case in cases if self.applies(*case)]
        return statistics.mean(measured) if measured else None

    def difference(self, cases: Sequence[Case], baseline: Sequence[Case]) -> Difference | None:
        """The mean less the baseline's, over the questions that can be measured in both.

        It is None where there is no such question.

        Raises:
            RecordsError: the two answerers were not asked the same questions.
        """
        pairs = [
            (self.score(*ours), self.score(*theirs))
            for ours, theirs in _pairs(cases, baseline)
            if self.applies(*ours) and self.applies(*theirs)
        ]
        if not pairs:
            return None
        ours, theirs = zip(*pairs, strict=True)
        return statistics.mean_difference(ours, theirs)


def score(answered: Answered, expected: Expected) -> dict[str, float]:
    """Every measure that applies to the answer, by name.

    Raises:
        ValueError: the answer is to another question than what is expected.
    """
    if answered.question_id != expected.question_id:
        raise ValueError(
            f"the answer is to question {answered.question_id!r}, not {expected.question_id!r}"
        )
    return {
        name: kind.score(answered, expected)
        for name, kind in _KINDS.items()
        if kind.applies(answered, expected)
    }


def parse(text: str) -> AnswerMeasure:
    """The measure whose repr is `text`.

    Raises:
        MeasureError: there is none; the message lists the valid names.
    """
    if text not in _KINDS:
        raise MeasureError(f"no measure of answers {text!r}; valid: {', '.join(valid_names())}")
    return AnswerMeasure(name=text)


def valid_names() -> list[str]:
    """Every name that `parse` reads."""
    return list(_KINDS)


def _pairs(cases: Sequence[Case], baseline: Sequence[Case]) -> list[tuple[Case, Case]]:
    others = {case.expected.question_id: case for case in baseline}
    if others.keys() != {case.expected.question_id for case in cases}:
        raise RecordsError("the two answerers were not asked the same questions; run both again")
    return [(case, others[case.expected.question_id]) for case in cases]
