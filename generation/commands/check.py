"""python -m generation check: one small request to each target, without retries or fallbacks; a
streamed one where a use case streams from it."""

import argparse
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from generation.bedrock import Bedrock
from generation.commands.advice import what_to_do
from generation.commands.output import console, cost_json, print_json, table, usage_json
from generation.configuration import Configuration, load_configuration
from generation.errors import ConfigurationError
from generation.exchange import End
from generation.faults import Fault
from generation.messages import Message, Request, Usage
from generation.money.costs import CostLine, Costs
from generation.money.nano import said
from generation.money.periods import today
from generation.money.price_file import load_prices
from generation.money.prices import Price, cost_nano, paid_by
from generation.prompts.templates import Templates
from generation.redaction import Redactor
from generation.settings import database_url
from generation.targets import Target
from generation.wire import Attempt

NAME = "check"
"""The use case that the check's own cost is counted under."""

_REQUEST = Request(
    system="",
    messages=(Message(role="user", text="Reply with OK."),),
    max_tokens=8,
    tags={"use_case": NAME},
)
_SILENCE_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A target that was asked: what it took, or what kept it from answering."""

    name: str
    target: Target
    seconds: float
    usage: Usage
    cost_nano: int
    fault: Fault | None

    @property
    def advice(self) -> str:
        """What to do about the fault."""
        return what_to_do(self.fault, self.target) if self.fault else ""

    def to_json(self) -> dict[str, Any]:
        """Its JSON."""
        target, fault = self.target, self.fault
        return {
            "target": self.name,
            "model": target.model,
            "model_id": target.model_id,
            "region": target.region,
            "kind": target.kind,
            "tier": target.tier,
            "ok": fault is None,
            "fault": None if fault is None else {"name": fault.name, "message": fault.message},
            "to_do": self.advice,
            "ms": round(1000 * self.seconds, 1),
            "usage": usage_json(self.usage),
            "cost": cost_json(self.cost_nano),
        }


def check(args: argparse.Namespace) -> bool:
    """Ask each target of a configuration, or of one use case; whether all can be called.

    Raises:
        ConfigurationError: it is not valid. PromptError: nor is a prompt.
        LedgerError: the check's cost cannot be counted.
    """
    configuration = load_configuration(args.generation)
    _check_texts(configuration)
    table_of_prices, names = load_prices(configuration.prices), _names(configuration, args.use_case)
    targets = {name: configuration.targets[name] for name in names}
    prices = {name: table_of_prices.of(target, today()) for name, target in targets.items()}
    costs = Costs(database_url(args.data_dir))
    try:
        found = _asked(targets, prices, configuration)
        _show(found, warnings(configuration, args.use_case), args)
        for checked in found:
            if checked.fault is None or checked.fault.sent:
                costs.add(_line(checked))
        costs.flush()
    finally:
        costs.close()
    return all(checked.fault is None for checked in found)


def warnings(configuration: Configuration, use_case: str | None = None) -> list[str]:
    """What is valid in a configuration and probably not meant; of one use case, or of all."""
    routes, use_cases = configuration.routes, configuration.use_cases
    used = {name for route in routes.values() for name in route.targets}
    unused = [] if use_case else [name for name in configuration.targets if name not in used]
    alone = [
        (name, routes[use_cases[name].route].targets[0])
        for name in ([use_case] if use_case else use_cases)
        if len(set(routes[use_cases[name].route].targets)) == 1
    ]
    return [
        *(f"no route names the target {name!r}" for name in unused),
        *(f"the use case {name!r} has only the target {only!r} to go to" for name, only in alone),
    ]


def _check_texts(configuration: Configuration) -> None:
    """Check what else the gateway would read of the configuration: prompts, and redaction."""
    templates = Templates.load(configuration.prompts)
    for use_case in configuration.use_cases.values():
        templates.get(*use_case.template)
    Redactor(configuration.redact)


def _names(configuration: Configuration, use_case: str | None) -> Sequence[str]:
    if use_case is None:
        return tuple(configuration.targets)
    targets = configuration.routes[configuration.use_case(use_case).route].targets
    return tuple(dict.fromkeys(targets))


def _asked(
    targets: Mapping[str, Target], prices: Mapping[str, Price], configuration: Configuration
) -> list[Checked]:
    bedrock = Bedrock(configuration.regions)
    try:
        for region in {target.region for target in targets.values()}:
            # It would count as time of the request; what keeps it from being made, that says too.
            with suppress(ConfigurationError):
                bedrock.warm(region)
        with ThreadPoolExecutor(len(targets)) as pool:
            return list(
                pool.map(
                    lambda name: _ask(
                        bedrock,
                        name,
                        targets[name],
                        prices[name],
                        stream=_streams(configuration, name),
                    ),
                    targets,
                )
            )
    finally:
        bedrock.close()


def _streams(configuration: Configuration, name: str) -> bool:
    """Whether a use case streams from a target, for which AWS wants another permission."""
    return any(
        use_case.stream and name in configuration.routes[use_case.route].targets
        for use_case in configuration.use_cases.values()
    )


def _ask(bedrock: Bedrock, name: str, target: Target, price: Price, *, stream: bool) -> Checked:
    began = time.monotonic()
    *_, last = bedrock.send(target, _REQUEST, Attempt(_SILENCE_S), stream=stream)
    usage = last.usage if isinstance(last, End) else Usage()
    return Checked(
        name=name,
        target=target,
        seconds=time.monotonic() - began,
        usage=usage,
        cost_nano=cost_nano(price, usage),
        fault=last if isinstance(last, Fault) else None,
    )


def _line(checked: Checked) -> CostLine:
    target = checked.target
    return CostLine(
        day=today(),
        use_case=NAME,
        tenant="",
        model=target.model,
        region=target.region,
        tier=paid_by(target),
        target=checked.name,
        profile=target.profile or "",
        usage=checked.usage,
        cost_nano=checked.cost_nano,
    )


def _show(found: Sequence[Checked], warned: Sequence[str], args: argparse.Namespace) -> None:
    cost = sum(checked.cost_nano for checked in found)
    if args.json:
        targets = [checked.to_json() for checked in found]
        print_json({"targets": targets, "warnings": list(warned), "cost": cost_json(cost)})
        return
    out = console()
    out.print(_table(found))
    _print_faults(found, out)
    for text in warned:
        out.print(Text(f"warning: {text}", style="yellow"), soft_wrap=True)
    good = sum(checked.fault is None for checked in found)
    out.print(f"{good} of {len(found)} targets can be called; to ask them cost {said(cost)}")


def _table(found: Sequence[Checked]) -> Any:
    columns = ("target", "model id", "region", "kind", "tier", "result", "ms", "tokens", "USD")
    made = table(*columns, numbers=3, folds=("model id", "kind"))
    for checked in found:
        target, usage = checked.target, checked.usage
        fault = checked.fault
        answered = fault is None
        made.add_row(
            checked.name,
            target.model_id,
            target.region,
            target.kind.replace("_", " "),
            target.tier,
            Text(fault.name, style="red") if fault else Text("ok", style="green"),
            f"{1000 * checked.seconds:.0f}",
            f"{usage.input} + {usage.output}" if answered else "",
            said(checked.cost_nano) if answered else "",
        )
    return made


def _print_faults(found: Sequence[Checked], out: Console) -> None:
    """Say what is wrong and what to do, once for all targets of which it is the same."""
    failed = sorted((c for c in found if c.fault), key=_said)
    for (fault, advice), of in groupby(failed, key=_said):
        names = ", ".join(checked.name for checked in of)
        out.print(Text.assemble((f"\n{names}: ", "bold"), (fault, "red")), soft_wrap=True)
        out.print(Text(f"    {advice}"), soft_wrap=True)
    if failed:
        out.print()


def _said(checked: Checked) -> tuple[str, str]:
    return str(checked.fault), checked.advice
