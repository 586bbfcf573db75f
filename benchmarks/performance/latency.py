"""How long `/retrieve` takes over HTTP, against the sum of its raw parts.

Each question is asked of the API and of a process that runs the raw parts alone, one right after
the other, so that noise hits both alike; while one works, the other waits. Each round starts both
anew.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.performance.passages import output_of, write_catalog
from benchmarks.performance.raw import RawParts, raw_parts
from benchmarks.performance.rows import Row, percentile
from benchmarks.performance.server import Client, served
from benchmarks.performance.workplace import Workplace, read_questions

CHUNKS = 20_000
ROUNDS = 5
WARM_UP = 20
"""Questions that are asked first, and not measured."""

MOST_TIMES_RAW = 1.5


@dataclass(frozen=True, kw_only=True)
class Round:
    """All in milliseconds, a value a question.

    `stages` are what the server reports of its own.
    """

    embed: Sequence[float]
    search: Sequence[float]
    http: Sequence[float]
    stages: Mapping[str, Sequence[float]]

    @property
    def ratio(self) -> float:
        """The median request as a multiple of the raw parts' medians together."""
        return percentile(self.http, 50) / (
            percentile(self.embed, 50) + percentile(self.search, 50)
        )


def measure_latency(place: Workplace, chunks: int | None, rounds: int = ROUNDS) -> list[Row]:
    """Index `chunks` chunks, CHUNKS by default, where they are not yet; ask questions by turns."""
    chunks = chunks or CHUNKS
    catalog = write_catalog(place.folder / f"latency-{chunks}.yaml", place.pages(chunks)).resolve()
    data_dir = (place.folder / f"latency-{chunks}").resolve()
    where = ("--catalog", catalog, "--data-dir", data_dir)
    (job,) = json.loads(output_of("indexers", "reindex", *where, "--json"))["jobs"]
    aside = data_dir.with_suffix(".raw")  # One process at a time owns a store.
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(data_dir, aside)
    texts = read_questions(place.questions)
    measured = []
    for _ in range(rounds):
        with raw_parts(catalog, aside) as raw, served(catalog, data_dir) as client:
            measured.append(_round(texts, raw, client))
    shutil.rmtree(aside)
    return [Row(name="chunks", value=job["chunks"]["stored"], decimals=0), *latency_rows(measured)]


def latency_rows(rounds: Sequence[Round]) -> list[Row]:
    """The rows of rounds that were measured; percentiles are those of all rounds together."""
    http = [ms for one in rounds for ms in one.http]
    embed = percentile([ms for one in rounds for ms in one.embed], 50)
    search = percentile([ms for one in rounds for ms in one.search], 50)
    ratios = [one.ratio for one in rounds]
    each = [h / (e + s) for r in rounds for h, e, s in zip(r.http, r.embed, r.search, strict=True)]
    most = MOST_TIMES_RAW * (embed + search)
    return [
        _ms("raw query embedding p50", embed),
        _ms("raw store query p50", search),
        _ms("sum of both", embed + search),
        _ms("/retrieve over HTTP p50", percentile(http, 50), most),
        _ms("/retrieve over HTTP p90", percentile(http, 90)),
        _ms("/retrieve over HTTP p99", percentile(http, 99)),
        Row(
            name="/retrieve p50 as a multiple of the sum",
            value=percentile(http, 50) / (embed + search),
            unit="x",
            most=MOST_TIMES_RAW,
        ),
        Row(name="the same, lowest of the rounds", value=min(ratios), unit="x"),
        Row(name="the same, highest of the rounds", value=max(ratios), unit="x"),
        Row(name="the same, p50 of the questions' own", value=percentile(each, 50), unit="x"),
        *_stage_rows(rounds),
    ]


def _stage_rows(rounds: Sequence[Round]) -> list[Row]:
    return [
        _ms(
            f"server's stage {name} p50",
            percentile([m for r in rounds for m in r.stages[name]], 50),
        )
        for name in rounds[0].stages
    ]


def _ms(name: str, value: float, most: float | None = None) -> Row:
    return Row(name=name, value=value, unit="ms", most=most)


def _round(texts: Sequence[str], raw: RawParts, client: Client) -> Round:
    for text in texts[:WARM_UP]:
        raw.ask(text)
        client.retrieve(text)
    asked = [_both(text, raw, client, raw_first=bool(n % 2)) for n, text in enumerate(texts)]
    embed, search = zip(*(parts for parts, _ in asked), strict=True)
    stages: dict[str, list[float]] = {}
    for _, (_, answer) in asked:
        for stage, ms in answer["timings_ms"].items():
            stages.setdefault(stage, []).append(ms)
    return Round(embed=embed, search=search, http=[ms for _, (ms, _) in asked], stages=stages)


def _both(
    text: str, raw: RawParts, client: Client, *, raw_first: bool
) -> tuple[tuple[float, float], tuple[float, dict[str, Any]]]:
    if raw_first:
        parts = raw.ask(text)
        return parts, client.retrieve(text)
    answer = client.retrieve(text)
    return raw.ask(text), answer
