"""The researcher's door: python -m benchmarks."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.datasets import Places
from benchmarks.errors import BenchmarksError, SuiteError
from benchmarks.folder import RunFolder
from benchmarks.matrix import expand
from benchmarks.options import add_places, add_run
from benchmarks.progress import shown
from benchmarks.records import Runs, by_run, write_records
from benchmarks.report import (
    compare,
    failures,
    print_cells,
    print_comparisons,
    print_failures,
    summarise,
    to_json,
)
from benchmarks.run import Engine, run_suite
from benchmarks.suite import Suite, load_suite

if TYPE_CHECKING:
    from benchmarks.answers.answering import Answering

OpenEngine = Callable[[Path], AbstractContextManager[Engine]]
"""Opens the engine that keeps its indexes in a folder."""

FAILED = 1
"""A data set, a run or its records could not be read, or the run failed."""

WRONG = 2
"""The command or the suite is not valid; nothing was run."""


def _open_engine(data_dir: Path) -> AbstractContextManager[Engine]:
    # The engine loads models, which the other commands and --help do without.
    from benchmarks.engine import open_engine

    return open_engine(data_dir)


def main(arguments: Sequence[str] | None = None, open_engine: OpenEngine = _open_engine) -> int:
    """Run one command and return its exit code: 0, FAILED or WRONG."""
    args = _parser().parse_args(arguments)
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
        print(f"suite: {exc}", file=sys.stderr)
        return WRONG
    except BenchmarksError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return FAILED
    return 0


def _run(args: argparse.Namespace, open_engine: OpenEngine) -> None:
    suite, folder = load_suite(args.suite), RunFolder(args.out)
    places = Places(data=args.data, catalog=args.catalog)
    folder.begin(args.suite)
    with ExitStack() as stack:
        answering = stack.enter_context(_open_answering(suite, args))
        engine = stack.enter_context(open_engine(args.data_dir))
        on_progress = stack.enter_context(shown(sys.stderr))
        records = run_suite(expand(suite), places, engine, on_progress, answering)
        runs = by_run(write_records(folder.records, records))
    _summarised(suite, runs, folder, args.json)


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
    suite, runs = folder.load()
    _summarised(suite, runs, folder, args.json)
    for key, records in runs.items() if args.failures and not args.json else ():
        found = failures(records, suite.measures.get(key.dataset, ()), args.failures)
        print_failures(found, _console())


def _summarised(suite: Suite, runs: Runs, folder: RunFolder, as_json: bool) -> None:
    cells = summarise(runs, suite.measures)
    text = json.dumps(to_json(cells), indent=2, ensure_ascii=False)
    folder.summarise(text + "\n")
    if as_json:
        print(text)
    else:
        print_cells(cells, _console())


def _compare(args: argparse.Namespace) -> None:
    suite, runs = RunFolder(args.folder).load()
    found = compare(runs, suite.measures, args.baseline, args.other)
    if args.json:
        print(json.dumps([comparison.to_json() for comparison in found], indent=2))
    else:
        print_comparisons(found, args.baseline, args.other, _console())


def _calibrate(args: argparse.Namespace) -> None:
    # They load models, which the other commands and --help do without.
    from benchmarks.calibrate import calibrate, load_calibration
    from benchmarks.engine import open_engine
    from benchmarks.report.calibration import calibrations_to_json, print_calibrations

    suite, places = load_calibration(args.suite), Places(data=args.data, catalog=args.catalog)
    with open_engine(args.data_dir) as engine, shown(sys.stderr) as on_progress:
        found = calibrate(suite, places, engine, on_progress)
    if args.json:
        print(json.dumps(calibrations_to_json(found), indent=2))
    else:
        print_calibrations(found, _console())


def _performance(args: argparse.Namespace) -> None:
    # It loads models, which the other commands and --help do without.
    from benchmarks.performance.command import performance

    performance(args, _console())


def _console() -> Console:
    console = Console()
    # A file or a pipe has no width: nothing is to be cut there.
    return console if console.is_terminal else Console(width=200)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare builds and searches on questions whose answers are known.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    summary = "run a suite: build, search, answer, measure"
    example = "run benchmarks/suites/first.yaml --out runs/first --data ../data"
    add_run(_command(commands, "run", summary, example))
    summary = "show a run's measures, the first system of each data set as the baseline"
    report = _command(commands, "report", summary, "report runs/first --failures 5")
    report.add_argument("folder", type=Path, metavar="DIR", help="the --out folder of a run")
    report.add_argument(
        "--failures",
        type=int,
        default=0,
        metavar="N",
        help="also show each run's N worst questions",
    )
    summary = "compare two systems of a run, question by question"
    example = "compare runs/first baseline/dense passages/hybrid"
    compared = _command(commands, "compare", summary, example)
    compared.add_argument("folder", type=Path, metavar="DIR", help="the --out folder of a run")
    compared.add_argument("baseline", metavar="BASELINE", help="as BUILD/SEARCH[/ANSWERER]")
    compared.add_argument("other", metavar="OTHER", help="another system")
    _add_calibrate(commands)
    _add_performance(commands)
    return parser


def _add_calibrate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "fit the coefficients of relevance on development sets, and say how good they are"
    example = "calibrate benchmarks/suites/calibrate.yaml --data ../data"
    calibrated = _command(commands, "calibrate", summary, example)
    calibrated.add_argument("suite", type=Path, metavar="SUITE.yaml", help="the sets to fit on")
    add_places(calibrated)


def _add_performance(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "measure speed, memory, re-indexing and the gateway, against their targets"
    found = _command(commands, "performance", summary, "performance latency --data ../data")
    parts = (
        *("latency", "indexing", "memory", "switching", "changes", "workers", "pages", "chaos"),
        *("gateway", "gateway-added", "gateway-failover", "gateway-budget", "gateway-quota"),
    )
    found.add_argument("part", nargs="?", choices=parts, help="all, one after the other, without")
    found.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="the folder of data sets"
    )
    found.add_argument(
        "--chunks",
        type=_above_zero,
        metavar="N",
        help="how many chunks to measure on, or pages, or kills, or calls",
    )
    found.add_argument("--out", type=Path, metavar="DIR", help="a folder for the values as JSON")
    found.add_argument(
        "--data-dir",
        type=Path,
        default=Path("data/performance"),
        metavar="PATH",
        help="where the pages and the index of a measurement are kept for the next run",
    )


def _above_zero(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example: python -m benchmarks {example}"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for a program")
    return parser


if __name__ == "__main__":
    sys.exit(main())
