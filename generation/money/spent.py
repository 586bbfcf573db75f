"""What the sums of costs have of a day or a month."""

import sqlalchemy as sa

from generation.money.ledger import costs


def spent(connection: sa.Connection, period: str, use_case: str = "", tenant: str = "") -> int:
    """The nano-dollars that were spent in a day (2026-11-25) or a month (2026-11) of UTC, by one
    use case and tenant, or by all where that is empty."""
    found = sa.select(sa.func.sum(costs.c.nano)).where(_in(period))
    if use_case:
        found = found.where(costs.c.use_case == use_case)
    if tenant:
        found = found.where(costs.c.tenant == tenant)
    return int(connection.execute(found).scalar() or 0)


def spent_by_tenant(connection: sa.Connection, period: str, use_case: str) -> dict[str, int]:
    """The same of each tenant that has spent something in a use case."""
    found = (
        sa.select(costs.c.tenant, sa.func.sum(costs.c.nano))
        .where(_in(period), costs.c.use_case == use_case, costs.c.tenant != "")
        .group_by(costs.c.tenant)
    )
    return {str(tenant): int(nano) for tenant, nano in connection.execute(found)}


def _in(period: str) -> sa.ColumnElement[bool]:
    is_day = period.count("-") == 2
    # No month has a later day than the 31st; the days are compared as text.
    return costs.c.day.between(*((period,) * 2 if is_day else (f"{period}-01", f"{period}-31")))
