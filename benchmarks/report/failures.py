"""The questions that a system did worst on, with what it returned: what to read next."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from benchmarks.answers.answered import Answered, JudgeVerdict
from benchmarks.measures import Measure, PerQuestion
from benchmarks.records import Record

_PASSAGES = 3
_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A record, and the score that lists it."""

    record: Record
    measure: PerQuestion
    score: float

    def to_json(self) -> dict[str, Any]:
        """One object of what `report --json --failures N` prints: the record with its fields, as
        `benchmarks.records` has them."""
        return {"measure": repr(self.measure), "score": self.score, "record": asdict(self.record)}


def failures(
    records: Iterable[Record], measures: Sequence[Measure], limit: int
) -> tuple[Failure, ...]:
    """At most `limit` records below the best score, the worst first.

    A record is scored by the first of the measures that has a best score, leads where one that
    leads does, and applies to it; so an unanswerable question can fail by `abstained` beside
    questions that fail by nDCG.
    """
    scored = [
        measure
        for measure in sorted(measures, key=lambda measure: not measure.leads)
        if isinstance(measure, PerQuestion) and measure.best and not measure.lower_is_better
    ]
    found = []
    for record in records:
        measure = next((measure for measure in scored if measure.applies(record)), None)
        if measure is not None and (score := measure.score(record)) < (measure.best or 0):
            found.append(Failure(record=record, measure=measure, score=score))
    return tuple(sorted(found, key=_share)[:limit])


def _share(failure: Failure) -> float:
    return failure.score / (failure.measure.best or 1)


def print_failures(found: Iterable[Failure], console: Console) -> None:
    """Print each failure's question, what was wanted, and the first of what came back."""
    for failure in found:
        record = failure.record
        score = f"{failure.measure!r} {failure.score:.3f}"
        title = f"{record.dataset} {record.key.system} {record.query_id}"
        console.print(f"[bold]{escape(title)}[/bold]  {escape(score)}")
        console.print(f"  question  {escape(_short(record.question))}")
        console.print(f"  wanted    {escape(_wanted(record))}")
        for answer in record.answers if record.given else ():
            console.print(f"  reference {escape(_short(answer))}")
        if record.given:
            console.print(f"  answer    {escape(_answer(record.given))}")
        for name, verdict in (record.verdicts or {}).items():
            console.print(f"  judge     {escape(_judge(name, verdict))}")
        console.print(f"  ranked    {escape(_ranked(record))}")
        for passage in record.passages[:_PASSAGES]:
            span = f"{passage.document_id}[{passage.start}:{passage.end}] {passage.relevance:.2f}"
            console.print(f"  returned  {escape(span)} {escape(_short(passage.text))}")
        if not record.passages:
            console.print(f"  returned  nothing: {escape(record.reason or 'no reason given')}")
        console.print()


def _wanted(record: Record) -> str:
    if not record.answerable:
        return "no answer"
    if record.references:
        spans = record.references
        return ", ".join(f"{span.document_id}[{span.start}:{span.end}]" for span in spans)
    return ", ".join(name for name, grade in record.judgments.items() if grade > 0)


def _answer(given: Answered) -> str:
    if given.failed is not None:
        return f"failed: {given.failed}"
    if given.declined:
        return f"none: {given.reason or 'no reason given'}"
    cited = "".join(f"[{number}]" for number in given.cited)
    return f"{_short(given.text)} {cited}".rstrip()


def _judge(name: str, verdict: JudgeVerdict) -> str:
    score = "no verdict" if verdict.score is None else f"{verdict.score:g}"
    return f"{name} {score}: {_short(verdict.failed or verdict.feedback)}"


def _ranked(record: Record) -> str:
    if not record.ranked:
        return "nothing"
    first = record.ranked[:_PASSAGES]
    return ", ".join(f"{found.document_id} {found.score:.3f}" for found in first)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CHARACTERS else f"{line[:_CHARACTERS]}..."
