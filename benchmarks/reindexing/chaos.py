"""Processes killed in the middle of re-indexing, and what is left of the index afterwards.

Each round changes the pages, asks for a re-index, kills a process at a random moment, starts it
again, waits for the job's end, and compares the live collection with one that was built without
interruption: the same chunks, texts, revisions and vectors, each once.
"""

import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.errors import BenchmarksError
from benchmarks.performance.passages import INDEX
from benchmarks.performance.rows import Row, percentile
from benchmarks.performance.workplace import Workplace
from benchmarks.reindexing.arrangements import ARRANGEMENTS, Arrangement
from benchmarks.reindexing.site import Page, Site, cut_pages
from indexers.build import Options, reindex
from indexers.catalog import load_catalog
from indexers.state import State
from indexers.store import Search, VectorStore
from indexers.store.edge import EdgeStore

PAGES = 150
KILLS = 50
_CHANGED, _ADDED, _DELETED = 20, 5, 5
_MOST_S_TO_RESUME = 5.0
_STAGES = (
    "",
    "listing",
    "indexing",
    "deleting",
    "verifying",
    "optimizing",
    "checking",
    "switching",
)
"""Stages to kill in; without one, after a random while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One kill: what it met, and what came of it. `seconds` are those from the restart to the
    first sign of life; 0 where the job had ended before."""

    killed: str
    stage: str
    seconds: float
    state: str
    wrong: tuple[str, ...]

    @property
    def at_work(self) -> bool:
        """Whether the job had not ended when the process was killed."""
        return self.seconds > 0


def measure_chaos(place: Workplace, kills: int | None) -> list[Row]:
    """Kill so many times, KILLS by default, half of them the API that indexes by itself, half a
    worker of two that share Postgres and a vector store."""
    kills = kills or KILLS
    cut = cut_pages(place.documents(), PAGES + kills * _ADDED)
    place.folder.mkdir(parents=True, exist_ok=True)
    rounds: list[Round] = []
    for number, (name, arrangement) in enumerate(ARRANGEMENTS.items()):
        share = kills // 2 if number else kills - kills // 2
        with tempfile.TemporaryDirectory(dir=place.folder) as folder:
            rounds += _rounds(Path(folder).resolve(), name, arrangement, cut, share)
    return _rows(rounds)


def _rounds(
    folder: Path, name: str, arrangement: Arrangement, cut: Sequence[Page], kills: int
) -> list[Round]:
    chance = random.Random(name)
    pages, spare = list(cut[:PAGES]), list(cut[PAGES:])
    rounds: list[Round] = []
    with arrangement(folder) as place, reference(folder / "reference") as indexed:
        place.site.write(pages)
        place.finished(place.submit())
        number = 0
        while sum(one.at_work for one in rounds) < kills:
            number += 1
            pages = _changed(pages, spare, chance, number)
            place.site.write(pages)
            job_id = place.submit(mode=chance.choice(("full", "incremental")))
            killed, stage, seconds = _killed(place, job_id, chance)
            job = place.finished(job_id)
            expected = indexed(pages)
            with place.looked_into() as store:
                wrong = compare(expected, points_of(store, INDEX))
            rounds.append(
                Round(killed=killed, stage=stage, seconds=seconds, state=job["state"], wrong=wrong)
            )
            print(f"{name} {number}: {rounds[-1]}", flush=True)
    return rounds


def _changed(
    pages: Sequence[Page], spare: list[Page], chance: random.Random, number: int
) -> list[Page]:
    kept = chance.sample(pages, len(pages) - _DELETED)
    for place in chance.sample(range(len(kept)), _CHANGED):
        text = f"{kept[place].markdown}\n\nRevised in round {number}.\n"
        kept[place] = replace(kept[place], markdown=text)
    return [*kept, *(spare.pop() for _ in range(min(_ADDED, len(spare))))]


def _killed(place: Any, job_id: str, chance: random.Random) -> tuple[str, str, float]:
    """Kill at a stage, or after a while; who was killed, where the job was, the seconds until it
    goes on once the process is started again."""
    wanted, patience = chance.choice(_STAGES), time.monotonic() + chance.uniform(0, 6)
    while True:
        job = place.job(job_id)
        if job["silent_s"] is None or time.monotonic() > patience:
            break
        if wanted and job["stage"] == wanted:
            time.sleep(chance.uniform(0, 0.05))
            break
    killed = place.kill(chance)
    restarted = time.monotonic()
    place.restart()
    before = job["heartbeat_at"]
    while True:
        now = place.job(job_id)
        if now["silent_s"] is None:
            return killed, job["stage"], 0.0 if job["silent_s"] is None else _since(restarted)
        if now["heartbeat_at"] > before and now["silent_s"] < _since(restarted):
            return killed, job["stage"], _since(restarted)
        time.sleep(0.02)


def _since(started: float) -> float:
    return time.monotonic() - started


Points = Mapping[str, tuple[Any, ...]]
"""What each chunk of a collection is, by document and ordinal."""


@contextmanager
def reference(folder: Path) -> Iterator[Any]:
    """Gives the points of pages that were indexed without interruption."""
    site = Site(folder=folder)
    store, state = EdgeStore(site.data_dir / "store"), State(site.data_dir / "passages.db")

    def expected(pages: Sequence[Page]) -> Points:
        site.write(pages)
        spec = load_catalog(site.catalog)[INDEX]
        reindex(spec, store, state, Options(full=True))
        return points_of(store, INDEX)

    yield expected
    store.close()
    state.close()


def points_of(store: VectorStore, index: str) -> Points:
    """Every chunk that searches see: its text, revision and units, and its cosine with one fixed
    vector, which tells vectors apart.

    Raises:
        BenchmarksError: a chunk is there twice.
    """
    collection = store.aliases()[index]
    count = store.count(collection)
    probe = np.linspace(-1, 1, 384, dtype=np.float32)
    found = store.search(collection, Search(dense=probe, sparse=None, limit=count + 1000))
    points: dict[str, tuple[Any, ...]] = {}
    for point in found:
        payload = point.payload
        key = f"{payload['document_id']}#{payload['ordinal']}"
        if key in points:
            raise BenchmarksError(f"{collection}: {key} is stored twice")
        shown = ("text", "revision", "start", "end", "unit_vectors", "document")
        cosine = round(point.scores["dense"], 3)
        points[key] = (cosine, *(str(payload[name]) for name in shown))
    if len(points) != count:
        raise BenchmarksError(f"{collection} holds {count} points, but {len(points)} were found")
    return points


def compare(expected: Points, found: Points) -> tuple[str, ...]:
    """What is wrong with the points found: lost, too many, or stale."""
    lost = [f"lost {key}" for key in expected if key not in found]
    extra = [f"extra {key}" for key in found if key not in expected]
    stale = [f"stale {key}" for key in expected if key in found and _differ(expected, found, key)]
    return (*lost, *extra, *stale)


def _differ(expected: Points, found: Points, key: str) -> bool:
    (cosine, *rest), (other, *others) = expected[key], found[key]
    # Texts in batches of other lengths differ in the last places of bfloat16.
    return abs(cosine - other) > 0.01 or _plain(rest) != _plain(others)


def _plain(values: Sequence[str]) -> tuple[str, ...]:
    """Without the units' vectors, which differ like the others."""
    return (*values[:4], values[5])


def _rows(rounds: Sequence[Round]) -> list[Row]:
    resumed = [one.seconds for one in rounds if one.seconds]
    ended = ("succeeded", "succeeded_with_failures")
    return [
        Row(name="kills", value=len(rounds), decimals=0),
        Row(name="of them while the job was at work", value=len(resumed), decimals=0),
        *(
            Row(name=f"in stage {stage}", value=count, decimals=0)
            for stage, count in _counts(rounds).items()
        ),
        Row(
            name="jobs that did not succeed",
            value=sum(one.state not in ended for one in rounds),
            most=0,
            decimals=0,
        ),
        Row(
            name="chunks lost, twice, too many or stale",
            value=sum(len(one.wrong) for one in rounds),
            most=0,
            decimals=0,
        ),
        Row(name="resumed after, p50", value=percentile(resumed or [0], 50), unit="s"),
        Row(
            name="resumed after, longest",
            value=max(resumed or [0]),
            unit="s",
            most=_MOST_S_TO_RESUME,
        ),
    ]


def _counts(rounds: Sequence[Round]) -> dict[str, int]:
    stages = sorted({one.stage for one in rounds})
    return {stage: sum(one.stage == stage for one in rounds) for stage in stages}
