"""What a process has taken of a budget, and how it is taken from the ledger and given back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import sqlalchemy as sa

from generation.errors import OverBudgetError
from generation.money.ledger import Ledger, budgets
from generation.money.nano import nano_of, said
from generation.money.periods import Period, Span
from generation.money.spent import spent
from generation.use_cases import Budget

Scope = Literal["total", "use_case", "tenant"]

_CHUNKS = 200
"""A process takes about this part of a limit at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The most nano-dollars that may be spent in a day or a month by all calls (`total`), by those
    of one use case, or by those of one tenant in one use case. At the share `warn_at` of it a
    warning is logged."""

    scope: Scope
    span: Span
    nano: int
    warn_at: float = 0.8


def limits_of(scope: Scope, budget: Budget) -> list[Limit]:
    """A budget's limits for a scope: by the day, by the month, both or none."""
    sums: dict[Span, float | None] = {"day": budget.day_usd, "month": budget.month_usd}
    return [
        Limit(scope=scope, span=span, nano=nano_of(usd), warn_at=budget.warn_at)
        for span, usd in sums.items()
        if usd is not None
    ]


class Key(NamedTuple):
    """Which budget: a row of the ledger. What the scope does not go by is empty."""

    scope: Scope
    use_case: str
    tenant: str
    period: str

    def __str__(self) -> str:
        if self.scope == "total":
            return f"the total budget for {self.period}"
        whose = f" of tenant {self.tenant!r}" if self.scope == "tenant" else ""
        return f"the budget{whose} of use case {self.use_case!r} for {self.period}"


@dataclass(slots=True, eq=False)
class Purse:
    """What a process has taken of one budget and not spent. `left` is below 0 where calls have
    cost more than was taken for them; `calls` are under way."""

    key: Key
    period: Period
    limit: Limit
    left: int = 0
    calls: int = 0
    touched: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What a call still needs of a purse."""

    purse: Purse
    nano: int


@dataclass(slots=True)
class Got:
    """What was taken for each want, and the budgets that are now nearly used up, with how much of
    them is taken; each of these is named once in a period, by whichever process it is."""

    nano: list[int] = field(default_factory=list)
    nearly: list[tuple[Purse, int]] = field(default_factory=list)


def begin(ledger: Ledger, keys: Sequence[Key]) -> None:
    """Let what is taken of budgets be no less than what the sums of costs have of their periods:
    calls may have been made while a budget was not declared.

    Raises:
        LedgerError: the ledger cannot be read or written.
    """
    with ledger.reading() as connection:
        sums = {key: spent(connection, key.period, key.use_case, key.tenant) for key in keys}
    if not any(sums.values()):
        return
    with ledger.writing() as connection:
        for key, nano in sorted(sums.items()):
            row = ledger.insert(budgets).values(**key._asdict(), taken=nano, warned=False)
            more = row.on_conflict_do_update(
                index_elements=list(Key._fields),
                set_={"taken": row.excluded.taken},
                where=budgets.c.taken < row.excluded.taken,
            )
            connection.execute(more)


def take(ledger: Ledger, wants: Sequence[Want]) -> Got:
    """Take for all wants, or for none: a chunk of each limit where that fits, or else what is
    wanted.

    Raises:
        OverBudgetError: a limit would be passed. LedgerError: the ledger cannot be written.
    """
    got = Got([0] * len(wants))
    # All processes lock the rows in the same order.
    order = sorted(range(len(wants)), key=lambda i: wants[i].purse.key)
    with ledger.writing() as connection:
        for i in order:
            want = wants[i]
            if want.nano > 0:
                got.nano[i], taken = _take(ledger, connection, want)
                if _warns(connection, want.purse, taken):
                    got.nearly.append((want.purse, taken))
    return got


def give(ledger: Ledger, gifts: Sequence[tuple[Purse, int]]) -> Got:
    """Give back what was taken and is not needed; a sum below 0 is taken, whatever the limit.

    Raises:
        LedgerError: the ledger cannot be written.
    """
    got = Got()
    with ledger.writing() as connection:
        for purse, nano in sorted(gifts, key=lambda gift: gift[0].key):
            taken = _add(ledger, connection, purse.key, -nano, None)
            if taken is not None and nano < 0 and _warns(connection, purse, taken):
                got.nearly.append((purse, taken))
    return got


def _take(ledger: Ledger, connection: sa.Connection, want: Want) -> tuple[int, int]:
    """What was taken, and how much of the budget is taken then."""
    key, limit = want.purse.key, want.purse.limit.nano
    chunk = max(want.nano, limit // _CHUNKS)
    for nano in dict.fromkeys((chunk, want.nano)):
        taken = _add(ledger, connection, key, nano, limit)
        if taken is not None:
            return nano, taken
    raise OverBudgetError(_refusal(want, _taken(connection, key)))


def _add(
    ledger: Ledger, connection: sa.Connection, key: Key, nano: int, limit: int | None
) -> int | None:
    """What is taken of a budget after adding to it, or None where a limit would be passed. One
    statement: no other process can come between the look and the taking."""
    if limit is not None and nano > limit:
        return None
    after = budgets.c.taken + nano
    # Nothing can be given back to a budget of which nothing is taken: somebody emptied the table.
    row = ledger.insert(budgets).values(**key._asdict(), taken=max(0, nano), warned=False)
    statement = row.on_conflict_do_update(
        index_elements=list(Key._fields),
        set_={"taken": after},
        where=after <= limit if limit is not None else None,
    ).returning(budgets.c.taken)
    taken: int | None = connection.execute(statement).scalar()
    return taken


def _warns(connection: sa.Connection, purse: Purse, taken: int) -> bool:
    """Whether the budget is nearly used up, and nobody has said so yet."""
    if taken < purse.limit.warn_at * purse.limit.nano:
        return False
    first = sa.update(budgets).where(_is(purse.key), sa.not_(budgets.c.warned)).values(warned=True)
    return connection.execute(first).rowcount == 1


def _taken(connection: sa.Connection, key: Key) -> int:
    return connection.execute(sa.select(budgets.c.taken).where(_is(key))).scalar() or 0


def _is(key: Key) -> sa.ColumnElement[bool]:
    return sa.and_(*(budgets.c[name] == value for name, value in key._asdict().items()))


def _refusal(want: Want, taken: int) -> str:
    limit, period = want.purse.limit.nano, want.purse.period
    if want.nano > limit:
        return (
            f"the call may cost {said(want.nano)}, which is more than all of {want.purse.key}: "
            f"{said(limit)}"
        )
    free = f"{datetime.fromtimestamp(period.ends, UTC):%Y-%m-%d %H:%M} UTC"
    return (
        f"{want.purse.key} is used up: {said(taken)} of {said(limit)} are spent or set aside for "
        f"calls, and this one may need {said(want.nano)} more; it is free again at {free}"
    )
