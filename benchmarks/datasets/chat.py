"""Questions as people type them into a support chat, about a real help centre.

The help centre is a folder of Markdown files in the data folder. The questions are the project's
own, in `chat/NAME.jsonl` beside the suite, by the data set's name:
`{"id", "question", "documents": [ids of those that answer it]}`, none for a question that nothing
answers.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.datasets.base import Dataset, Question
from benchmarks.datasets.retrieval import MarkdownFolder, ids_of
from benchmarks.datasets.rows import json_rows, text_of
from benchmarks.datasets.spec import DatasetSpec, Places
from benchmarks.errors import DatasetError
from chunkers.document import Format


def load_chat(spec: DatasetSpec, places: Places) -> Dataset:
    """Read the questions about a help centre.

    Raises:
        DatasetError: see `DatasetSpec.load`.
    """
    documents = MarkdownFolder(replace(spec, format=Format.MARKDOWN), spec.folder(places))
    path = spec.suite_folder / "chat" / f"{spec.name}.jsonl"
    questions = tuple(_questions(path, ids_of(documents)))
    if len({question.id for question in questions}) < len(questions):
        raise DatasetError(f"{path}: two questions have one id")
    return Dataset(name=spec.name, documents=documents, questions=questions)


def _questions(path: Path, ids: set[str]) -> Iterator[Question]:
    for where, row in json_rows(path):
        named = row.get("documents")
        if not isinstance(named, list):
            raise DatasetError(f"{where}: field 'documents' must be a list")
        for document in named:
            if document not in ids:
                raise DatasetError(f"{where}: the help centre has no document {document!r}")
        yield Question(
            id=text_of(row, "id", where),
            text=text_of(row, "question", where),
            judgments=dict.fromkeys(named, 1),
            answerable=bool(named),
        )
