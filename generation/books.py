"""What is written down of calls: budgets before them, costs and records after."""

from collections.abc import Sequence

from generation.asked import Asked
from generation.attempts import Running
from generation.configuration import Configuration, RecordSettings
from generation.estimate import Estimates
from generation.money.budgets import Budgets, Reservation
from generation.money.costs import CostLine, Costs
from generation.money.periods import today
from generation.money.price_file import load_prices
from generation.money.prices import Prices, cost_nano, most_nano, paid_by
from generation.money.purses import Limit, limits_of
from generation.records.writer import RecordWriter
from generation.redaction import Redactor
from generation.use_cases import UseCase


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
            self._prices.of(target, today())
        redactor = Redactor(configuration.redact)
        self._budgets, self._costs = Budgets(database_url), Costs(database_url)
        self.records = _writer(configuration.records, redactor)

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
        most = dearest_nano(
            self._configuration,
            self._prices,
            self._estimates,
            asked.use_case,
            asked.request.chars,
        )
        limits = _limits(self._configuration, asked.use_case, tenant=bool(asked.tenant))
        return self._budgets.reserve(asked.name, asked.tenant, limits, most)

    def costs_of(self, attempts: Sequence[Running]) -> list[int]:
        """What each attempt costs, in nano-dollars."""
        return [cost_nano(self._prices.of(r.target, today()), r.usage) for r in attempts]

    def add(self, asked: Asked, attempts: Sequence[Running], costs: Sequence[int]) -> None:
        """Add a call to the sums of costs: a line for each attempt, of which the last counts the
        call as well."""
        for running, nano in zip(attempts, costs, strict=True):
            self._costs.add(
                CostLine(
                    day=today(),
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


def _writer(records: RecordSettings | None, redactor: Redactor) -> RecordWriter | None:
    if records is None:
        return None
    return RecordWriter(
        records.folder,
        max_bytes=records.max_bytes,
        keep_days=records.keep_days,
        redactor=redactor,
    )


def _limits(configuration: Configuration, use_case: UseCase, *, tenant: bool) -> list[Limit]:
    found = limits_of("total", configuration.budget) + limits_of("use_case", use_case.budget)
    return found + limits_of("tenant", use_case.tenant_budget) if tenant else found


def dearest_nano(
    configuration: Configuration,
    prices: Prices,
    estimates: Estimates,
    use_case: UseCase,
    chars: int,
) -> int:
    """What an attempt that reads so many characters may cost at most, at the dearest target of its
    route.

    Raises:
        ConfigurationError: a target has no price.
    """
    names = configuration.routes[use_case.route].targets
    return max(
        most_nano(
            prices.of(target, today()), estimates.tokens(target.model, chars), use_case.max_tokens
        )
        for target in (configuration.targets[name] for name in names)
    )
