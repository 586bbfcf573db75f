"""One small request to each target in each way that it is used, without retries or fallbacks."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from generation.bedrock import Bedrock
from generation.commands.advice import what_to_do
from generation.commands.output import cost_json, usage_json
from generation.configuration import CHECK, Configuration
from generation.exchange import End, Event
from generation.faults import Fault
from generation.messages import Message, Request, Usage
from generation.money.costs import CostLine, Costs
from generation.money.periods import today
from generation.money.price_file import load_prices
from generation.money.prices import Prices, cost_nano, paid_by
from generation.targets import Target
from generation.wire import Attempt

_REQUEST = Request(
    system="",
    messages=(Message(role="user", text="Reply with OK."),),
    max_tokens=8,
    tags={"use_case": CHECK},
)
_SILENCE_S = 30.0


class Way(NamedTuple):
    """A target by its name, and whether its answer is streamed: AWS wants a permission for each."""

    target: str
    stream: bool


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A target that was asked in one way: what it took, or what kept it from answering."""

    way: Way
    target: Target
    seconds: float
    usage: Usage
    cost_nano: int
    fault: Fault | None

    @property
    def advice(self) -> str:
        """What to do about the fault."""
        return what_to_do(self.fault, self.target) if self.fault else ""

    @property
    def line(self) -> CostLine:
        """What it adds to the costs."""
        return CostLine(
            day=today(),
            use_case=CHECK,
            tenant="",
            model=self.target.model,
            region=self.target.region,
            tier=paid_by(self.target),
            target=self.way.target,
            profile=self.target.profile or "",
            usage=self.usage,
            cost_nano=self.cost_nano,
        )

    def to_json(self) -> dict[str, Any]:
        """Its JSON."""
        target, fault = self.target, self.fault
        return {
            "target": self.way.target,
            "model": target.model,
            "model_id": target.model_id,
            "region": target.region,
            "kind": target.kind,
            "tier": target.tier,
            "stream": self.way.stream,
            "ok": fault is None,
            "fault": None if fault is None else {"name": fault.name, "message": fault.message},
            "to_do": self.advice,
            "ms": round(1000 * self.seconds, 1),
            "usage": usage_json(self.usage),
            "cost": cost_json(self.cost_nano),
        }


def ways(configuration: Configuration, use_case: str | None) -> list[Way]:
    """The ways in which the targets are used by one use case, or by all; a target that none of all
    goes to is there with a whole answer.

    Raises:
        ConfigurationError: there is no such use case.
    """
    names = list(configuration.use_cases) if use_case is None else [use_case]
    using = [configuration.use_case(name) for name in names]
    found = {
        Way(target, one.stream)
        for one in using
        for target in configuration.routes[one.route].targets
    }
    if use_case is None:
        idle = set(configuration.targets) - {way.target for way in found}
        found |= {Way(target, False) for target in idle}
    places = {name: place for place, name in enumerate(configuration.targets)}
    return sorted(found, key=lambda way: (places[way.target], way.stream))


def ask(configuration: Configuration, asked: Sequence[Way], costs: Costs) -> list[Checked]:
    """Ask all at once. What has answered is in the costs, also where Ctrl-C ends the others."""
    prices = load_prices(configuration.prices)
    attempts = [Attempt(_SILENCE_S) for _ in asked]

    def one(way: Way, attempt: Attempt) -> Checked:
        checked = _one(bedrock, configuration.targets[way.target], way, attempt, prices)
        if checked.fault is None or checked.fault.sent:
            costs.add(checked.line)
        return checked

    with closing(Bedrock(configuration.regions)) as bedrock:
        for region in {configuration.targets[way.target].region for way in asked}:
            bedrock.warm(region)  # It would count as time of the request.
        with ThreadPoolExecutor(len(asked)) as threads:
            try:
                return list(threads.map(one, asked, attempts))
            except KeyboardInterrupt:
                for attempt in attempts:
                    attempt.cancel()
                raise


def _one(bedrock: Bedrock, target: Target, way: Way, attempt: Attempt, prices: Prices) -> Checked:
    began = time.monotonic()
    # Of an attempt that is cancelled nothing more comes.
    last: Event = Fault(name="Cancelled", message="", sent=False)
    for event in bedrock.send(target, _REQUEST, attempt, stream=way.stream):
        last = event
    usage = last.usage if isinstance(last, End) else Usage()
    return Checked(
        way=way,
        target=target,
        seconds=time.monotonic() - began,
        usage=usage,
        cost_nano=cost_nano(prices.of(target, today()), usage),
        fault=last if isinstance(last, Fault) else None,
    )
