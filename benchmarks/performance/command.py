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
        BenchmarksError: the data set is missing, a folder to write to cannot be made, or a process
            of the measurement failed.
    """
    place = Workplace(data=args.data, folder=_made(args.data_dir))
    out = _made(args.out) if args.out else None  # Before minutes are spent on what goes there.
    found = []
    for name in [args.part] if args.part else PARTS:
        try:
            rows = PARTS[name](place, args.chunks)
        except IndexersError as exc:
            raise BenchmarksError(f"{name}: {exc}") from exc
        found += to_json(name, rows)
        if not args.json:
            print_rows(name, rows, console)
        if out:
            _write(out, name, rows)
    if args.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise BenchmarksError(f"{folder} cannot be made a folder: {exc.strerror}") from exc
    return folder


def _write(folder: Path, name: str, rows: list[Row]) -> None:
    text = json.dumps(to_json(name, rows), indent=2, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
