"""What a re-index costs when little has changed, or nothing, of what the first one cost."""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarksError
from benchmarks.performance.rows import Row
from benchmarks.performance.workplace import Workplace
from benchmarks.reindexing.site import Api, Page, Site, cut_pages

PAGES = 10_000
_MOST_PERCENT_CHANGED = 3.0
_MOST_PERCENT_UNCHANGED = 1.0


def measure_changes(place: Workplace, pages: int | None) -> list[Row]:
    """Index so many pages, PAGES by default; then with one of a hundred changed; then as they
    are."""
    cut = cut_pages(place.documents(), pages or PAGES, least_chars=250)
    place.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.folder) as name:
        site = Site(folder=Path(name).resolve())
        with site.served() as api:
            first = _indexed(api, site, cut)
            changed = _indexed(api, site, [_changed(page, n) for n, page in enumerate(cut)])
            time.sleep(1)  # The model is dropped, as it is after every job.
            again = api.finished(api.reindex())
    full = seconds_of(first)
    return [
        Row(name="pages", value=first["documents"]["scanned"], decimals=0),
        Row(name="chunks", value=first["chunks"]["stored"], decimals=0),
        Row(name="first re-index", value=full, unit="s", decimals=1),
        Row(name="pages changed", value=changed["documents"]["modified"], decimals=0),
        Row(name="re-index of the changed", value=seconds_of(changed), unit="s", decimals=1),
        Row(
            name="the same, of the first",
            value=100 * seconds_of(changed) / full,
            unit="%",
            most=_MOST_PERCENT_CHANGED,
        ),
        Row(name="re-index of nothing", value=seconds_of(again), unit="s"),
        Row(
            name="the same, of the first",
            value=100 * seconds_of(again) / full,
            unit="%",
            most=_MOST_PERCENT_UNCHANGED,
        ),
    ]


def seconds_of(job: Mapping[str, Any]) -> float:
    """The seconds from a job's request to its end."""
    times = [datetime.fromisoformat(time) for time in job["times"].values()]
    return (max(times) - min(times)).total_seconds()


def _indexed(api: Api, site: Site, pages: Sequence[Page]) -> Mapping[str, Any]:
    site.write(pages)
    job = api.finished(api.reindex())
    if job["state"] != "succeeded":
        raise BenchmarksError(f"a re-index did not succeed: {job['error'] or job['failures']}")
    return job


def _changed(page: Page, number: int) -> Page:
    if number % 100:
        return page
    return replace(page, markdown=f"{page.markdown}\n\nRevised since then.\n")
