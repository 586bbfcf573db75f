"""The questions that a system did worst on, with what it returned: what to read next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

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


def failures(
    records: Iterable[Record], measures: Sequence[Measure], limit: int
) -> tuple[Failure, ...]:
    """At most `limit` records below 1, the worst first.

    A record is scored by the first of the measures that is a share of 1 and applies to it; so an
    unanswerable question can fail by `abstained` beside questions that fail by nDCG.
    """
    shares = [
        measure
        for measure in measures
        if isinstance(measure, PerQuestion) and not measure.lower_is_better
    ]
    found = []
    for record in records:
        measure = next((measure for measure in shares if measure.applies(record)), None)
        if measure is not None and (score := measure.score(record)) < 1:
            found.append(Failure(record=record, measure=measure, score=score))
    return tuple(sorted(found, key=lambda failure: failure.score)[:limit])


def print_failures(found: Iterable[Failure], console: Console) -> None:
    """Print each failure's question, what was wanted, and the first of what came back."""
    for failure in found:
        record = failure.record
        score = f"{failure.measure!r} {failure.score:.3f}"
        title = f"{record.dataset} {record.key.system} {record.query_id}"
        console.print(f"[bold]{escape(title)}[/bold]  {escape(score)}")
        console.print(f"  question  {escape(_short(record.question))}")
        console.print(f"  wanted    {escape(_wanted(record))}")
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


def _ranked(record: Record) -> str:
    if not record.ranked:
        return "nothing"
    first = record.ranked[:_PASSAGES]
    return ", ".join(f"{found.document_id} {found.score:.3f}" for found in first)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CHARACTERS else f"{line[:_CHARACTERS]}..."
