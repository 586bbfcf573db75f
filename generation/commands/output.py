"""What the commands have in common of how they show things."""

import json
import os
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from generation.messages import Usage
from generation.money.nano import usd_of

UNREAD = 141
"""Nobody reads standard output any more: as a shell counts a command that SIGPIPE has ended."""


def written(main: Callable[[], int]) -> int:
    """The exit code of a command all of whose output is written, or UNREAD where whoever read it
    has gone, as behind `| head -1`: nothing is said of that."""
    try:
        try:
            return main()
        finally:
            if sys.stdout is not None:  # Where it is closed, `>&-`, print does nothing either.
                sys.stdout.flush()
    except BrokenPipeError:
        # What is in the buffer would be tried again at the end of the process, and complained of.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD


class Printer(Console):
    """Standard output by rich, which leaves it to `written` where nobody reads it any more."""

    def on_broken_pipe(self) -> None:
        """See `rich.console.Console`, which would end the process as if something had failed."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output as people read it."""
    found = Printer(highlight=False)
    # A file or a pipe has no width: nothing is to be cut there.
    return found if found.is_terminal else Printer(width=200, highlight=False)


def note(text: str) -> None:
    """Say something beside the output."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print a value for a program."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def table(*columns: str, numbers: int = 0, folds: Collection[str] = ()) -> Table:
    """A table without lines whose last `numbers` columns are of numbers; those that `folds` names
    give way where the terminal is narrow."""
    made = Table(box=None, header_style="bold", pad_edge=False)
    for position, name in enumerate(columns):
        made.add_column(
            name,
            justify="right" if position >= len(columns) - numbers else "left",
            no_wrap=name not in folds,
            overflow="fold",
        )
    return made


def usage_json(usage: Usage) -> dict[str, int]:
    """Tokens as records have them."""
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
    }


def read_and_written(usage: Mapping[str, int]) -> str:
    """Tokens as people read them: what was read, from the prompt cache or into it as well, and
    what was written. `usage` is as `usage_json` gives it, and may have more."""
    kinds = ("input_tokens", "cache_read_tokens", "cache_write_tokens")
    return f"{sum(usage[kind] for kind in kinds):,} + {usage['output_tokens']:,}"


def cost_json(nano: int) -> dict[str, Any]:
    """A sum of money as records have it."""
    return {"nano": nano, "usd": usd_of(nano)}
