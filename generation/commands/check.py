"""python -m generation check: would the gateway open, and can each target be called?"""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from generation.commands.asking import Checked, ask, ways
from generation.commands.output import (
    console,
    cost_json,
    print_json,
    read_and_written,
    table,
    usage_json,
)
from generation.configuration import Configuration, load_configuration
from generation.gateway import Gateway
from generation.money.costs import Costs
from generation.money.nano import said
from generation.records.writer import check_folder
from generation.settings import database_url


def check(args: argparse.Namespace) -> bool:
    """Ask each target of a configuration, or of one use case; whether all can be called.

    Raises:
        ConfigurationError: it is not valid. PromptError: nor is a prompt. RecordsError: records
            cannot be written. LedgerError: the check's cost cannot be counted.
    """
    configuration, url = load_configuration(args.generation), database_url(args.data_dir)
    asked = ways(configuration, args.use_case)
    _open(configuration, url)
    with closing(Costs(url)) as costs:
        found = ask(configuration, asked, costs)
        _show(found, warnings(configuration, args.use_case), args)
        costs.flush()
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
    regions = {target.region for target in configuration.targets.values()}
    nobodys = [] if use_case else [name for name in configuration.regions if name not in regions]
    return [
        *(f"no target is in the region {name!r}" for name in nobodys),
        *(f"no route names the target {name!r}" for name in unused),
        *(f"the use case {name!r} has only the target {only!r} to go to" for name, only in alone),
    ]


def _open(configuration: Configuration, url: str) -> None:
    """Open the gateway and close it, for what it says if it cannot be opened."""
    records = configuration.records
    if records is not None:
        with _removed_if_made(records.folder):
            check_folder(records.folder)
    # A writer of records would delete old ones, which is for the gateway to do when it is used.
    Gateway(replace(configuration, records=None), url).close()


@contextmanager
def _removed_if_made(folder: Path) -> Iterator[None]:
    made = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        yield
    finally:
        for path in made:
            with suppress(OSError):  # It was not made after all, or somebody uses it already.
                path.rmdir()


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
    names = {checked.way.target for checked in found}
    bad = {checked.way.target for checked in found if checked.fault}
    good = len(names) - len(bad)
    out.print(f"{good} of {len(names)} targets can be called; to ask them cost {said(cost)}")


def _table(found: Sequence[Checked]) -> Any:
    columns = ("target", "model id", "region", "kind", "tier", "answer", "result")
    made = table(*columns, "ms", "tokens", "USD", numbers=3, folds=("model id", "kind"))
    for checked in found:
        target, fault = checked.target, checked.fault
        answered = fault is None
        made.add_row(
            checked.way.target,
            target.model_id,
            target.region,
            target.kind.replace("_", " "),
            target.tier,
            "streamed" if checked.way.stream else "whole",
            Text(fault.name, style="red") if fault else Text("ok", style="green"),
            f"{1000 * checked.seconds:.0f}",
            read_and_written(usage_json(checked.usage)) if answered else "",
            said(checked.cost_nano) if answered else "",
        )
    return made


def _print_faults(found: Sequence[Checked], out: Console) -> None:
    """Say what is wrong and what to do, once for all answers of which it is the same."""
    failed = sorted((c for c in found if c.fault), key=_said)
    for (fault, advice), of in groupby(failed, key=_said):
        names = ", ".join(dict.fromkeys(checked.way.target for checked in of))
        out.print(Text.assemble((f"\n{names}: ", "bold"), (fault, "red")), soft_wrap=True)
        out.print(Text(f"    {advice}"), soft_wrap=True)
    if failed:
        out.print()


def _said(checked: Checked) -> tuple[str, str]:
    return str(checked.fault), checked.advice
