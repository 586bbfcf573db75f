"""The researcher's door: python -m benchmarks."""

import argparse
import json
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.datasets import Places
from benchmarks.errors import BenchmarksError, SuiteError
from benchmarks.folder import RunFolder
from benchmarks.matrix import expand
from benchmarks.options import parser
from benchmarks.origin import origin_of
from benchmarks.progress import shown
from benchmarks.records import Asked, write_records
from benchmarks.report import (
    compare,
    failures,
    print_cells,
    print_comparisons,
    print_failures,
    summarise,
    to_json,
)
from benchmarks.run import Engine, prepare, run_suite
from benchmarks.stored import StoredRun
from benchmarks.suite import Suite, load_suite
from generation.commands.output import console, note, print_json, written
from indexers.leaving import leave

if TYPE_CHECKING:
    from benchmarks.answers.answering import Answering

OpenEngine = Callable[[Path], AbstractContextManager[Engine]]
"""Opens the engine that keeps its indexes in a folder."""

FAILED = 1
"""A data set, a run or its records could not be read, or the run failed."""

WRONG = 2
"""The command or the suite is not valid; nothing was run."""

INTERRUPTED = 130
"""By Ctrl-C, as a shell counts it."""


def _open_engine(data_dir: Path) -> AbstractContextManager[Engine]:
    # The engine loads models, which the other commands and --help do without.
    from benchmarks.engine import open_engine

    return open_engine(data_dir)


def main(arguments: Sequence[str] | None = None, open_engine: OpenEngine = _open_engine) -> int:
    """Run one command and return its exit code: 0, FAILED, WRONG or INTERRUPTED."""
    args = parser().parse_args(arguments)
    try:
        if args.command == "run":
            _run(args, open_engine)
        elif args.command == "report":
            _report(args)
        elif args.command == "calibrate":
            _calibrate(args)
        elif args.command == "performance":
            _performance(args)
        else:
            _compare(args)
    except SuiteError as exc:
        note(f"suite: {exc}")
        return WRONG
    except BenchmarksError as exc:
        note(f"error: {exc}")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _run(args: argparse.Namespace, open_engine: OpenEngine) -> None:
    suite, folder = load_suite(args.suite), RunFolder(args.out)
    with folder.alone():
        done = folder.begin(args.suite)
        if done:
            note(f"going on with the run in {folder.path}: {folder.load().extent}")
        try:
            _ask(args, suite, folder, done, open_engine)
        except KeyboardInterrupt:
            note(f"interrupted: {folder.load().extent}; the same command goes on from there")
            raise
        stored = folder.load()
    _summarised(folder, stored, as_json=args.json)


def _ask(
    args: argparse.Namespace,
    suite: Suite,
    folder: RunFolder,
    done: Collection[Asked],
    open_engine: OpenEngine,
) -> None:
    places = Places(data=args.data, catalog=args.catalog)
    with ExitStack() as stack:
        answering = stack.enter_context(_open_answering(suite, args))
        engine = stack.enter_context(open_engine(args.data_dir))
        prepared = prepare(expand(suite), places, engine)
        folder.come_from(origin_of(prepared, answering.use_cases if answering else {}))
        on_progress = stack.enter_context(shown(sys.stderr))
        records = run_suite(prepared, engine, on_progress, answering, done)
        # Answers under way end before the gateway does.
        with closing(records):
            for _ in write_records(folder.records, records):
                pass


def _open_answering(
    suite: Suite, args: argparse.Namespace
) -> "AbstractContextManager[Answering | None]":
    if suite.answering is None:
        return nullcontext()
    # It loads models, as the engine does.
    from benchmarks.answers.answering import open_answering

    return open_answering(suite.answering, args.generation, args.data_dir)


def _report(args: argparse.Namespace) -> None:
    folder = RunFolder(args.folder)
    stored = folder.load()
    _summarised(folder, stored, args.failures, as_json=args.json)


def _summarised(
    folder: RunFolder, stored: StoredRun, worst: int | None = None, *, as_json: bool
) -> None:
    cells = summarise(stored.runs, stored.suite.measures)
    rows = to_json(cells)
    if stored.finished:
        folder.summarise(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    found = [
        failure
        for key, records in (stored.runs.items() if worst else ())
        for failure in failures(records, stored.suite.measures.get(key.dataset, ()), worst or 0)
    ]
    _warn(stored, as_json=as_json)
    if not as_json:
        print_cells(cells, console())
        print_failures(found, console())
    elif worst is None:
        print_json(rows)
    else:
        print_json({"measures": rows, "failures": [failure.to_json() for failure in found]})


def _warn(stored: StoredRun, systems: Sequence[str] = (), *, as_json: bool) -> None:
    """Say what is to be known ahead of what is said of a run, or of some of its systems."""
    for text in stored.warnings(systems):
        if as_json:
            note(text)
        else:
            console().print(text, style="bold yellow", markup=False)


def _compare(args: argparse.Namespace) -> None:
    stored = RunFolder(args.folder).load()
    _warn(stored, [args.baseline, args.other], as_json=args.json)
    found = compare(stored.runs, stored.suite.measures, args.baseline, args.other)
    if args.json:
        print_json([comparison.to_json() for comparison in found])
    else:
        print_comparisons(found, args.baseline, args.other, console())


def _calibrate(args: argparse.Namespace) -> None:
    # They load models, which the other commands and --help do without.
    from benchmarks.calibrate import calibrate, load_calibration
    from benchmarks.engine import open_engine
    from benchmarks.report.calibration import calibrations_to_json, print_calibrations

    suite, places = load_calibration(args.suite), Places(data=args.data, catalog=args.catalog)
    with open_engine(args.data_dir) as engine, shown(sys.stderr) as on_progress:
        found = calibrate(suite, places, engine, on_progress)
    if args.json:
        print_json(calibrations_to_json(found))
    else:
        print_calibrations(found, console())


def _performance(args: argparse.Namespace) -> None:
    # It loads models, which the other commands and --help do without.
    from benchmarks.performance.command import performance

    performance(args, console())


if __name__ == "__main__":
    leave(written(main))
