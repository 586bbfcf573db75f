"""How far budgets are used up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from generation.money.ledger import Ledger, budgets
from generation.money.periods import Period, Span
from generation.money.purses import Key, Limit, Scope
from generation.money.spent import spent, spent_by_tenant


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
    found = []
    with ledger.reading() as connection:
        for use_case, of in limits.items():
            for limit in of:
                period = periods[limit.span].name
                taken = _taken(connection, limit.scope, use_case, period)
                found += [Standing(key=key, limit=limit, taken=taken[key]) for key in _order(taken)]
    return found


def _taken(connection: sa.Connection, scope: Scope, use_case: str, period: str) -> dict[Key, int]:
    """What is taken of a limit, by each tenant where it is one of tenants: as much as was spent at
    least, as whoever asks next will see to (`generation.money.purses.begin`)."""
    if scope == "tenant":
        before = spent_by_tenant(connection, period, use_case)
    else:
        before = {"": spent(connection, period, use_case)}
    statement = sa.select(budgets).where(
        budgets.c.scope == scope, budgets.c.use_case == use_case, budgets.c.period == period
    )
    taken = {row.tenant: int(row.taken) for row in connection.execute(statement)}
    return {
        Key(scope, use_case, tenant, period): max(taken.get(tenant, 0), before.get(tenant, 0))
        for tenant in {*taken, *before}
    }


def _order(taken: Mapping[Key, int]) -> list[Key]:
    return sorted(taken, key=lambda key: (-taken[key], key))
