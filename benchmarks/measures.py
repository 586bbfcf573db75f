"""Measures as values: their repr is identity, column name and what `parse` reads.

`nDCG@10` is `PerQuestion(name="nDCG", cut=10)`. A measure is taken over the questions that it
applies to, and over all of them: one without results scores its default. What each name means is
said in `benchmarks.kinds` and `benchmarks.answers.measures`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks import statistics
from benchmarks.answers.measures import ANSWERS
from benchmarks.errors import MeasureError, RecordsError
from benchmarks.kinds import RANKING, Kind
from benchmarks.records import Record
from benchmarks.statistics import Difference, Estimate


class Measure(Protocol):
    """One number for a whole run. Its repr is its name."""

    @property
    def lower_is_better(self) -> bool:
        """Whether the smaller of two values is the better one."""
        ...

    @property
    def decimals(self) -> int:
        """How many decimals are worth showing."""
        ...

    @property
    def leads(self) -> bool:
        """Whether it stands in front of the others in tables."""
        ...

    def estimate(self, records: Sequence[Record]) -> Estimate | None:
        """The value over one run, or None where no question of the run can be measured."""
        ...

    def difference(
        self, records: Sequence[Record], baseline: Sequence[Record]
    ) -> Difference | None:
        """The value less the baseline's, or None where no question can be measured.

        Raises:
            RecordsError: the two runs are not over the same questions.
        """
        ...


_KINDS: Mapping[str, Kind] = {**RANKING, **ANSWERS}

_FORM = re.compile(r"(?P<name>\w+)(?:@(?P<cut>[1-9][0-9]*))?")


@dataclass(frozen=True, kw_only=True, repr=False)
class PerQuestion:
    """The mean of one score a question; `name` is a key of the registry."""

    name: str
    cut: int | None = None

    def __repr__(self) -> str:
        return self.name if self.cut is None else f"{self.name}@{self.cut}"

    @property
    def lower_is_better(self) -> bool:
        """See `Measure`."""
        return _KINDS[self.name].lower_is_better

    @property
    def decimals(self) -> int:
        """See `Measure`."""
        return _KINDS[self.name].decimals

    @property
    def leads(self) -> bool:
        """See `Measure`."""
        return _KINDS[self.name].leads

    @property
    def best(self) -> float | None:
        """The highest score there is, None where a score is an amount."""
        return _KINDS[self.name].best

    def applies(self, record: Record) -> bool:
        """Whether the record's question can be measured."""
        return _KINDS[self.name].applies(record)

    def score(self, record: Record) -> float:
        """The score of one question."""
        return _KINDS[self.name].score(record, self.cut)

    def estimate(self, records: Sequence[Record]) -> Estimate | None:
        """See `Measure`."""
        measured = [self.score(record) for record in records if self.applies(record)]
        return statistics.mean(measured) if measured else None

    def difference(
        self, records: Sequence[Record], baseline: Sequence[Record]
    ) -> Difference | None:
        """See `Measure`; over the questions that can be measured in both."""
        pairs = [pair for pair in _pairs(records, baseline) if all(map(self.applies, pair))]
        if not pairs:
            return None
        ours, theirs = zip(*pairs, strict=True)
        return statistics.mean_difference(
            [self.score(record) for record in ours], [self.score(record) for record in theirs]
        )


@dataclass(frozen=True, repr=False)
class AnswerableAuroc:
    """How well the relevance tells answerable from unanswerable questions, at any threshold.

    The chance that an answerable question's best relevance is above an unanswerable one's: 1 is
    perfect, 1/2 is a coin. It needs questions of both kinds.
    """

    lower_is_better: bool = False
    decimals: int = 3
    leads: bool = False

    def __repr__(self) -> str:
        return "answerable_AUROC"

    def estimate(self, records: Sequence[Record]) -> Estimate | None:
        """See `Measure`."""
        above, below = _relevances(records)
        return statistics.auroc(above, below) if above and below else None

    def difference(
        self, records: Sequence[Record], baseline: Sequence[Record]
    ) -> Difference | None:
        """See `Measure`."""
        pairs = _pairs(records, baseline)
        above, below = _relevances(ours for ours, _ in pairs)
        if not (above and below):
            return None
        return statistics.auroc_difference(
            above, below, *_relevances(theirs for _, theirs in pairs)
        )


_AGGREGATES: dict[str, Measure] = {"answerable_AUROC": AnswerableAuroc()}


def parse(text: str) -> Measure:
    """The measure whose repr is `text`.

    Raises:
        MeasureError: there is none; the message lists the valid names.
    """
    if text in _AGGREGATES:
        return _AGGREGATES[text]
    match = _FORM.fullmatch(text)
    if match is None or match["name"] not in _KINDS:
        raise MeasureError(f"no measure {text!r}; valid: {', '.join(valid_names())}")
    name, cut = match["name"], match["cut"]
    rule = _KINDS[name].cut
    if cut is None and rule == "required":
        raise MeasureError(f"{name} needs a cut, as in {name}@10")
    if cut is not None and rule == "forbidden":
        raise MeasureError(f"{name} takes no cut; write {name}")
    return PerQuestion(name=name, cut=None if cut is None else int(cut))


def valid_names() -> list[str]:
    """Every form that `parse` reads, `k` standing for a whole number from 1."""
    forms = {"required": "{0}@k", "optional": "{0} or {0}@k", "forbidden": "{0}"}
    return [forms[kind.cut].format(name) for name, kind in _KINDS.items()] + list(_AGGREGATES)


def _pairs(records: Sequence[Record], baseline: Sequence[Record]) -> list[tuple[Record, Record]]:
    others = {record.query_id: record for record in baseline}
    if others.keys() != {record.query_id for record in records}:
        raise RecordsError("the two runs are not over the same questions; run the suite again")
    return [(record, others[record.query_id]) for record in records]


def _relevances(records: Iterable[Record]) -> tuple[list[float], list[float]]:
    found = [(record.answerable, record.relevance) for record in records]
    return [score for able, score in found if able], [score for able, score in found if not able]
