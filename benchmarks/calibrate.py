"""The command `python -m benchmarks calibrate`: relevance, fitted on development sets.

Its suite has `datasets` as any other, and may have one `build` and one `search`; without them a
content type has its own. Each data set is a corpus of its content type. It is asked its own
questions, and a sample of those of every other set, which are unanswerable in it.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.calibration import Asked, Calibration, Observed, calibrated
from benchmarks.datasets import Dataset, DatasetSpec, Places, Question
from benchmarks.engine import PassagesEngine, searching
from benchmarks.errors import CalibrationError, SuiteError
from benchmarks.run import OnProgress
from benchmarks.suite import BuildSpec, SearchSpec, parse_datasets
from indexers.located import LocatedError, load
from retrieval.engine import Engine
from retrieval.search import search_index

OWN = 600
FOREIGN = 200
"""Questions of the corpus's own set, of each kind, and of every other set, that are asked."""

DOCUMENTS = 5
"""Documents observed for each question."""

_SEED = 2026


@dataclass(frozen=True, kw_only=True)
class CalibrationSuite:
    """The data sets to calibrate on, and the build and the search to calibrate."""

    datasets: tuple[DatasetSpec, ...]
    build: BuildSpec
    search: SearchSpec


def load_calibration(path: Path) -> CalibrationSuite:
    """Read a suite for calibration.

    Raises:
        SuiteError: it is not valid; see `benchmarks.suite.load_suite`.
    """
    try:
        top = load(path)
        top.only({"datasets", "build", "search"})
        return CalibrationSuite(
            datasets=parse_datasets(top),
            build=BuildSpec(name="calibrate", where=top.mapping("build")),
            search=SearchSpec(name="calibrate", where=top.mapping("search")),
        )
    except LocatedError as exc:
        raise SuiteError(str(exc)) from exc


def calibrate(
    suite: CalibrationSuite, places: Places, engine: PassagesEngine, on_progress: OnProgress
) -> dict[str, Calibration]:
    """Fit relevance for each content type of the suite's data sets, by the type's name.

    Raises:
        DatasetError: a data set cannot be read.
        SuiteError: the build or the search is not valid. All data sets are read, and these checked
            for each, before the first is built.
        SearchError: an index cannot be searched.
        CalibrationError: a content type has no answer to learn from.
    """
    datasets = [spec.load(places) for spec in suite.datasets]
    corpora = [one for one in datasets if next(iter(one.documents), None) is not None]
    if not corpora:
        raise CalibrationError("no data set of the suite has documents")
    for corpus in corpora:
        engine.check(corpus, suite.build, [suite.search])
    asked: dict[str, list[Asked]] = {}
    for corpus in corpora:
        opened = _built(suite, corpus, engine, on_progress)
        (index,) = opened.catalog.values()
        for plan in _plans(corpus, datasets):
            on_progress(f"{corpus.name}: questions of {plan.name}", len(plan.questions), None)
            with searching(f"{corpus.name}, questions of {plan.name}"):
                found = _asked(opened, index.name, corpus, plan)
            asked.setdefault(index.build.content_type.value, []).append(found)
    return {content_type: calibrated(found) for content_type, found in asked.items()}


def _built(
    suite: CalibrationSuite, corpus: Dataset, engine: PassagesEngine, on_progress: OnProgress
) -> Engine:
    """The engine of a corpus's one index, which is built first."""
    engine.build(
        corpus,
        suite.build,
        lambda stage, done, total: on_progress(f"{corpus.name}: {stage}", done, total),
    )
    opened, _ = engine.opened(corpus, suite.build, suite.search)
    if len(opened.catalog) > 1:
        raise CalibrationError(f"{corpus.name!r} has documents of more than one content type")
    return opened


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """Questions of the data set `name` to put to a corpus, their own or another one."""

    name: str
    own: bool
    answerable: bool
    weight: float
    questions: tuple[Question, ...]


def _plans(corpus: Dataset, datasets: Sequence[Dataset]) -> Iterator[_Plan]:
    """What to ask of a corpus. Answerable and unanswerable questions weigh the same together;
    of the unanswerable ones, its own, which are the hardest, weigh as much as all others."""
    answerable = _drawn([q for q in corpus.questions if q.answerable], OWN)
    unanswerable = _drawn([q for q in corpus.questions if not q.answerable], OWN)
    others = [dataset for dataset in datasets if dataset.name != corpus.name]
    if answerable:
        yield _Plan(name=corpus.name, own=True, answerable=True, weight=1.0, questions=answerable)
    if unanswerable:
        weight = 0.5 if others else 1.0
        yield _Plan(
            name=corpus.name, own=True, answerable=False, weight=weight, questions=unanswerable
        )
    for other in others:
        yield _Plan(
            name=other.name,
            own=False,
            answerable=False,
            weight=(0.5 if unanswerable else 1.0) / len(others),
            questions=_drawn(other.questions, FOREIGN),
        )


def _drawn(questions: Sequence[Question], most: int) -> tuple[Question, ...]:
    """A sample with a fixed seed, the same for every corpus."""
    return tuple(random.Random(_SEED).sample(questions, min(most, len(questions))))


def _asked(engine: Engine, index: str, corpus: Dataset, plan: _Plan) -> Asked:
    found = [
        observe(engine, index, question.text, question.judgments if plan.own else {})
        for question in plan.questions
    ]
    return Asked(
        corpus=corpus.name,
        questions=plan.name,
        own=plan.own,
        answerable=plan.answerable,
        weight=plan.weight,
        observed=tuple(observed for observed in found if observed),
    )


def observe(
    engine: Engine, index: str, question: str, judgments: Mapping[str, int]
) -> tuple[Observed, ...]:
    """The best hit of each of a question's best documents, best first; relevant are those that
    have a grade above 0."""
    live = engine.live(index)
    vector = live.embedder.embed([question], kind="query")[0]
    scored = search_index(engine, live, question, vector, {})
    evidence = scored.evidence
    best: dict[str, float] = {}
    for hit in scored.hits():
        best.setdefault(hit.document.id, hit.scores["fused"])
    return tuple(
        Observed(
            fused=fused,
            evidence=evidence,
            relevant=judgments.get(document_id, 0) > 0,
            rank=rank,
        )
        for rank, (document_id, fused) in enumerate(islice(best.items(), DOCUMENTS), start=1)
    )
