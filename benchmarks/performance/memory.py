"""The memory of the processes that index all pages of the data set."""

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from benchmarks.errors import BenchmarksError
from benchmarks.performance.passages import ROOT, environment, python_m, write_catalog
from benchmarks.performance.rows import Row
from benchmarks.performance.workplace import Workplace

MOST_GB = 1.2
_SAMPLE_EVERY_S = 0.25
_QUARTERS = ("first", "second", "third", "fourth")


def measure_memory(place: Workplace, chunks: int | None) -> list[Row]:
    """Index every page, or pages of about `chunks` chunks, by the command line."""
    pages = place.documents() if chunks is None else place.pages(chunks)
    place.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.folder) as name:
        folder = Path(name).resolve()
        catalog = write_catalog(folder / "catalog.yaml", pages)
        where = ("--catalog", catalog, "--data-dir", folder / "data")
        printed, seconds, samples, _ = watched(*python_m("indexers", "reindex", *where, "--json"))
    (job,) = json.loads(printed)["jobs"]
    return memory_rows(job, seconds, samples)


def memory_rows(job: Mapping[str, Any], seconds: float, samples: Sequence[float]) -> list[Row]:
    """The rows of a job, its seconds, and samples of the memory of its processes in GB."""
    return [
        Row(name="pages", value=job["documents"]["scanned"], decimals=0),
        Row(name="chunks", value=job["chunks"]["stored"], decimals=0),
        Row(name="seconds", value=seconds, unit="s", decimals=0),
        Row(name="peak memory", value=max(samples, default=0.0), unit="GB", most=MOST_GB),
        *(
            Row(name=f"peak in the {quarter} quarter of the time", value=value, unit="GB")
            for quarter, value in zip(_QUARTERS, quarter_peaks(samples), strict=True)
        ),
    ]


def quarter_peaks(samples: Sequence[float]) -> list[float]:
    """The highest sample of each quarter; 0 for a quarter without any."""
    bounds = [len(samples) * quarter // 4 for quarter in range(5)]
    return [max(samples[first:last], default=0.0) for first, last in pairwise(bounds)]


def watched(*command: str) -> tuple[str, float, list[float], list[float]]:
    """What a command prints, its seconds, and samples of the memory in GB of it and of the
    processes that it starts: all that is resident, and what of it is no mapped file, which the
    system can drop and read again.

    Raises:
        BenchmarksError: it failed.
    """
    samples: list[tuple[float, float]] = []
    ended = threading.Event()
    started = time.monotonic()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        watcher = threading.Thread(target=_watch, args=(process.pid, samples, ended))
        watcher.start()
        printed, _ = process.communicate()
        ended.set()
        watcher.join()
    if process.returncode:
        raise BenchmarksError(f"{' '.join(command)}: exit code {process.returncode}")
    resident, anonymous = ([sample[place] for sample in samples] for place in (0, 1))
    return printed, time.monotonic() - started, resident, anonymous


def _memory_gb(pid: int) -> tuple[float, float]:
    """The resident memory of a process and of those that it has started, in GB, and what of it is
    no mapped file; 0 when it is gone. Pages that they share count for each."""
    try:
        process = psutil.Process(pid)
        found = [one.memory_info() for one in [process, *process.children(recursive=True)]]
    except psutil.NoSuchProcess:
        return 0.0, 0.0
    return sum(m.rss for m in found) / 1e9, sum(m.rss - m.shared for m in found) / 1e9


def _watch(pid: int, samples: list[tuple[float, float]], ended: threading.Event) -> None:
    while not ended.wait(_SAMPLE_EVERY_S):
        samples.append(_memory_gb(pid))
