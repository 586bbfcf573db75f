"""What the commands have in common of how they show things."""

import json
import sys
from collections.abc import Collection
from typing import Any

from rich.console import Console
from rich.table import Table

from generation.messages import Usage
from generation.money.nano import usd_of


def console() -> Console:
    """Standard output as people read it."""
    found = Console(highlight=False)
    # A file or a pipe has no width: nothing is to be cut there.
    return found if found.is_terminal else Console(width=200, highlight=False)


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


def cost_json(nano: int) -> dict[str, Any]:
    """A sum of money as records have it."""
    return {"nano": nano, "usd": usd_of(nano)}
