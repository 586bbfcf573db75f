"""How far budgets are used up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from generation.money.ledger import Ledger, budgets
from generation.money.periods import Period, Span
from generation.money.purses import Key, Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A budget, and what is taken of it in nano-dollars: spent, or set aside for calls."""

    key: Key
    limit: Limit
    taken: int

    @property
    def share(self) -> float:
        """The part of it that is taken; above 1 where calls cost more than was foreseen."""
        return self.taken / self.limit.nano


def standings(
    ledger: Ledger, limits: Mapping[str, Sequence[Limit]], periods: Mapping[Span, Period]
) -> list[Standing]:
    """How the limits of each use case stand in these periods; those of all use cases together are
    the ones of "". A limit of tenants is listed for each tenant that has taken something of it, who
    took most first.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    names = [period.name for period in periods.values()]
    statement = sa.select(budgets).where(budgets.c.period.in_(names))
    with ledger.reading() as connection:
        rows = connection.execute(statement).all()
    taken = {Key(row.scope, row.use_case, row.tenant, row.period): int(row.taken) for row in rows}
    found = []
    for use_case, of in limits.items():
        for limit in of:
            for key in _keys(use_case, limit, periods[limit.span].name, taken):
                found.append(Standing(key=key, limit=limit, taken=taken.get(key, 0)))
    return found


def _keys(use_case: str, limit: Limit, period: str, taken: Mapping[Key, int]) -> list[Key]:
    if limit.scope != "tenant":
        return [Key(limit.scope, use_case, "", period)]
    of = [key for key in taken if (key[:2], key.period) == (("tenant", use_case), period)]
    return sorted(of, key=lambda key: (-taken[key], key))
