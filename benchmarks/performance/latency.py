"""How long `/retrieve` takes over HTTP, against the sum of its raw parts.

Blocks of raw queries and of requests take turns, so that noise hits both alike; the raw process
and the server never run at the same time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.performance.passages import output_of, write_catalog
from benchmarks.performance.raw import WARM_UP
from benchmarks.performance.rows import Row, percentile
from benchmarks.performance.server import served
from benchmarks.performance.workplace import Workplace, read_questions

CHUNKS = 20_000
ROUNDS = 5
MOST_TIMES_RAW = 1.5


@dataclass(frozen=True, kw_only=True)
class Round:
    """One block of each kind, all in milliseconds, a value a question.

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
    (report,) = json.loads(output_of("indexers", "reindex", *where, "--json"))["reports"]
    measured = [_round(catalog, data_dir, place.questions) for _ in range(rounds)]
    return [Row(name="chunks", value=report["chunks_stored"], decimals=0), *latency_rows(measured)]


def latency_rows(rounds: Sequence[Round]) -> list[Row]:
    """The rows of rounds that were measured; percentiles are those of all rounds together."""
    http = [ms for one in rounds for ms in one.http]
    embed = percentile([ms for one in rounds for ms in one.embed], 50)
    search = percentile([ms for one in rounds for ms in one.search], 50)
    ratios = [one.ratio for one in rounds]
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


def _round(catalog: Path, data_dir: Path, questions: Path) -> Round:
    raw = json.loads(output_of("benchmarks.performance.raw", catalog, data_dir, questions))
    texts = read_questions(questions)
    with served(catalog, data_dir) as client:
        for text in texts[:WARM_UP]:
            client.retrieve(text)
        answers = [client.retrieve(text) for text in texts]
    stages: dict[str, list[float]] = {}
    for _, answer in answers:
        for stage, ms in answer["timings_ms"].items():
            stages.setdefault(stage, []).append(ms)
    return Round(**raw, http=[ms for ms, _ in answers], stages=stages)
