"""Measures of answers, by name. None of them applies to a record of a search alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.answers.answered import Answered, JudgeVerdict
from benchmarks.answers.citations import citation_precision, citation_recall
from benchmarks.answers.text import exact_match, rouge_l, rouge_tokens, squad_tokens, token_f1
from benchmarks.kinds import Kind
from benchmarks.records import Record

_NANO = 1_000_000_000

FAITHFULNESS, CORRECTNESS = "faithfulness", "correctness"
"""What a judge can be asked of an answer; the names of the measures are those of the verdicts."""

_WORST_CORRECTNESS, _BEST_CORRECTNESS = 1.0, 5.0


def worded(answers: Sequence[str]) -> bool:
    """Whether there is a reference in words to compare an answer with."""
    # One of signs alone has no tokens, and a refusal would be as good.
    return any(squad_tokens(text) and rouge_tokens(text) for text in answers)


def _alike(measure: Callable[[str, Sequence[str]], float], record: Record, on: Answered) -> float:
    # A failure is not the refusal that an unanswerable question asks for.
    return 0.0 if on.failed is not None else measure(on.said, record.answers)


def _cites(record: Record, on: Answered, measure: Callable[..., float]) -> float:
    documents = [passage.document_id for passage in record.passages]
    return measure(on.cited, documents, _relevant(record))


def _relevant(record: Record) -> frozenset[str]:
    return frozenset(name for name, grade in record.judgments.items() if grade > 0)


def _judged(record: Record) -> bool:
    return record.answerable and bool(_relevant(record))


def _offered(record: Record) -> bool:
    documents = {passage.document_id for passage in record.passages}
    return record.answerable and bool(_relevant(record) & documents)


def _known(record: Record) -> bool:
    return not record.answerable or worded(record.answers)


def _worded(record: Record) -> bool:
    return record.answerable and worded(record.answers)


def _answerable(record: Record) -> bool:
    return record.answerable


def _unanswerable(record: Record) -> bool:
    return not record.answerable


def _any(record: Record) -> bool:
    return True


def _of(
    score: Callable[[Record, Answered], float], applies: Callable[[Record], bool], **about: Any
) -> Kind:
    """A measure of what an answerer gave."""

    def scored(record: Record, cut: int | None) -> float:
        assert record.given is not None
        return float(score(record, record.given))

    return Kind(
        score=scored, applies=lambda record: record.given is not None and applies(record), **about
    )


def _texts(name: str, measure: Callable[[str, Sequence[str]], float]) -> dict[str, Kind]:
    def score(record: Record, on: Answered) -> float:
        return _alike(measure, record, on)

    return {name: _of(score, _known), f"{name}_answerable": _of(score, _worded, leads=True)}


def _amount(amount: Callable[[Record], float | None], decimals: int) -> Kind:
    """What something took; it applies where that is known."""
    return Kind(
        score=lambda record, cut: float(amount(record) or 0),
        applies=lambda record: amount(record) is not None,
        lower_is_better=True,
        decimals=decimals,
        best=None,
    )


def _spent(record: Record, field: str) -> float | None:
    return getattr(record.given.spent, field) if record.given else None


def _usd(nano: float | None) -> float | None:
    return None if nano is None else nano / _NANO


def _verdict(record: Record, name: str) -> JudgeVerdict | None:
    return (record.verdicts or {}).get(name)


def _has_score(record: Record, name: str) -> bool:
    verdict = _verdict(record, name)
    return verdict is not None and verdict.score is not None


def _score(record: Record, name: str) -> float:
    verdict = _verdict(record, name)
    # What was not answered was not judged.
    return _WORST_CORRECTNESS if verdict is None or verdict.score is None else verdict.score


def _correctness_known(record: Record) -> bool:
    if record.given is None or record.verdicts is None or not _worded(record):
        return False
    return record.given.declined or _has_score(record, CORRECTNESS)


def _unjudged(record: Record) -> float:
    verdicts = (record.verdicts or {}).values()
    return sum(verdict.score is None for verdict in verdicts) / len(verdicts)


def _judge_usd(record: Record) -> float | None:
    verdicts = record.verdicts
    return None if verdicts is None else sum(v.spent.cost_nano for v in verdicts.values()) / _NANO


ANSWERS: Mapping[str, Kind] = {
    "failed": _of(lambda record, on: on.failed is not None, _any, lower_is_better=True, leads=True),
    **_texts("exact_match", exact_match),
    **_texts("F1", token_f1),
    **_texts("ROUGE_L", rouge_l),
    "refusal_right": _of(
        lambda record, on: on.declined and on.failed is None, _unanswerable, leads=True
    ),
    "refusal_wrong": _of(
        lambda record, on: on.declined, _answerable, lower_is_better=True, leads=True
    ),
    "refusal_missed": _of(
        lambda record, on: not on.declined, _unanswerable, lower_is_better=True, leads=True
    ),
    "citation_precision": _of(lambda r, on: _cites(r, on, citation_precision), _judged),
    "citation_recall": _of(lambda r, on: _cites(r, on, citation_recall), _offered),
    "tokens_in": _amount(lambda record: _spent(record, "tokens_read"), 0),
    "tokens_out": _amount(lambda record: _spent(record, "tokens_out"), 0),
    "cost_usd": _amount(lambda record: _usd(_spent(record, "cost_nano")), 6),
    "TTFT_ms": _amount(lambda record: record.given.first_token_ms if record.given else None, 1),
    "total_ms": _amount(lambda record: record.given.total_ms if record.given else None, 1),
    FAITHFULNESS: Kind(
        score=lambda record, cut: _score(record, FAITHFULNESS),
        applies=lambda record: _has_score(record, FAITHFULNESS),
    ),
    CORRECTNESS: Kind(
        score=lambda record, cut: _score(record, CORRECTNESS),
        applies=_correctness_known,
        decimals=2,
        best=_BEST_CORRECTNESS,
    ),
    "unjudged": Kind(
        score=lambda record, cut: _unjudged(record),
        applies=lambda record: bool(record.verdicts),
        lower_is_better=True,
        leads=True,
    ),
    "judge_cost_usd": _amount(_judge_usd, 6),
}
"""`failed` is the share of questions that the gateway gave no answer to.

`exact_match`, `F1` and `ROUGE_L` apply to all questions, as in SQuAD 2.0, where a refusal is the
right answer to an unanswerable question and the wrong one to any other: who always refuses scores
the share of unanswerable questions. Those named `_answerable` leave these out. None of the six
applies to an answerable question without a reference in words, and a failure scores 0 by all.

`refusal_right` is the share of unanswerable questions that were refused, `refusal_missed` of those
that were answered; a failure is neither. `refusal_wrong` is the share of answerable questions that
got no answer, failures among them.

`citation_precision` applies to answerable questions with a relevant document, and
`citation_recall` to those whose prompt had a passage of one; no answer scores 0 by both.

`tokens_in` (those of the prompt cache among them), `tokens_out` and `cost_usd` apply where they
are known, not to failures; `total_ms` to all questions, and `TTFT_ms` to streamed answers.

`faithfulness` (0 or 1) applies to answers with a verdict. `correctness` (1 to 5) applies to
answerable questions with a reference in words: no answer scores 1, and an answer without a verdict
is left out. `unjudged` is the share of verdicts that could not be read, or that the judge failed
to give, and `judge_cost_usd` is apart from what answers cost."""
