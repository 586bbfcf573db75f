"""Workers that share a job by Postgres and a vector store: how fast, and with one killed."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.errors import BenchmarksError
from benchmarks.performance.rows import Row
from benchmarks.performance.workplace import Workplace
from benchmarks.reindexing.arrangements import Shared, shared
from benchmarks.reindexing.chaos import compare, points_of, reference
from benchmarks.reindexing.site import Page, cut_pages

PAGES = 400
_COUNTS = (1, 2, 4)
_LEAST_GAIN = 1.0
_AT_ONCE = 2


def measure_workers(place: Workplace, pages: int | None) -> list[Row]:
    """Index so many new pages, PAGES by default, by one worker, two and four, each on one core;
    then by four, of which one is killed in the middle."""
    count = pages or PAGES
    cut = cut_pages(place.documents(), count * (len(_COUNTS) + 1))
    shares = [cut[start : start + count] for start in range(0, len(cut), count)]
    place.folder.mkdir(parents=True, exist_ok=True)
    rates: dict[int, float] = {}
    with tempfile.TemporaryDirectory(dir=place.folder) as name, shared(Path(name), 0) as house:
        for number, share in zip(_COUNTS, shares, strict=False):
            with _working(house, number):
                rates[number] = _rate(house, share)
        killed = _one_killed(house, shares[-1], Path(name) / "reference")
    cores = os.cpu_count() or 1
    return [
        *(
            Row(name=f"chunks a second by {number} workers", value=rate, decimals=1)
            for number, rate in rates.items()
        ),
        Row(name="two workers, of one", value=rates[2] / rates[1], unit="x", least=_LEAST_GAIN),
        Row(name=f"four workers, of two, on {cores} cores", value=rates[4] / rates[2], unit="x"),
        *killed,
    ]


@contextmanager
def _working(house: Shared, count: int) -> Iterator[None]:
    """So many workers while the block runs, each on a core of its own as far as there are any."""
    cores = sorted(os.sched_getaffinity(0))
    house.workers = [house.site.start("indexers", "worker") for _ in range(count)]
    for number, process in enumerate(house.workers):
        os.sched_setaffinity(process.pid, {cores[number % len(cores)]})
    time.sleep(5)  # They have started.
    try:
        yield
    finally:
        for process in house.workers:
            process.terminate()
        for process in house.workers:
            process.wait(timeout=60)


def _rate(house: Shared, pages: Sequence[Page]) -> float:
    house.site.write(pages)
    job = _succeeded(house.finished(house.submit(mode="full", allow_shrink=True)))
    times = job["times"]
    began, ended = (_at(times[state]) for state in ("running", "verifying"))
    return float(job["chunks"]["embedded"]) / (ended - began)


def _one_killed(house: Shared, pages: Sequence[Page], folder: Path) -> list[Row]:
    house.site.write(pages)
    with _working(house, 4):
        job_id = house.submit(mode="full", allow_shrink=True)
        while house.job(job_id)["progress"]["documents"] == 0:
            time.sleep(0.05)
        killed: subprocess.Popen[bytes] = house.workers.pop()
        killed.kill()
        killed.wait()
        job = _succeeded(house.finished(job_id))
        with reference(folder) as expected, house.looked_into() as store:
            wrong = compare(expected(pages), points_of(store, "pages"))
    return [
        Row(name="with one of four killed: chunks wrong", value=len(wrong), most=0, decimals=0),
        Row(
            name="chunks generated but not stored",
            value=job["chunks"]["generated"] - job["chunks"]["stored"],
            most=0,
            least=0,
            decimals=0,
        ),
        Row(
            name="batches begun twice, of those that the killed one had",
            value=_begun_twice(house, job_id),
            most=_AT_ONCE,
            decimals=0,
        ),
    ]


def _succeeded(job: dict[str, Any]) -> dict[str, Any]:
    if job["state"] != "succeeded":
        raise BenchmarksError(f"a job did not succeed: {job['error'] or job['failures']}")
    return job


def _begun_twice(house: Shared, job_id: str) -> int:
    url = sa.make_url(house.site.database_url or "").set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url)
    query = (
        "SELECT count(*) FROM dbos.workflow_status WHERE name = 'batch' "
        "AND recovery_attempts > 1 AND workflow_uuid LIKE :job"
    )
    with engine.connect() as connection:
        found = connection.execute(sa.text(query), {"job": f"{job_id}-%"}).scalar()
    engine.dispose()
    return int(found or 0)


def _at(time_iso: str) -> float:
    return datetime.fromisoformat(time_iso).timestamp()
