"""What a data set knows of the answer to each of its questions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets import Dataset, DatasetSpec, Places, Question
from benchmarks.datasets.clapnq import load_clapnq
from benchmarks.datasets.retrieval import load_retrieval
from benchmarks.datasets.rows import json_rows, list_of, text_of
from benchmarks.errors import DatasetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The answer that is wanted of a question.

    `answers` are the reference answers, each as good as the others; there are none for a question
    that nothing answers, nor where the data set has none. `relevant` are the ids of the documents
    that answer it.
    """

    question_id: str
    answers: tuple[str, ...]
    answerable: bool
    relevant: frozenset[str]


def load_expected(spec: DatasetSpec, places: Places, dataset: Dataset) -> Mapping[str, Expected]:
    """What is wanted of each question of a data set that `spec` loaded, by the question's id.

    Only the reference answers are read here; what is answerable and relevant is the data set's
    own. A retrieval set has its answers in `queries.jsonl` as `reference_answer`, CLAPNQ in its
    rows' `output`; sets of other forms have none.

    Raises:
        DatasetError: a file is missing, or an answer in it is not text.
    """
    read = _READERS.get(spec.form.load)
    answers = dict(read(spec.folder(places))) if read else {}
    return {
        question.id: _expected(question, answers.get(question.id, ()))
        for question in dataset.questions
    }


def _expected(question: Question, answers: tuple[str, ...]) -> Expected:
    # Some sets word a refusal as the answer to a question that nothing answers.
    return Expected(
        question_id=question.id,
        answers=answers if question.answerable else (),
        answerable=question.answerable,
        relevant=frozenset(name for name, grade in question.judgments.items() if grade > 0),
    )


_Answers = Iterator[tuple[str, tuple[str, ...]]]
"""Questions' ids with their answers."""


def _retrieval_answers(folder: Path) -> _Answers:
    for where, row in json_rows(folder / "queries.jsonl"):
        answer = row.get("reference_answer")
        if answer is not None and not isinstance(answer, str):
            raise DatasetError(f"{where}: 'reference_answer' must be text or null, not {answer!r}")
        yield text_of(row, "_id", where), _without_blanks([answer or ""])


def _clapnq_answers(folder: Path) -> _Answers:
    """An annotator who found no answer where another did gave an empty one."""
    for name in ("dev_answerable.jsonl", "dev_unanswerable.jsonl"):
        for where, row in json_rows(folder / name):
            answers = [text_of(item, "answer", where) for item in list_of(row, "output", where)]
            yield text_of(row, "id", where), _without_blanks(answers)


def _without_blanks(answers: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(answer for answer in answers if answer.strip()))


_READERS: Mapping[Callable[[DatasetSpec, Places], Dataset], Callable[[Path], _Answers]] = {
    load_retrieval: _retrieval_answers,
    load_clapnq: _clapnq_answers,
}
"""What reads the answers of a form of data set, by what loads its questions."""
