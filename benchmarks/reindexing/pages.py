"""The memory of a full index of many Markdown pages, by the command line."""

import json
import tempfile
from pathlib import Path

from benchmarks.performance.memory import quarter_peaks, watched
from benchmarks.performance.passages import python_m, write_catalog
from benchmarks.performance.rows import Row
from benchmarks.performance.workplace import Workplace
from benchmarks.reindexing.site import cut_pages

PAGES = 25_000
_MOST_GB = 1.5
_MOST_GROWTH = 1.1


def measure_pages(place: Workplace, pages: int | None) -> list[Row]:
    """Index so many pages, PAGES by default, each in a file of its own."""
    cut = cut_pages(place.documents(), pages or PAGES, least_chars=150, most_chars=600)
    place.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.folder) as name:
        folder = Path(name).resolve()
        for page in cut:
            path = folder / "pages" / f"{page.id}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page.markdown, encoding="utf-8")
        catalog = write_catalog(folder / "catalog.yaml", folder / "pages")
        where = ("--catalog", catalog, "--data-dir", folder / "data")
        printed, seconds, samples, anonymous = watched(
            *python_m("indexers", "reindex", *where, "--json")
        )
    (job,) = json.loads(printed)["jobs"]
    first, second, third, fourth = quarter_peaks(samples)
    _, own_second, _, own_fourth = quarter_peaks(anonymous)
    return [
        Row(name="pages", value=job["documents"]["scanned"], decimals=0),
        Row(name="chunks", value=job["chunks"]["stored"], decimals=0),
        Row(name="seconds", value=seconds, unit="s", decimals=0),
        Row(name="peak memory of all processes", value=max(samples), unit="GB", most=_MOST_GB),
        Row(name="peak in the first quarter of the time", value=first, unit="GB"),
        Row(name="peak in the second quarter", value=second, unit="GB"),
        Row(name="peak in the third quarter", value=third, unit="GB"),
        Row(name="peak in the last quarter", value=fourth, unit="GB"),
        Row(
            name="the last quarter, of the second",
            value=fourth / second,
            unit="x",
            most=_MOST_GROWTH,
        ),
        Row(name="peak without mapped files", value=max(anonymous), unit="GB"),
        Row(
            name="its last quarter, of the second",
            value=own_fourth / own_second,
            unit="x",
            most=_MOST_GROWTH,
        ),
    ]
