"""python -m generation replay: recorded calls sent again by the configuration of now."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console
from rich.progress import track

from generation.commands.output import console, note, print_json
from generation.commands.planning import REPLAYED, LeftOut, Planned, Planner, latest
from generation.commands.replayed import (
    Replayed,
    left_out_json,
    prompt_json,
    replayed_json,
    show_left_out,
    show_prompt,
    show_replayed,
    show_totals,
    totals_json,
)
from generation.configuration import Configuration, load_configuration
from generation.errors import CallError, RefusedError
from generation.gateway import Gateway
from generation.money.nano import said
from generation.redaction import Redactor
from generation.settings import database_url


def replay(args: argparse.Namespace) -> bool:
    """Send calls again and compare; whether at least one was sent, and all that were succeeded.

    Raises:
        CommandError: there is no such call. ConfigurationError, PromptError: what is configured or
            named is not valid. RecordsError, LedgerError: records or costs cannot be used.
    """
    configuration = load_configuration(args.generation)
    planner = Planner(configuration, args.use_case, args.prompt)
    records = latest(args.records, limit=args.limit, id_=args.call, use_case=args.of)
    plans = [planner.plan(record) for record in records]
    planned = [plan for plan in plans if isinstance(plan, Planned)]
    left_out = [plan for plan in plans if isinstance(plan, LeftOut)]
    most = said(sum(plan.most_nano for plan in planned))
    note(
        f"{len(planned)} of the latest {len(records)} calls can be sent again, for {most} at most "
        "where no attempt has to be repeated"
    )
    if args.dry_run:
        _show_prompts(planned, left_out, args)
        return bool(planned)
    replayed = _sent(planned, configuration, args) if planned else []
    _show(replayed, left_out, args)
    return bool(replayed) and all(one.completion is not None for one in replayed)


def _sent(
    planned: Sequence[Planned], configuration: Configuration, args: argparse.Namespace
) -> list[Replayed]:
    redactor = Redactor(configuration.redact)
    gateway = Gateway(configuration, database_url(args.data_dir))
    progress = Console(file=sys.stderr)
    try:
        return [
            _send(gateway, plan, redactor)
            for plan in track(
                planned,
                "replaying",
                console=progress,
                transient=True,
                disable=not progress.is_terminal,
            )
        ]
    finally:
        gateway.close()


def _send(gateway: Gateway, plan: Planned, redactor: Redactor) -> Replayed:
    """Send a call: for no tenant, whose budget it is none of."""
    stream = gateway.stream(
        plan.use_case,
        plan.inputs,
        request_id=f"{REPLAYED}{plan.record['call_id']}",
        template=(plan.template.id, plan.template.version),
    )
    try:
        for _ in stream:
            pass
    except (RefusedError, CallError) as exc:
        failed = Replayed(plan=plan, call_id=stream.call_id, error=f"{type(exc).__name__}: {exc}")
        if isinstance(exc, CallError):  # A refused one has cost nothing.
            return replace(failed, usage=exc.usage, cost_nano=exc.cost_nano)
        return failed
    done = stream.completion
    return Replayed(
        plan=plan,
        call_id=stream.call_id,
        usage=done.usage,
        cost_nano=done.cost_nano,
        completion=done,
        answer=redactor.text(done.text),  # The recorded one is redacted too.
    )


def _show_prompts(
    planned: Sequence[Planned], left_out: Sequence[LeftOut], args: argparse.Namespace
) -> None:
    if args.json:
        prompts = [prompt_json(plan) for plan in planned]
        print_json({"prompts": prompts, "left_out": [left_out_json(one) for one in left_out]})
        return
    out = console()
    for plan in planned:
        show_prompt(plan, out)
    show_left_out(left_out, out)


def _show(
    replayed: Sequence[Replayed], left_out: Sequence[LeftOut], args: argparse.Namespace
) -> None:
    if args.json:
        print_json(
            {
                "calls": [replayed_json(one) for one in replayed],
                "left_out": [left_out_json(one) for one in left_out],
                "total": totals_json(replayed),
            }
        )
        return
    out = console()
    for one in replayed:
        show_replayed(one, out)
    show_left_out(left_out, out)
    show_totals(replayed, left_out, out)
