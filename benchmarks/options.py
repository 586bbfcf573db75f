"""What can be typed behind python -m benchmarks."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from generation.settings import add_generation

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_PARTS = (
    *("latency", "indexing", "memory", "switching", "changes", "workers", "pages", "chaos"),
    *("gateway", "gateway-added", "gateway-failover", "gateway-budget", "gateway-quota"),
)


def parser() -> argparse.ArgumentParser:
    """The command line's parser; `command` is the one that was chosen."""
    top = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare builds and searches on questions whose answers are known.",
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_run(commands)
    _add_report(commands)
    _add_compare(commands)
    _add_calibrate(commands)
    _add_performance(commands)
    return top


def _add_run(commands: "_Commands") -> None:
    run = _command(
        commands,
        "run",
        "run a suite: build, search, answer, measure; a run that was interrupted goes on",
        "run benchmarks/suites/first.yaml --out runs/first --data ../data",
    )
    run.add_argument("suite", type=Path, metavar="SUITE.yaml", help="what to compare")
    run.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="a folder for the results: a new one, or that of an unfinished run, to finish it",
    )
    _add_places(run)
    add_generation(run)


def _add_report(commands: "_Commands") -> None:
    report = _command(
        commands,
        "report",
        "show a run's measures, the first system of each data set as the baseline",
        "report runs/first --failures 5",
    )
    _add_folder(report)
    report.add_argument(
        "--failures",
        type=_above_zero,
        metavar="N",
        help="also show each run's N worst questions",
    )


def _add_compare(commands: "_Commands") -> None:
    compare = _command(
        commands,
        "compare",
        "compare two systems of a run, question by question",
        "compare runs/first baseline/dense passages/hybrid",
    )
    _add_folder(compare)
    compare.add_argument("baseline", metavar="BASELINE", help="as BUILD/SEARCH[/ANSWERER]")
    compare.add_argument("other", metavar="OTHER", help="another system")


def _add_calibrate(commands: "_Commands") -> None:
    calibrate = _command(
        commands,
        "calibrate",
        "fit the coefficients of relevance on development sets, and say how good they are",
        "calibrate benchmarks/suites/calibrate.yaml --data ../data",
    )
    calibrate.add_argument("suite", type=Path, metavar="SUITE.yaml", help="the sets to fit on")
    _add_places(calibrate)


def _add_performance(commands: "_Commands") -> None:
    found = _command(
        commands,
        "performance",
        "measure speed, memory, re-indexing and the gateway, against their targets",
        "performance latency --data ../data",
    )
    found.add_argument("part", nargs="?", choices=_PARTS, help="all, one after the other, without")
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


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", type=Path, metavar="DIR", help="the --out folder of a run")


def _add_places(command: argparse.ArgumentParser) -> None:
    """Give a command `--data`, `--catalog` and `--data-dir`."""
    command.add_argument("--data", type=Path, metavar="DIR", help="the folder of data sets")
    command.add_argument(
        "--catalog",
        type=Path,
        default=Path("catalog.yaml"),
        metavar="PATH",
        help="the catalog whose documents a data set of form 'catalog' asks about",
    )
    command.add_argument(
        "--data-dir",
        type=Path,
        default=Path("data/benchmarks"),
        metavar="PATH",
        help="where the indexes that are built are kept for the next run",
    )


def _above_zero(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _command(
    commands: "_Commands", name: str, summary: str, example: str
) -> argparse.ArgumentParser:
    found = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example: python -m benchmarks {example}"
    )
    found.add_argument("--json", action="store_true", help="print JSON for a program")
    return found
