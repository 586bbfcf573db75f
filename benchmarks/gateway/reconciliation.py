"""Whether what the gateway wrote down of its calls is what the stand-in for Bedrock counted.

Each call has a tenant of its own, by which the stand-in's counts tell one call from another. An
attempt that was answered to its end, by a model or by an error, has to be recorded with the same
tokens and the same cost. One that was not (its connection was lost, or it was given up) is
estimated by the gateway, since Bedrock tells nobody what it bills for it: those are kept apart.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.gateway.bedrock import Counted
from benchmarks.gateway.bedrock.faults import REFUSALS
from benchmarks.gateway.callers import billed_nano, database_in, records_in
from benchmarks.performance.rows import Row
from generation.money.costs import Costs
from generation.records.reader import read_records

_NOT_SENT = ("Unreachable", "NoCredentials")
_ANSWERED = {"succeeded", *REFUSALS}


class Sum(NamedTuple):
    """Attempts, their tokens, and what they cost in nano-dollars."""

    attempts: int = 0
    input: int = 0
    output: int = 0
    nano: int = 0

    def plus(self, other: "Sum") -> "Sum":
        """Both together."""
        return Sum(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


Place = tuple[str, str]
"""The tenant of a call, and a region that it was sent to."""


@dataclass(frozen=True, kw_only=True)
class Book:
    """What one side knows of the attempts: of those answered to their end, and of the others."""

    answered: Mapping[Place, Sum]
    broken: Mapping[Place, Sum]

    @property
    def requests(self) -> int:
        """All of them."""
        return _total(self.answered).attempts + _total(self.broken).attempts


def reconciliation_rows(calls: int, folder: Path, counted: Counted) -> list[Row]:
    """The books of a gateway in whose folder there should be so many calls, and which is closed,
    beside what the stand-in has counted of them."""
    records = list(read_records(records_in(folder)))
    ours, theirs = _recorded(records), _counted(counted)
    lost = theirs.requests - ours.requests
    costs = _differing({r["tenant"]: _of_call(r) for r in records}, _costs(folder))
    estimated, billed = _total(ours.broken), _total(theirs.broken)
    share = 100 * estimated.nano / billed.nano if billed.nano else 100.0
    return [
        Row(name="calls recorded", value=len(records), least=calls, most=calls, decimals=0),
        Row(name="attempts recorded as sent", value=ours.requests, decimals=0),
        Row(
            name="requests that the service counted beyond", value=lost, least=0, most=0, decimals=0
        ),
        Row(name="attempts answered to the end", value=_total(ours.answered).attempts, decimals=0),
        Row(
            name="calls with other tokens, costs or attempts than counted",
            value=_differing(ours.answered, theirs.answered),
            most=0,
            decimals=0,
        ),
        Row(name="calls with other sums in the table of costs", value=costs, most=0, decimals=0),
        Row(name="attempts estimated", value=estimated.attempts, decimals=0),
        Row(name="estimated for them, of what was billed", value=share, unit="%", decimals=1),
    ]


def _recorded(records: Iterable[Mapping[str, Any]]) -> Book:
    answered, broken = _sums(), _sums()
    for record in records:
        for attempt in record["attempts"]:
            if attempt["fault"] is None or attempt["fault"]["name"] not in _NOT_SENT:
                sums = broken if attempt["usage_estimated"] else answered
                _add(sums, (record["tenant"], attempt["region"]), _sum(1, attempt))
    return Book(answered=answered, broken=broken)


def _counted(counted: Counted) -> Book:
    answered, broken = _sums(), _sums()
    for row in counted.rows:
        sums = answered if row.outcome in _ANSWERED else broken
        found = Sum(row.requests, row.input, row.output, billed_nano(row))
        _add(sums, (row.metadata.get("tenant", ""), row.region), found)
    return Book(answered=answered, broken=broken)


def _costs(folder: Path) -> Mapping[str, Sum]:
    """The sums of each tenant in the table of costs."""
    today, day = datetime.now(UTC).date(), timedelta(days=1)
    table = Costs(database_in(folder))
    try:
        rows = table.summary(today - day, today + day, by=("tenant",))
    finally:
        table.close()
    return {
        row.by["tenant"]: Sum(row.attempts, row.usage.input, row.usage.output, row.cost_nano)
        for row in rows
    }


def _of_call(record: Mapping[str, Any]) -> Sum:
    return _sum(len(record["attempts"]), record)


def _sum(attempts: int, found: Mapping[str, Any]) -> Sum:
    usage = found["usage"]
    return Sum(attempts, usage["input_tokens"], usage["output_tokens"], found["cost"]["nano"])


def _sums() -> dict[Place, Sum]:
    return defaultdict(Sum)


def _add(sums: dict[Place, Sum], place: Place, more: Sum) -> None:
    sums[place] = sums[place].plus(more)


def _total(sums: Mapping[Place, Sum]) -> Sum:
    return Sum(*map(sum, zip(Sum(), *sums.values(), strict=True)))


def _differing(ours: Mapping[Any, Sum], theirs: Mapping[Any, Sum]) -> int:
    places = ours.keys() | theirs.keys()
    return sum(ours.get(place, Sum()) != theirs.get(place, Sum()) for place in places)
