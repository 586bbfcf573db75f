"""Span sets: questions with the stretches of a document that answer them.

The form of Passages is `docs.jsonl` with rows `{"doc_id", "text"}` and `questions.jsonl` with rows
`{"id", "doc_id", "question", "references"}`. Chroma's chunking evaluation has `questions_df.csv`
with the columns question, references and corpus_id, and its texts in `corpora/<corpus_id>.md`.
References are `{"content", "start_index", "end_index"}`, in characters.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets.base import Dataset, Question
from benchmarks.datasets.rows import Row, content_of, json_rows, list_of, span_of, text_of
from benchmarks.datasets.spec import DatasetSpec, Places
from benchmarks.errors import DatasetError
from chunkers.document import Content


@dataclass(frozen=True)
class _Texts:
    """The documents of a span set by their ids."""

    spec: DatasetSpec
    texts: Mapping[str, str]

    def __iter__(self) -> Iterator[Content]:
        for document_id, text in self.texts.items():
            yield content_of(self.spec, document_id, "", text)


def load_spans(spec: DatasetSpec, places: Places) -> Dataset:
    """Read a span set of Passages' form. Raises DatasetError; see `DatasetSpec.load`."""
    folder = spec.folder(places)
    texts: dict[str, str] = {}
    for where, row in json_rows(folder / "docs.jsonl"):
        if (document_id := text_of(row, "doc_id", where)) in texts:
            raise DatasetError(f"{where}: two documents have the id {document_id!r}")
        texts[document_id] = text_of(row, "text", where)
    questions = tuple(
        _question(where, text_of(row, "id", where), row, text_of(row, "doc_id", where), texts)
        for where, row in json_rows(folder / "questions.jsonl")
    )
    return _checked(spec, texts, questions, folder)


def load_chroma(spec: DatasetSpec, places: Places) -> Dataset:
    """Read Chroma's chunking evaluation.

    Its questions have no ids: they are named by corpus and row, counted from 0.

    Raises:
        DatasetError: see `DatasetSpec.load`.
    """
    folder = spec.folder(places)
    texts = {file.stem: _text(file) for file in sorted((folder / "corpora").glob("*.md"))}
    questions = []
    for number, (where, row) in enumerate(_csv_rows(folder / "questions_df.csv")):
        corpus = text_of(row, "corpus_id", where)
        fields = {**row, "references": _parsed(where, text_of(row, "references", where))}
        questions.append(_question(where, f"{corpus}:{number}", fields, corpus, texts))
    return _checked(spec, texts, tuple(questions), folder)


def _question(
    where: str, name: str, row: Row, document_id: str, texts: Mapping[str, str]
) -> Question:
    if document_id not in texts:
        raise DatasetError(f"{where}: there is no document {document_id!r}")
    references = list_of(row, "references", where)
    if not references:
        raise DatasetError(f"{where}: a question of a span set needs a reference")
    text = texts[document_id]
    return Question(
        id=name,
        text=text_of(row, "question", where),
        judgments={document_id: 1},
        references=tuple(span_of(document_id, text, item, where) for item in references),
    )


def _checked(
    spec: DatasetSpec, texts: Mapping[str, str], questions: tuple[Question, ...], folder: Path
) -> Dataset:
    if not questions:
        raise DatasetError(f"{folder}: holds no questions")
    if len({question.id for question in questions}) < len(questions):
        raise DatasetError(f"{folder}: two questions have one id")
    return Dataset(name=spec.name, documents=_Texts(spec, texts), questions=questions)


def _text(path: Path) -> str:
    # Not read as text: offsets count line ends as they stand in the file.
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as exc:
        raise DatasetError(f"{path}: not UTF-8 text: {exc.reason}") from exc


def _csv_rows(path: Path) -> Iterator[tuple[str, Row]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                yield f"{path}:{reader.line_num}", row
    except OSError as exc:
        raise DatasetError(f"{path}: {exc.strerror}") from exc


def _parsed(where: str, text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as exc:
        raise DatasetError(f"{where}: references are not JSON: {exc}") from exc
