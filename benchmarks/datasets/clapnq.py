"""CLAPNQ: questions of Natural Questions, each over one passage of Wikipedia (S. Rosenthal et
al., TACL 13, 2025).

The files are `dev_answerable.jsonl` and `dev_unanswerable.jsonl`, with the fields id, input,
passages (one, of title and text) and output (of selected_sentences). Every distinct passage is a
document. A selected sentence is a reference where it stands in its passage exactly once. Each item
of the output has one annotator's answer.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets.base import Dataset, Question, Span
from benchmarks.datasets.rows import Row, answers_of, content_of, json_rows, list_of, text_of
from benchmarks.datasets.spec import DatasetSpec, Places
from benchmarks.errors import DatasetError
from chunkers.document import Content


@dataclass(frozen=True)
class _Passages:
    """Title and text of each passage by its id."""

    spec: DatasetSpec
    passages: Mapping[str, tuple[str, str]]

    def __iter__(self) -> Iterator[Content]:
        for document_id, (title, text) in self.passages.items():
            yield content_of(self.spec, document_id, title, text)


def load_clapnq(spec: DatasetSpec, places: Places) -> Dataset:
    """Read CLAPNQ's development questions. Raises DatasetError; see `DatasetSpec.load`."""
    folder = spec.folder(places)
    passages: dict[str, tuple[str, str]] = {}
    questions = [
        *_questions(folder / "dev_answerable.jsonl", passages, answerable=True),
        *_questions(folder / "dev_unanswerable.jsonl", passages, answerable=False),
    ]
    if not questions:
        raise DatasetError(f"{folder}: holds no questions")
    return Dataset(name=spec.name, documents=_Passages(spec, passages), questions=tuple(questions))


def _questions(
    path: Path, passages: dict[str, tuple[str, str]], *, answerable: bool
) -> Iterator[Question]:
    """The questions of a file; their passages are added to the mapping."""
    for where, row in json_rows(path):
        found = list_of(row, "passages", where)
        if len(found) != 1:
            raise DatasetError(f"{where}: a question has one passage, not {len(found)}")
        title, text = text_of(found[0], "title", where), text_of(found[0], "text", where)
        document_id = hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()[:12]
        passages[document_id] = (title, text)
        yield Question(
            id=text_of(row, "id", where),
            text=text_of(row, "input", where),
            judgments={document_id: 1} if answerable else {},
            references=tuple(_references(row, document_id, text, where)),
            answers=_answers(row, where) if answerable else (),
            answerable=answerable,
        )


def _answers(row: Row, where: str) -> tuple[str, ...]:
    """An annotator who found no answer where another did gave an empty one."""
    return answers_of(text_of(item, "answer", where) for item in list_of(row, "output", where))


def _references(row: Row, document_id: str, text: str, where: str) -> Iterator[Span]:
    """The sentences that the first answer was written from, each once, in their order."""
    answers = list_of(row, "output", where)
    selected = answers[0].get("selected_sentences", []) if answers else []
    for sentence in dict.fromkeys(selected):
        if isinstance(sentence, str) and sentence and text.count(sentence) == 1:
            start = text.index(sentence)
            yield Span(document_id=document_id, start=start, end=start + len(sentence))
