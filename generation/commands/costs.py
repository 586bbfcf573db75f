"""python -m generation costs: what was called and what it cost, and how far budgets are used up."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from generation.commands.output import console, cost_json, note, print_json, table, usage_json
from generation.configuration import Configuration, load_configuration
from generation.errors import CommandError, ConfigurationError
from generation.messages import Usage
from generation.money.costs import CostRow, Costs
from generation.money.ledger import Ledger
from generation.money.nano import said
from generation.money.periods import Calendar
from generation.money.purses import Limit, limits_of
from generation.money.standings import Standing, standings
from generation.settings import database_url, has_database

_BAR = 20
_TAKEN = (
    "taken: spent, or set aside by a process, which gives the rest back some seconds after its "
    "last call"
)
_TENANTS = 10
"""So many tenants of a budget are shown to people; a program gets all of them."""


def costs(args: argparse.Namespace) -> bool:
    """Show costs from one day to another, and budgets as they are now; true.

    Raises:
        CommandError: the days are in the wrong order. LedgerError: the ledger cannot be read.
    """
    if args.since > args.until:
        raise CommandError(f"--since {args.since} is after --until {args.until}")
    limits = _limits(args.generation)
    rows: list[CostRow] = []
    budgets: list[Standing] = []
    if has_database(args.data_dir):
        rows = _summary(args)
        budgets = _standings(args, limits)
    else:
        note(f"note: {args.data_dir} holds no database: nothing was called there")
    total = _total(rows)
    if args.json:
        print_json(_json(args, rows, total, budgets))
    else:
        _show(args, rows, total, budgets)
    return True


def _summary(args: argparse.Namespace) -> list[CostRow]:
    found = Costs(database_url(args.data_dir))
    try:
        return found.summary(args.since, args.until, args.by)
    finally:
        found.close()


def _standings(args: argparse.Namespace, limits: dict[str, list[Limit]]) -> list[Standing]:
    now = time.time()
    ledger = Ledger(database_url(args.data_dir))
    try:
        return standings(ledger, limits, Calendar(time.time).periods(now))
    finally:
        ledger.close()


def _limits(path: Path) -> dict[str, list[Limit]]:
    """The limits of each use case, and of all under "". Costs can be shown without them."""
    try:
        configuration = load_configuration(path)
    except ConfigurationError as exc:
        note(f"note: budgets are not shown: {exc}")
        return {}
    return {"": limits_of("total", configuration.budget), **_of_use_cases(configuration)}


def _of_use_cases(configuration: Configuration) -> dict[str, list[Limit]]:
    return {
        name: limits_of("use_case", use_case.budget) + limits_of("tenant", use_case.tenant_budget)
        for name, use_case in configuration.use_cases.items()
    }


def _total(rows: Sequence[CostRow]) -> CostRow:
    return CostRow(
        by={},
        calls=sum(row.calls for row in rows),
        attempts=sum(row.attempts for row in rows),
        usage=sum((row.usage for row in rows), Usage()),
        cost_nano=sum(row.cost_nano for row in rows),
    )


def _json(
    args: argparse.Namespace,
    rows: Sequence[CostRow],
    total: CostRow,
    budgets: Sequence[Standing],
) -> dict[str, Any]:
    return {
        "since": args.since.isoformat(),
        "until": args.until.isoformat(),
        "by": list(args.by),
        "rows": [_row_json(row) for row in rows],
        "total": _row_json(total),
        "budgets": [_budget_json(standing) for standing in budgets],
    }


def _row_json(row: CostRow) -> dict[str, Any]:
    return {
        **row.by,
        "calls": row.calls,
        "attempts": row.attempts,
        "usage": usage_json(row.usage),
        "cost": cost_json(row.cost_nano),
    }


def _budget_json(standing: Standing) -> dict[str, Any]:
    key = standing.key
    return {
        **key._asdict(),
        "limit": cost_json(standing.limit.nano),
        "taken": cost_json(standing.taken),
        "share": round(standing.share, 4),
    }


def _show(
    args: argparse.Namespace,
    rows: Sequence[CostRow],
    total: CostRow,
    budgets: Sequence[Standing],
) -> None:
    out = console()
    out.print(f"from {args.since} to {args.until} (UTC)", style="dim")
    columns = ("calls", "attempts", "input", "output", "cache read", "cache write", "USD")
    names = [name.replace("_", " ") for name in args.by]
    made = table(*names, *columns, numbers=len(columns), folds=names)
    for row in rows:
        made.add_row(*(row.by[name] or "-" for name in args.by), *_numbers(row))
    made.add_section()
    made.add_row("total", *[""] * (len(args.by) - 1), *_numbers(total), style="bold")
    out.print(made)
    if budgets:
        out.print()
        _show_budgets(budgets, out)


def _numbers(row: CostRow) -> list[str]:
    usage = row.usage
    tokens = (usage.input, usage.output, usage.cache_read, usage.cache_write)
    return [f"{count:,}" for count in (row.calls, row.attempts, *tokens)] + [said(row.cost_nano)]


def _show_budgets(budgets: Sequence[Standing], out: Console) -> None:
    made = table("budget", "period", "taken", "of", "", "", numbers=4, folds=["budget"])
    shown: dict[tuple[str, str], int] = {}
    for standing in budgets:
        key = standing.key
        if key.scope == "tenant":
            of = (key.use_case, key.period)
            shown[of] = shown.get(of, 0) + 1
            if shown[of] > _TENANTS:
                continue
        made.add_row(
            _whose(standing),
            key.period,
            said(standing.taken),
            said(standing.limit.nano),
            _bar(standing),
            f"{standing.share:.0%}",
        )
    out.print(made)
    out.print(_TAKEN, style="dim")
    for (use_case, period), count in shown.items():
        if count > _TENANTS:
            more = f"{count - _TENANTS} more tenants of {use_case} in {period}: --json has them"
            out.print(more, style="dim")


def _whose(standing: Standing) -> str:
    key = standing.key
    if key.scope == "total":
        return "all use cases"
    return f"{key.use_case}, tenant {key.tenant}" if key.scope == "tenant" else key.use_case


def _bar(standing: Standing) -> Text:
    filled = min(_BAR, round(_BAR * standing.share))
    warns = standing.share >= standing.limit.warn_at
    style = "red" if standing.share >= 1 else "yellow" if warns else "green"
    return Text.assemble(("█" * filled, style), ("░" * (_BAR - filled), "dim"))
