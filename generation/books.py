"""What is written down of calls: budgets before them, costs and records after."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from generation.asked import Asked
from generation.attempts import Running
from generation.configuration import Configuration
from generation.estimate import Estimates
from generation.money.budgets import Budgets, Reservation
from generation.money.costs import CostLine, Costs
from generation.money.price_file import load_prices
from generation.money.prices import cost_nano, most_nano, paid_by
from generation.money.purses import Limit, Scope, limits_of
from generation.records.writer import RecordWriter
from generation.redaction import Redactor
from generation.use_cases import Budget, UseCase


class Books:
    """Prices, budgets, costs and records; safe for threads."""

    def __init__(
        self, configuration: Configuration, database_url: str, estimates: Estimates
    ) -> None:
        """Raises:
        ConfigurationError: a target has no price, or a rule of redaction is not valid.
        LedgerError: the database cannot be used. RecordsError: nor the folder of records.
        """
        self._configuration, self._estimates = configuration, estimates
        self._prices = load_prices(configuration.prices)
        for target in configuration.targets.values():
            self._prices.of(target, _today())
        self._budgets, self._costs = Budgets(database_url), Costs(database_url)
        self.records = _writer(configuration)

    def close(self) -> None:
        """Write down what has still to be written."""
        self._budgets.close()
        self._costs.close()
        if self.records is not None:
            self.records.close()

    def reserve(self, asked: Asked) -> Reservation:
        """Set aside what a call may cost at most, at the dearest target of its route.

        Raises:
            OverBudgetError: that would pass a budget. LedgerError: the database cannot say.
        """
        names = self._configuration.routes[asked.use_case.route].targets
        targets = [self._configuration.targets[name] for name in names]
        most = max(
            most_nano(
                self._prices.of(target, _today()),
                self._estimates.tokens(target.model, asked.request.chars),
                asked.request.max_tokens,
            )
            for target in targets
        )
        limits = _limits(self._configuration, asked.use_case, tenant=bool(asked.tenant))
        return self._budgets.reserve(asked.name, asked.tenant, limits, most)

    def costs_of(self, attempts: Sequence[Running]) -> list[int]:
        """What each attempt costs, in nano-dollars."""
        return [cost_nano(self._prices.of(r.target, _today()), r.usage) for r in attempts]

    def add(self, asked: Asked, attempts: Sequence[Running], costs: Sequence[int]) -> None:
        """Add a call to the sums of costs: a line for each attempt, of which the last counts the
        call as well."""
        for running, nano in zip(attempts, costs, strict=True):
            self._costs.add(
                CostLine(
                    day=_today(),
                    use_case=asked.name,
                    tenant=asked.tenant,
                    model=running.target.model,
                    region=running.target.region,
                    tier=paid_by(running.target),
                    target=running.name,
                    profile=running.target.profile or "",
                    calls=int(running is attempts[-1]),
                    usage=running.usage,
                    cost_nano=nano,
                )
            )


def _writer(configuration: Configuration) -> RecordWriter | None:
    records, redactor = configuration.records, Redactor(configuration.redact)
    if records is None:
        return None
    return RecordWriter(
        records.folder,
        max_bytes=records.max_bytes,
        keep_days=records.keep_days,
        redactor=redactor,
    )


def _limits(configuration: Configuration, use_case: UseCase, *, tenant: bool) -> list[Limit]:
    total, own, each = configuration.budget, use_case.budget, use_case.tenant_budget
    budgets: dict[Scope, Budget] = {"total": total, "use_case": own}
    if tenant:
        budgets["tenant"] = each
    return [
        limit
        for scope, budget in budgets.items()
        for limit in limits_of(
            scope,
            day_usd=budget.day_usd,
            month_usd=budget.month_usd,
            warn_at=budget.warn_at,
        )
    ]


def _today() -> date:
    return datetime.now(UTC).date()
