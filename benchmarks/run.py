"""Running a suite: build once, search many times, one record a question and answerer."""

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from benchmarks.datasets import Dataset, Places, Question
from benchmarks.matrix import Group
from benchmarks.records import Asked, RankedDocument, Record, ReturnedPassage, RunKey
from benchmarks.suite import BuildSpec, SearchSpec

if TYPE_CHECKING:  # They load models, which reports do without.
    from benchmarks.answers.answering import Answering
    from retrieval.answering import Question as AnswererQuestion

OnProgress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much of it is done, and of how much where it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search returned for a question.

    `ranked` holds whatever was found, best first, before anything was dropped; a document may
    appear once for each of its chunks. `asked` is what an answerer is asked, of the same passages
    in the same order. The other fields are those of `Record`.
    """

    ranked: Sequence[RankedDocument]
    passages: Sequence[ReturnedPassage]
    answered: bool
    relevance: float
    reason: str | None = None
    timings_ms: Mapping[str, float]
    asked: "AnswererQuestion"


class Engine(Protocol):
    """What is being compared: it indexes data sets and searches them."""

    def check(
        self, dataset: Dataset, build: BuildSpec, searches: Sequence[SearchSpec]
    ) -> Mapping[str, str]:
        """Check a build and its searches without doing anything yet. The fingerprints of what
        would be built, by name."""
        ...

    def build(self, dataset: Dataset, build: BuildSpec, on_progress: OnProgress) -> None:
        """Index the documents in the way of `build`, unless that has been done already."""
        ...

    def search(
        self, dataset: Dataset, build: BuildSpec, search: SearchSpec, question: Question
    ) -> Found:
        """Look for what answers a question in what `build` made of the data set."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A group that was checked, its data set, and the fingerprints of what it will build."""

    group: Group
    dataset: Dataset
    fingerprints: Mapping[str, str]


def prepare(groups: Iterable[Group], places: Places, engine: Engine) -> tuple[Prepared, ...]:
    """Read all data sets, and check all builds and searches, before the first is built.

    Raises:
        DatasetError: a data set cannot be read.
        SuiteError: a build or a search is not valid.
    """
    groups = tuple(groups)
    datasets = {group.dataset.name: group.dataset.load(places) for group in groups}
    return tuple(
        Prepared(
            group=group,
            dataset=datasets[group.dataset.name],
            fingerprints=engine.check(datasets[group.dataset.name], group.build, group.searches),
        )
        for group in groups
    )


def run_suite(
    prepared: Iterable[Prepared],
    engine: Engine,
    on_progress: OnProgress,
    answering: "Answering | None" = None,
    done: Collection[Asked] = (),
) -> Generator[Record, None, None]:
    """Run every group in order, but for what is `done`. The records come one at a time, those of a
    search question by question: one for each answerer, or one where there is none. Close it where
    it is given up."""
    for each in prepared:
        yield from _run_group(each.group, each.dataset, engine, on_progress, answering, done)


def _run_group(
    group: Group,
    dataset: Dataset,
    engine: Engine,
    on_progress: OnProgress,
    answering: "Answering | None",
    done: Collection[Asked],
) -> Iterator[Record]:
    title = f"{dataset.name} {group.build.name}"
    left = [(search, _left(group, search, dataset, answering, done)) for search in group.searches]
    if not any(questions for _, questions in left):
        return
    engine.build(
        dataset,
        group.build,
        lambda stage, done, total: on_progress(f"{title}: {stage}", done, total),
    )
    total = len(dataset.questions)
    for search, questions in left:
        found = _searched(group, search, dataset, questions, engine)
        alone = ([record] for record, _ in found)
        records = alone if answering is None else answering.each(found, done)
        for at, of_question in enumerate(records, start=total - len(questions) + 1):
            yield from of_question
            on_progress(f"{title}/{search.name}: questions", at, total)


def _left(
    group: Group,
    search: SearchSpec,
    dataset: Dataset,
    answering: "Answering | None",
    done: Collection[Asked],
) -> list[Question]:
    """The questions that are still to be put to a search, or to one who answers from it."""
    names = (None,) if answering is None else tuple(answering.answerers)
    runs = [RunKey(dataset.name, group.build.name, search.name, name) for name in names]
    return [one for one in dataset.questions if any((run, one.id) not in done for run in runs)]


def _searched(
    group: Group,
    search: SearchSpec,
    dataset: Dataset,
    questions: Iterable[Question],
    engine: Engine,
) -> "Iterator[tuple[Record, AnswererQuestion]]":
    for question in questions:
        found = engine.search(dataset, group.build, search, question)
        yield _record(dataset, group.build, search, question, found), found.asked


def _record(
    dataset: Dataset,
    build: BuildSpec,
    search: SearchSpec,
    question: Question,
    found: Found,
) -> Record:
    return Record(
        dataset=dataset.name,
        build=build.name,
        search=search.name,
        query_id=question.id,
        question=question.text,
        ranked=_best_per_document(found.ranked),
        passages=tuple(found.passages),
        answered=found.answered,
        reason=found.reason,
        relevance=found.relevance,
        timings_ms=found.timings_ms,
        judgments=question.judgments,
        references=question.references,
        answers=question.answers,
        answerable=question.answerable,
    )


def _best_per_document(ranked: Sequence[RankedDocument]) -> tuple[RankedDocument, ...]:
    """A document stands where its first, and so its best, chunk stands."""
    first: dict[str, RankedDocument] = {}
    for hit in ranked:
        first.setdefault(hit.document_id, hit)
    return tuple(first.values())
