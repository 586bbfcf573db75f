"""How a re-index shows itself: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.text import Text

from indexers.build import OnProgress, Progress

_LINE_EVERY_S = 5.0


@contextmanager
def shown(name: str, stream: TextIO = sys.stderr) -> Iterator[OnProgress]:
    """Show the progress of re-indexing `name` on `stream` while the block runs."""
    console = Console(file=stream)
    if console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task(name, total=None, stage="listing", rate="")
            yield lambda progress: _update(bar, task, progress)
    else:
        yield _Lines(name, stream)


class _Lines:
    """A line when the stage changes, and one every few seconds."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name = name
        self._stream = stream
        self._stage = ""
        self._started = self._said = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.stage == self._stage and now - self._said < _LINE_EVERY_S:
            return
        self._stage, self._said = progress.stage, now
        rate = _rate(progress, now - self._started)
        done = f" {progress.documents}/{progress.total} documents{rate}" if progress.total else ""
        print(f"{self._name}: {progress.stage}{done}", file=self._stream, flush=True)


def _rate(progress: Progress, seconds: float) -> str:
    if not progress.documents or seconds <= 0:
        return ""
    rate = progress.documents / seconds
    left = (progress.total - progress.documents) / rate
    return f", {rate:.1f} documents/s, {left:.0f} s left"


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} documents/s", style="cyan")


def _bar(console: Console) -> RichProgress:
    return RichProgress(
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        TextColumn("{task.fields[stage]}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _update(bar: RichProgress, task: "int", progress: Progress) -> None:
    bar.update(
        task,  # type: ignore[arg-type]
        stage=progress.stage,
        completed=progress.documents,
        total=progress.total or None,
    )
