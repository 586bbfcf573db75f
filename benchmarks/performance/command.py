"""The command `python -m benchmarks performance`."""

import argparse
import json
from pathlib import Path

from rich.console import Console

from benchmarks.errors import BenchmarksError
from benchmarks.performance.parts import PARTS
from benchmarks.performance.rows import Row, print_rows, to_json
from benchmarks.performance.workplace import Workplace
from indexers.errors import IndexersError


def performance(args: argparse.Namespace, console: Console) -> None:
    """Measure one part or all, show each as soon as it is measured.

    Raises:
        BenchmarksError: the data set is missing, or a process of the measurement failed.
    """
    place = Workplace(data=args.data, folder=args.data_dir)
    place.folder.mkdir(parents=True, exist_ok=True)
    found = []
    for name in [args.part] if args.part else PARTS:
        try:
            rows = PARTS[name](place, args.chunks)
        except IndexersError as exc:
            raise BenchmarksError(f"{name}: {exc}") from exc
        found += to_json(name, rows)
        if not args.json:
            print_rows(name, rows, console)
        if args.out:
            _write(args.out, name, rows)
    if args.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))


def _write(folder: Path, name: str, rows: list[Row]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json(name, rows), indent=2, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
