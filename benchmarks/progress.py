"""How a running suite shows itself: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from benchmarks.run import OnProgress

_LINE_EVERY_S = 10.0


@contextmanager
def shown(stream: TextIO) -> Iterator[OnProgress]:
    """Show on `stream` what is reported while the block runs."""
    console = Console(file=stream)
    if console.is_terminal:
        with _bar(console) as bar:
            yield _Bar(bar)
    else:
        yield _Lines(stream)


class _Bar:
    """One bar, begun anew whenever something else is being done."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._doing = ""
        self._task = bar.add_task("", total=None)

    def __call__(self, doing: str, done: int, total: int | None) -> None:
        if doing != self._doing:
            self._doing = doing
            self._bar.reset(self._task, description=doing)
        self._bar.update(self._task, completed=done, total=total)


class _Lines:
    """A line when something is begun or finished, and one every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._doing = ""
        self._said = 0.0

    def __call__(self, doing: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if doing == self._doing and done != total and now - self._said < _LINE_EVERY_S:
            return
        self._doing, self._said = doing, now
        count = f"{done}" if total is None else f"{done}/{total}"
        print(f"{doing} {count}", file=self._stream, flush=True)


def _bar(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
