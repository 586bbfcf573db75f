"""The rate of a re-index against the raw rate of its embedding model, and of one with nothing new.

Each round takes pages that no other round has, and embeds and indexes them by turns: one first in
one round, the other in the next. The raw part embeds exactly the texts that the re-index does, in
the same batches.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarksError
from benchmarks.performance.passages import (
    Text,
    entries_of,
    index_of,
    opened,
    output_of,
    texts_of,
    write_catalog,
)
from benchmarks.performance.rows import Row, percentile
from benchmarks.performance.workplace import Workplace, copy_pages, dealt, shuffled_pages
from indexers.build import BATCH_CHUNKS, reindex
from indexers.catalog import IndexSpec
from indexers.embedding import Embedder

CHUNKS = 6_000
ROUNDS = 3
LEAST_OF_RAW = 0.85
MOST_OF_FIRST = 0.02


@dataclass(frozen=True, kw_only=True)
class Round:
    """Seconds of one round: `plain` embeds the texts without their units.

    `again` is the re-index with nothing changed, `command` the same by the command line, of which
    `start_up` is what a command takes that only shows the index.
    """

    texts: int
    raw: float
    plain: float
    first: float
    again: float
    command: float
    start_up: float


def measure_indexing(place: Workplace, chunks: int | None) -> list[Row]:
    """Index pages of about `chunks` chunks, CHUNKS by default, in rounds."""
    pages = place.pages(chunks or CHUNKS)
    rounds = []
    for number, share in enumerate(dealt(shuffled_pages(pages), ROUNDS)):
        with tempfile.TemporaryDirectory(dir=place.folder) as name:
            folder = Path(name).resolve()
            copy_pages(share, pages, folder / "pages")
            catalog = write_catalog(folder / "catalog.yaml", folder / "pages")
            rounds.append(_round(catalog, folder / "data", raw_first=number % 2 == 0))
    return indexing_rows(rounds)


def indexing_rows(rounds: Sequence[Round]) -> list[Row]:
    """The rows of rounds that were measured; a value is the median of the rounds'."""

    def median(of: Callable[[Round], float]) -> float:
        return percentile([of(one) for one in rounds], 50)

    shares = [one.raw / one.first for one in rounds]
    return [
        Row(name="texts", value=sum(one.texts for one in rounds), decimals=0),
        _rate("raw embedding with units", median(lambda one: one.texts / one.raw)),
        _rate("raw embedding without units", median(lambda one: one.texts / one.plain)),
        _rate("re-index of everything", median(lambda one: one.texts / one.first)),
        _share("re-index as a share of raw with units", percentile(shares, 50), LEAST_OF_RAW),
        _share("the same, lowest of the rounds", min(shares)),
        _share("the same, highest of the rounds", max(shares)),
        _share("as a share of raw without units", median(lambda one: one.plain / one.first)),
        _percent("nothing changed, of the first run", median(lambda one: one.again / one.first)),
        _percent(
            "the same by the command line, without its start-up",
            median(lambda one: max(0.0, one.command - one.start_up) / one.first),
        ),
        Row(name="start-up of the command line", value=median(lambda o: o.start_up), unit="s"),
    ]


def _rate(name: str, value: float) -> Row:
    return Row(name=name, value=value, unit="texts/s", decimals=1)


def _share(name: str, value: float, least: float | None = None) -> Row:
    return Row(name=name, value=value, unit="x", least=least)


def _percent(name: str, value: float) -> Row:
    return Row(name=name, value=100 * value, unit="%", most=100 * MOST_OF_FIRST)


def _round(catalog: Path, data_dir: Path, *, raw_first: bool) -> Round:
    spec = index_of(catalog)
    batches = _batches(spec)
    embedder = spec.build.embedder
    embedder.embed([""])  # Loads the model.
    texts = sum(map(len, batches))
    raw = _raw(embedder, batches) if raw_first else 0.0
    first, again = _reindexed(spec, data_dir, texts)
    raw = raw or _raw(embedder, batches)
    plain = _timed(lambda: [embedder.embed([text.text for text in batch]) for batch in batches])
    where = ("--catalog", catalog, "--data-dir", data_dir)
    return Round(
        texts=texts,
        raw=raw,
        plain=plain,
        first=first,
        again=again,
        command=_timed(lambda: output_of("indexers", "reindex", *where)),
        start_up=_timed(lambda: output_of("indexers", "status", *where)),
    )


def _batches(spec: IndexSpec) -> list[list[Text]]:
    """The texts that a re-index embeds, each once, in its batches."""
    batches: list[list[Text]] = []
    batch: list[Text] = []
    seen: set[Text] = set()
    made = 0
    for entry in entries_of(spec.build):
        texts = texts_of(spec.build, entry)
        made += len(texts)
        batch += [text for text in dict.fromkeys(texts) if text not in seen]
        seen.update(texts)
        if made >= BATCH_CHUNKS:
            batches.append(batch)
            batch, made = [], 0
    return [*batches, batch] if batch else batches


def _raw(embedder: Embedder, batches: Sequence[Sequence[Text]]) -> float:
    def embed() -> None:
        for batch in batches:
            embedder.embed_units([text.text for text in batch], [text.units for text in batch])

    return _timed(embed)


def _reindexed(spec: IndexSpec, data_dir: Path, texts: int) -> tuple[float, float]:
    """Seconds of the first re-index of a new folder, and of a second one."""
    with opened(data_dir) as (store, state):
        first, again = reindex(spec, store, state), reindex(spec, store, state)
    if first.texts_embedded != texts:
        raise BenchmarksError(f"{first.texts_embedded} texts were embedded, not {texts}")
    return first.seconds, again.seconds


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
