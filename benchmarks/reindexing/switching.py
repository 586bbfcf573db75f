"""Searches while an index is built anew and switched, again and again."""

import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from benchmarks.errors import BenchmarksError
from benchmarks.performance.rows import Row, percentile
from benchmarks.performance.workplace import Workplace
from benchmarks.reindexing.load import Answer, Load, searching
from benchmarks.reindexing.site import Api, Page, Site, cut_pages

PAGES = 400
CLIENTS = 8
SEARCHES = 10_000
SWITCHES = 10
_IDLE = 2_000
_FRESH_PAGES = 4_000
_MOST_TIMES_IDLE = 2.0


def measure_switching(place: Workplace, pages: int | None) -> list[Row]:
    """Search an index of so many pages, PAGES by default, by CLIENTS at once: at rest, during
    SWITCHES full builds of pages that are known, and during a build of pages that are new."""
    count = pages or PAGES
    cut = cut_pages(place.documents(), count + _FRESH_PAGES)
    known, fresh = cut[:count], cut[count:]
    place.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.folder) as name:
        site = Site(folder=Path(name).resolve())
        site.write(known)
        with site.served() as api, searching_after(api, place) as load:
            idle = _idle(load)
            switched, builds, seconds = _switched(api, site, known, load)
            again = _idle(load)
            building, rate = _building(api, site, [*known, *fresh], load)
    return [
        *_rows("at rest", idle),
        *_rows("during switches", switched),
        Row(name="full builds and switches", value=builds, least=SWITCHES, decimals=0),
        Row(name="seconds of such a build", value=seconds, unit="s", decimals=1),
        Row(name="answers that mix two builds", value=_mixed(switched), most=0, decimals=0),
        Row(name="answers unlike those at rest", value=_unlike(idle, switched), most=0, decimals=0),
        Row(name="searches that failed", value=_failed(switched), most=0, decimals=0),
        Row(
            name="p99 during switches, of that at rest",
            value=_p99(switched) / _p99([*idle, *again]),
            unit="x",
            most=_MOST_TIMES_IDLE,
        ),
        *_rows("while new pages are embedded", building),
        Row(name="pages a second meanwhile", value=rate, decimals=1),
        Row(name="searches that failed meanwhile", value=_failed(building), most=0, decimals=0),
        Row(
            name="p99 while new pages are embedded, of that at rest",
            value=_p99(building) / _p99([*idle, *again]),
            unit="x",
            most=_MOST_TIMES_IDLE,
        ),
    ]


def searching_after(api: Api, place: Workplace) -> AbstractContextManager[Load]:
    """Clients that search once the index is there."""
    job = api.finished(api.reindex())
    if job["state"] != "succeeded":
        raise BenchmarksError(f"the first build failed: {job['error']}")
    return searching(api.port, CLIENTS, place.questions)


def _idle(load: Load) -> list[Answer]:
    started = time.monotonic()
    load.wait_for(len(load.answers) + _IDLE)
    return load.since(started, time.monotonic())


def _switched(
    api: Api, site: Site, pages: Sequence[Page], load: Load
) -> tuple[list[Answer], int, float]:
    """The answers during at least SWITCHES builds, one right after the other, and SEARCHES
    searches; the number of builds, and the seconds of one."""
    started, before, builds = time.monotonic(), len(load.answers), 0
    while builds < SWITCHES or len(load.answers) < before + SEARCHES:
        builds += 1
        site.write([replace(page, version=str(builds + 1)) for page in pages])
        job = api.finished(api.reindex(mode="full"))
        if job["state"] != "succeeded" or not job["switches"]:
            raise BenchmarksError(f"a build failed: {job['error']}")
    ended = time.monotonic()
    return load.since(started, ended), builds, (ended - started) / builds


def _building(
    api: Api, site: Site, pages: Sequence[Page], load: Load
) -> tuple[list[Answer], float]:
    """The answers while a build embeds pages; how many of these it did in a second."""
    site.write(pages)
    job_id = api.reindex(mode="full")
    while api.job(job_id)["stage"] != "indexing":
        time.sleep(0.1)
    time.sleep(5)  # The model is loaded.
    started, before = time.monotonic(), api.job(job_id)["progress"]["documents"]
    load.wait_for(len(load.answers) + _IDLE)
    ended, done = time.monotonic(), api.job(job_id)["progress"]["documents"]
    return load.since(started, ended), (done - before) / (ended - started)


def _rows(when: str, answers: Sequence[Answer]) -> list[Row]:
    took = [answer.ms for answer in answers]
    span = max(a.at for a in answers) - min(a.at for a in answers)
    return [
        Row(name=f"searches {when}", value=len(answers), decimals=0),
        Row(name=f"searches a second {when}", value=len(answers) / span, decimals=0),
        Row(name=f"p50 {when}", value=percentile(took, 50), unit="ms", decimals=1),
        Row(name=f"p99 {when}", value=percentile(took, 99), unit="ms", decimals=1),
    ]


def _p99(answers: Sequence[Answer]) -> float:
    return percentile([answer.ms for answer in answers], 99)


def _failed(answers: Sequence[Answer]) -> int:
    return sum(answer.error is not None for answer in answers)


def _mixed(answers: Sequence[Answer]) -> int:
    return sum(len(answer.versions) > 1 for answer in answers)


def _unlike(idle: Sequence[Answer], answers: Sequence[Answer]) -> int:
    """Answers that name other pages than the same question's at rest."""
    expected = {answer.question: answer.documents for answer in idle}
    return sum(
        answer.documents != expected.get(answer.question, answer.documents) for answer in answers
    )
