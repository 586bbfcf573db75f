"""The memory of a process that indexes all pages of the data set."""

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks.errors import BenchmarksError
from benchmarks.performance.passages import ROOT, environment, python_m, write_catalog
from benchmarks.performance.rows import Row
from benchmarks.performance.workplace import Workplace

MOST_GB = 1.2
_SAMPLE_EVERY_S = 0.25
_QUARTERS = ("first", "second", "third", "fourth")


def measure_memory(place: Workplace, chunks: int | None) -> list[Row]:
    """Index every page, or pages of about `chunks` chunks, in a process of its own."""
    pages = place.documents() if chunks is None else place.pages(chunks)
    place.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.folder) as name:
        folder = Path(name).resolve()
        catalog = write_catalog(folder / "catalog.yaml", pages)
        where = ("--catalog", catalog, "--data-dir", folder / "data")
        report, peak, samples = _watched(*python_m("indexers", "reindex", *where, "--json"))
    return memory_rows(json.loads(report)["reports"][0], peak, samples)


def memory_rows(report: dict[str, float], peak: float, samples: Sequence[float]) -> list[Row]:
    """The rows of a report, its process's peak in GB, and samples of its memory in GB."""
    return [
        Row(name="pages", value=report["scanned"], decimals=0),
        Row(name="chunks", value=report["chunks_stored"], decimals=0),
        Row(name="seconds", value=report["seconds"], unit="s", decimals=0),
        Row(name="peak memory", value=peak, unit="GB", most=MOST_GB),
        *(
            Row(name=f"peak in the {quarter} quarter of the time", value=value, unit="GB")
            for quarter, value in zip(_QUARTERS, quarter_peaks(samples), strict=True)
        ),
    ]


def quarter_peaks(samples: Sequence[float]) -> list[float]:
    """The highest sample of each quarter; 0 for a quarter without any."""
    bounds = [len(samples) * quarter // 4 for quarter in range(5)]
    return [max(samples[first:last], default=0.0) for first, last in pairwise(bounds)]


def _watched(*command: str) -> tuple[str, float, list[float]]:
    """What a command prints, its peak resident memory in GB, and samples of that in between.

    Raises:
        BenchmarksError: it failed.
    """
    samples: list[float] = []
    ended = threading.Event()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        watcher = threading.Thread(target=_watch, args=(process.pid, samples, ended))
        watcher.start()
        assert process.stdout is not None
        printed = process.stdout.read()
        ended.set()
        watcher.join()
        # Not `wait`, which does not tell what this process used.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchmarksError(f"{' '.join(command)}: exit code {process.returncode}")
    return printed, usage.ru_maxrss * 1024 / 1e9, samples  # Linux counts in KiB.


def _watch(pid: int, samples: list[float], ended: threading.Event) -> None:
    page = os.sysconf("SC_PAGE_SIZE")
    statistics = Path(f"/proc/{pid}/statm")
    while not ended.wait(_SAMPLE_EVERY_S):
        resident = int(statistics.read_text().split()[1])
        samples.append(resident * page / 1e9)
