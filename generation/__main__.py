"""The gateway's own door: python -m generation."""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from generation.commands.output import written
from generation.errors import CommandError, ConfigurationError, GenerationError, PromptError
from generation.money.costs import By
from generation.money.periods import today
from generation.settings import add_data_dir, add_generation

FAILED = 1
"""A target cannot be called, or a replayed call has failed."""

WRONG = 2
"""The command or the configuration is not valid; nothing was sent."""

BROKEN = 3
"""The database or the records cannot be used."""

INTERRUPTED = 130
"""By Ctrl-C, as a shell counts it."""

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, FAILED, WRONG, BROKEN or INTERRUPTED."""
    args = parser().parse_args(arguments)
    try:
        return 0 if _run(args) else FAILED
    except (CommandError, ConfigurationError, PromptError) as exc:
        print(f"error: {exc}", file=sys.stderr)
        return WRONG
    except GenerationError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return BROKEN
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(args: argparse.Namespace) -> bool:
    """Run the command that was chosen; whether all went well."""
    # boto3 comes with some of them, which --help does without.
    if args.name == "check":
        from generation.commands.check import check

        return check(args)
    if args.name == "costs":
        from generation.commands.costs import costs

        return costs(args)
    from generation.commands.replay import replay

    return replay(args)


def parser() -> argparse.ArgumentParser:
    """The parser of all its commands."""
    parser = argparse.ArgumentParser(
        prog="python -m generation",
        description="See whether Amazon Bedrock can be called, what it cost, and what it would "
        "answer now.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="name")
    check = _command(
        commands,
        "check",
        "see that the gateway opens, and ask each target for a few tokens, whole or streamed as it "
        "is used: can it be called, and if not, what is to be done?",
        "python -m generation check --generation samples/generation.yaml",
    )
    check.add_argument("--use-case", metavar="NAME", help="only the targets of its route")
    _add_costs(commands)
    _add_replay(commands)
    return parser


def _add_costs(commands: "_Commands") -> None:
    costs = _command(
        commands,
        "costs",
        "show what was called, what it cost, and how far budgets are used up",
        "python -m generation costs --since month --by use_case,tenant",
    )
    costs.add_argument(
        "--since",
        type=_day,
        default="month",
        metavar="DAY",
        help="2026-11-25, today, or month: its first day; days are of UTC; default month",
    )
    costs.add_argument(
        "--until",
        type=_day,
        default="today",
        metavar="DAY",
        help="that day included; default today",
    )
    costs.add_argument(
        "--by",
        type=_by,
        default="use_case",
        metavar="NAMES",
        help=f"one or more of {', '.join(get_args(By))}, with commas between; default use_case",
    )


def _add_replay(commands: "_Commands") -> None:
    replay = _command(
        commands,
        "replay",
        "send recorded calls again, by the configuration of now, and compare the answers",
        "python -m generation replay records --of answer --limit 5 --prompt answer@2",
    )
    replay.add_argument(
        "records", nargs="+", type=Path, metavar="RECORDS", help="folders or files of records"
    )
    replay.add_argument(
        "--call",
        metavar="ID",
        help="only this call, or those of a request: the request_id of an answer",
    )
    replay.add_argument("--of", metavar="NAME", help="only calls of this use case")
    replay.add_argument(
        "--use-case", metavar="NAME", help="send them through this one instead of their own"
    )
    replay.add_argument(
        "--prompt",
        type=_template,
        metavar="ID@VERSION",
        help="fill this template instead of the recorded one",
    )
    replay.add_argument(
        "--limit", type=_above_zero, default=20, metavar="N", help="the latest N; default 20"
    )
    replay.add_argument("--dry-run", action="store_true", help="show the prompts, and send nothing")


def _command(
    commands: "_Commands", name: str, summary: str, example: str
) -> argparse.ArgumentParser:
    made = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example: {example}"
    )
    add_generation(made, Path("generation.yaml"))
    add_data_dir(made)
    made.add_argument("--json", action="store_true", help="print JSON for a program")
    return made


def _day(text: str) -> date:
    if text == "today":
        return today()
    if text == "month":
        return today().replace(day=1)
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        said = f"{text!r} is not a day as in 2026-11-25, today, or month"
        raise argparse.ArgumentTypeError(said) from exc


def _by(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in get_args(By):
            said = f"costs are not summed by {name!r}; valid: {', '.join(get_args(By))}"
            raise argparse.ArgumentTypeError(said)
    return names


def _template(text: str) -> tuple[str, int]:
    id_, _, version = text.partition("@")
    if not id_ or not version.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a template as in answer@2")
    return id_, int(version)


def _above_zero(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(written(main))
