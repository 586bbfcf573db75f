"""Running a suite: build once, search many times, one record a question."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.datasets import Dataset, Places, Question
from benchmarks.matrix import Group
from benchmarks.records import RankedDocument, Record, ReturnedPassage
from benchmarks.suite import BuildSpec, SearchSpec

OnProgress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and of how much where it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a system returned for a question.

    `ranked` holds whatever was found, best first, before anything was dropped; a document may
    appear once for each of its chunks. The other fields are those of `Record`.
    """

    ranked: Sequence[RankedDocument]
    passages: Sequence[ReturnedPassage]
    answered: bool
    relevance: float
    reason: str | None = None
    timings_ms: Mapping[str, float]


class Engine(Protocol):
    """What is being compared: it indexes data sets and answers questions about them."""

    def check(self, dataset: Dataset, build: BuildSpec, searches: Sequence[SearchSpec]) -> None:
        """Check a build and its searches without doing anything yet."""
        ...

    def build(self, dataset: Dataset, build: BuildSpec, on_progress: OnProgress) -> None:
        """Index the documents in the way of `build`, unless that has been done already."""
        ...

    def search(
        self, dataset: Dataset, build: BuildSpec, search: SearchSpec, question: Question
    ) -> Answered:
        """Answer a question from what `build` made of the data set."""
        ...


def run_suite(
    groups: Iterable[Group], places: Places, engine: Engine, on_progress: OnProgress
) -> Iterator[Record]:
    """Run every group in order. The records come one at a time, a run's after one another.

    Raises:
        DatasetError: a data set cannot be read.
        SuiteError: a build or a search is not valid. All data sets are read, and all builds and
            searches checked, before the first is built.
    """
    groups = tuple(groups)
    datasets = {group.dataset.name: group.dataset.load(places) for group in groups}
    for group in groups:
        engine.check(datasets[group.dataset.name], group.build, group.searches)
    for group in groups:
        yield from _run_group(group, datasets[group.dataset.name], engine, on_progress)


def _run_group(
    group: Group, dataset: Dataset, engine: Engine, on_progress: OnProgress
) -> Iterator[Record]:
    title = f"{dataset.name} {group.build.name}"
    engine.build(
        dataset,
        group.build,
        lambda stage, done, total: on_progress(f"{title}: {stage}", done, total),
    )
    total = len(dataset.questions)
    for search in group.searches:
        for done, question in enumerate(dataset.questions, start=1):
            answered = engine.search(dataset, group.build, search, question)
            yield _record(dataset, group.build, search, question, answered)
            on_progress(f"{title}/{search.name}: questions", done, total)


def _record(
    dataset: Dataset,
    build: BuildSpec,
    search: SearchSpec,
    question: Question,
    answered: Answered,
) -> Record:
    return Record(
        dataset=dataset.name,
        build=build.name,
        search=search.name,
        query_id=question.id,
        question=question.text,
        ranked=_best_per_document(answered.ranked),
        passages=tuple(answered.passages),
        answered=answered.answered,
        reason=answered.reason,
        relevance=answered.relevance,
        timings_ms=answered.timings_ms,
        judgments=question.judgments,
        references=question.references,
        answerable=question.answerable,
    )


def _best_per_document(ranked: Sequence[RankedDocument]) -> tuple[RankedDocument, ...]:
    """A document stands where its first, and so its best, chunk stands."""
    first: dict[str, RankedDocument] = {}
    for hit in ranked:
        first.setdefault(hit.document_id, hit)
    return tuple(first.values())
