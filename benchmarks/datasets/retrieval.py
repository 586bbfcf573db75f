"""Retrieval sets, the form of BEIR: a corpus, queries, and graded judgments of documents.

`corpus.jsonl` has rows `{"_id", "title", "text"}`; in its place there can be Markdown files under
`documents/`, whose ids are their paths from there. `queries.jsonl` has rows `{"_id", "text"}`, and
some sets a `reference_answer` in them; `qrels.tsv` has the header `query-id corpus-id score`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.datasets.base import Dataset, Question
from benchmarks.datasets.rows import Row, answers_of, content_of, json_rows, lines, text_of
from benchmarks.datasets.spec import DatasetSpec, Places
from benchmarks.errors import DatasetError
from chunkers.document import Content, Format

_HEADER = ("query-id", "corpus-id", "score")

Judgments = dict[str, dict[str, int]]


@dataclass(frozen=True)
class _Corpus:
    spec: DatasetSpec
    path: Path

    def __iter__(self) -> Iterator[Content]:
        for where, row in json_rows(self.path):
            title = text_of(row, "title", where, default="")
            yield content_of(
                self.spec, text_of(row, "_id", where), title, text_of(row, "text", where)
            )


@dataclass(frozen=True)
class MarkdownFolder:
    """The Markdown files below a folder; their ids are their paths from there."""

    spec: DatasetSpec
    path: Path

    def __iter__(self) -> Iterator[Content]:
        for file in sorted(self.path.rglob("*.md")):
            name = file.relative_to(self.path).as_posix()
            try:
                # Line ends stay as they are: the text is the file's own.
                text = file.read_bytes().decode()
            except (OSError, UnicodeDecodeError) as exc:
                raise DatasetError(f"{file}: cannot be read as UTF-8 text: {exc}") from exc
            yield content_of(self.spec, name, "", text)


def load_retrieval(spec: DatasetSpec, places: Places) -> Dataset:
    """Read a retrieval set.

    A query without a relevant document counts as unanswerable where its row says `"answerable":
    false`, and is left out otherwise: the sets of BEIR hold queries of other splits.

    Raises:
        DatasetError: see `DatasetSpec.load`.
    """
    folder = spec.folder(places)
    documents: _Corpus | MarkdownFolder = _Corpus(spec, folder / "corpus.jsonl")
    if not (folder / "corpus.jsonl").is_file() and (folder / "documents").is_dir():
        documents = MarkdownFolder(replace(spec, format=Format.MARKDOWN), folder / "documents")
    ids = ids_of(documents)
    judgments = _judgments(folder / "qrels.tsv", ids)
    questions = tuple(_questions(folder / "queries.jsonl", judgments))
    if judgments:
        raise DatasetError(f"{folder / 'qrels.tsv'}: no query has the id {next(iter(judgments))!r}")
    if not questions:
        raise DatasetError(f"{folder / 'queries.jsonl'}: no query has a relevant document")
    return Dataset(name=spec.name, documents=documents, questions=questions)


def ids_of(documents: _Corpus | MarkdownFolder) -> set[str]:
    """The ids of a corpus.

    Raises:
        DatasetError: it has none, or one twice.
    """
    ids: set[str] = set()
    for content in documents:
        if content.id in ids:
            raise DatasetError(f"{documents.path}: two documents have the id {content.id!r}")
        ids.add(content.id)
    if not ids:
        raise DatasetError(f"{documents.path}: holds no documents")
    return ids


def _judgments(path: Path, ids: set[str]) -> Judgments:
    found: Judgments = {}
    rows = lines(path)
    where, header = next(rows, (f"{path}:1", ""))
    if tuple(header.split("\t")) != _HEADER:
        raise DatasetError(f"{where}: the header must be {'<tab>'.join(_HEADER)}, not {header!r}")
    for where, line in rows:
        query, document, grade = _judgment(where, line)
        if document not in ids:
            raise DatasetError(f"{where}: the corpus has no document {document!r}")
        found.setdefault(query, {})[document] = grade
    return found


def _judgment(where: str, line: str) -> tuple[str, str, int]:
    try:
        query, document, grade = line.split("\t")
        return query, document, int(grade)
    except ValueError as exc:
        raise DatasetError(
            f"{where}: must be query, document and a whole number: {line!r}"
        ) from exc


def _questions(path: Path, judgments: Judgments) -> Iterator[Question]:
    """The questions to ask; each takes its judgments out of the mapping."""
    for where, row in json_rows(path):
        name, text = text_of(row, "_id", where), text_of(row, "text", where)
        grades = judgments.pop(name, {})
        judged = any(grade > 0 for grade in grades.values())
        unanswerable = row.get("answerable") is False
        if judged and unanswerable:
            raise DatasetError(f"{where}: {name!r} is unanswerable but has a relevant document")
        if judged or unanswerable:
            yield Question(
                id=name,
                text=text,
                judgments=grades,
                # Some sets word a refusal as the answer to a question that nothing answers.
                answers=_answers(row, where) if judged else (),
                answerable=judged,
            )


def _answers(row: Row, where: str) -> tuple[str, ...]:
    answer = row.get("reference_answer")
    if answer is not None and not isinstance(answer, str):
        raise DatasetError(f"{where}: 'reference_answer' must be text or null, not {answer!r}")
    return answers_of([answer or ""])
