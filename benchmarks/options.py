"""Options of the commands that run suites."""

import argparse
from pathlib import Path

from generation.settings import add_generation


def add_run(command: argparse.ArgumentParser) -> None:
    """Give `run` its suite, its folder for results, and where all that it needs is."""
    command.add_argument("suite", type=Path, metavar="SUITE.yaml", help="what to compare")
    command.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new folder for the results"
    )
    add_places(command)
    add_generation(command)


def add_places(command: argparse.ArgumentParser) -> None:
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
