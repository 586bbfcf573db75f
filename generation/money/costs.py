"""What was called and what it cost, summed by day, use case, tenant, model, region and more."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple, get_args

import sqlalchemy as sa

from generation.errors import ConfigurationError, LedgerError
from generation.messages import Usage
from generation.money.background import Background
from generation.money.ledger import Ledger, costs
from generation.money.nano import usd_of

By = Literal["day", "use_case", "tenant", "model", "region", "tier", "target", "profile"]

_SUMS = ("calls", "attempts", "input", "output", "cache_read", "cache_write", "nano")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """A call, or a part of it. Where the attempts of a call went to several targets, each target
    has a line with its attempts, and one of them the call. `tier` is how it is paid for, `profile`
    the tag of the inference profile; `day` is of UTC."""

    day: date
    use_case: str
    tenant: str
    model: str
    region: str
    tier: str
    target: str
    profile: str = ""
    calls: int = 1
    attempts: int = 1
    usage: Usage = field(default_factory=Usage)
    cost_nano: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """Sums over all lines with the same values in `by`."""

    by: Mapping[str, str]
    calls: int
    attempts: int
    usage: Usage
    cost_nano: int

    @property
    def usd(self) -> float:
        """The cost in dollars."""
        return usd_of(self.cost_nano)


class _Key(NamedTuple):
    day: str
    use_case: str
    tenant: str
    model: str
    region: str
    tier: str
    target: str
    profile: str


class Costs:
    """The sums of this process and of all others over the same ledger; safe for threads.

    Lines are kept in memory and written about once a second: a process that dies loses what it
    has added since. While the database cannot be written they stay in memory and are tried again;
    where the answer to a written transaction is lost, it counts twice.
    """

    def __init__(self, url: str, *, every_s: float = 1.0, wait_s: float = 5.0) -> None:
        """`url` is a postgresql:// or sqlite:/// address; nothing waits longer than `wait_s` for
        the database.

        Raises:
            LedgerError: the ledger cannot be opened.
        """
        self._ledger = Ledger(url, wait_s=wait_s)
        self._sums: dict[_Key, list[int]] = {}
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._flusher = Background("costs", self._try_to_flush, every_s)

    def add(self, line: CostLine) -> None:
        """Count a line; takes microseconds and raises nothing."""
        key = _Key(
            line.day.isoformat(),
            line.use_case,
            line.tenant,
            line.model,
            line.region,
            line.tier,
            line.target,
            line.profile,
        )
        usage = line.usage
        tokens = (usage.input, usage.output, usage.cache_read, usage.cache_write)
        self._count(key, (line.calls, line.attempts, *tokens, line.cost_nano))

    def flush(self) -> None:
        """Write what was added.

        Raises:
            LedgerError: the ledger cannot be written; nothing is lost.
        """
        with self._flushing:
            with self._lock:
                batch, self._sums = self._sums, {}
            if not batch:
                return
            written = False
            try:
                self._write(batch)
                written = True
            finally:
                for key, sums in batch.items() if not written else ():
                    self._count(key, sums)

    def summary(
        self, since: date, until: date, by: Sequence[By] = ("use_case", "model")
    ) -> list[CostRow]:
        """Sums over the days from `since` to `until`, both among them; the dearest first.

        Raises:
            ConfigurationError: `by` names what costs are not summed by.
            LedgerError: the ledger cannot be read, or written: what this process has added is.
        """
        for name in by:
            if name not in get_args(By):
                raise ConfigurationError(
                    f"costs are not summed by {name!r}; valid: {', '.join(get_args(By))}"
                )
        self.flush()
        groups = [costs.c[name] for name in by]
        sums = [sa.func.sum(costs.c[name]).label(name) for name in _SUMS]
        days = costs.c.day.between(since.isoformat(), until.isoformat())
        statement = sa.select(*groups, *sums).where(days).group_by(*groups)
        with self._ledger.reading() as connection:
            found = connection.execute(statement).all()
        rows = [_row(by, tuple(row)) for row in found if row[-1] is not None]
        return sorted(rows, key=lambda row: (-row.cost_nano, *row.by.values()))

    def close(self) -> None:
        """Write what was added, and close the connections. What cannot be written is lost, which is
        logged."""
        self._flusher.close()
        self._try_to_flush()
        self._ledger.close()

    def _count(self, key: _Key, counts: Sequence[int]) -> None:
        with self._lock:
            sums = self._sums.setdefault(key, [0] * len(_SUMS))
            for i, count in enumerate(counts):
                sums[i] += count

    def _try_to_flush(self) -> None:
        try:
            self.flush()
        except LedgerError as exc:
            _log.warning("costs are not written: %s", exc)

    def _write(self, batch: Mapping[_Key, Sequence[int]]) -> None:
        insert = self._ledger.insert(costs)
        added = {name: costs.c[name] + insert.excluded[name] for name in _SUMS}
        statement = insert.on_conflict_do_update(index_elements=list(_Key._fields), set_=added)
        # All processes lock the rows in the same order.
        rows = [
            {**key._asdict(), **dict(zip(_SUMS, batch[key], strict=True))} for key in sorted(batch)
        ]
        with self._ledger.writing() as connection:
            connection.execute(statement, rows)


def _row(by: Sequence[str], values: Sequence[object]) -> CostRow:
    calls, attempts, read, written, cache_read, cache_write, nano = (
        int(str(value)) for value in values[len(by) :]
    )
    return CostRow(
        by={name: str(value) for name, value in zip(by, values[: len(by)], strict=True)},
        calls=calls,
        attempts=attempts,
        usage=Usage(input=read, output=written, cache_read=cache_read, cache_write=cache_write),
        cost_nano=nano,
    )
