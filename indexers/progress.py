"""How a re-index shows itself: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

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

_LINE_EVERY_S = 2.0


OnProgress = Callable[[Mapping[str, Any]], None]
"""Is given a job, as the JSON object of `indexers.jobs.view`, whenever it may have changed."""


@contextmanager
def shown(name: str, stream: TextIO = sys.stderr) -> Iterator[OnProgress]:
    """Show the progress of re-indexing `name` on `stream` while the block runs."""
    console = Console(file=stream)
    if console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task(name, total=None, stage="listing", rate="")
            yield lambda job: _update(bar, task, job)
    else:
        yield _Lines(name, stream)


class _Lines:
    """A line when the stage changes, and one every few seconds."""

    def __init__(self, name: str, stream: TextIO) -> None:
        self._name = name
        self._stream = stream
        self._stage = ""
        self._said = time.monotonic()

    def __call__(self, job: Mapping[str, Any]) -> None:
        now, stage = time.monotonic(), "stuck" if job["stuck"] else str(job["stage"])
        if stage == self._stage and now - self._said < _LINE_EVERY_S:
            return
        self._stage, self._said = stage, now
        progress = job["progress"]
        total = progress["total"]
        done = f" {progress['documents']}/{total} documents{_pace(progress)}" if total else ""
        print(f"{self._name}: {stage}{done}", file=self._stream, flush=True)
        if job["note"]:
            print(f"{self._name}: {job['note']}", file=self._stream, flush=True)


def _pace(progress: Mapping[str, Any]) -> str:
    if progress["seconds_left"] is None:
        return ""
    return f", {progress['per_second']} documents/s, {progress['seconds_left']:.0f} s left"


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


def _update(bar: RichProgress, task: "int", job: Mapping[str, Any]) -> None:
    bar.update(
        task,  # type: ignore[arg-type]
        stage="stuck" if job["stuck"] else job["stage"],
        completed=job["progress"]["documents"],
        total=job["progress"]["total"] or None,
    )
