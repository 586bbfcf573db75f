"""Questions about the documents of a catalog, with answers quoted from them.

A row is `{"id", "question", "locale", "answers": [{"index", "document_id", "quote"}]}`; a question
without answers is one that the documents do not answer. The quote is looked for in the extracted
text when the set is read, so it survives a new extractor, and a new line break within it.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets.base import Dataset, Question, Span
from benchmarks.datasets.rows import Row, json_rows, list_of, text_of
from benchmarks.datasets.spec import DatasetSpec, Places
from benchmarks.errors import DatasetError
from chunkers import ExtractError, extract
from chunkers.document import Content
from indexers.errors import DocumentError, IndexersError
from indexers.sources.base import Entry, Source

_Texts = dict[tuple[str, str], str]


@dataclass(frozen=True)
class _Documents:
    """The documents of all sources, one source after another; unreadable ones are left out."""

    sources: Mapping[str, Source]

    def __iter__(self) -> Iterator[Content]:
        for source in self.sources.values():
            for entry in _entries(source):
                with suppress(DocumentError):
                    yield source.read(entry)


def load_catalog_set(spec: DatasetSpec, places: Places) -> Dataset:
    """Read the questions at `spec.path` about the catalog's documents.

    Raises:
        DatasetError: see `DatasetSpec.load`; also for a catalog that is not valid.
    """
    # A catalog brings every embedder with it, and most suites need none.
    from indexers.catalog import load_catalog

    try:
        indexes = load_catalog(places.catalog)
    except IndexersError as exc:
        raise DatasetError(f"data set {spec.name!r}, its catalog (--catalog): {exc}") from exc
    sources = {name: index.build.source for name, index in indexes.items()}
    return catalog_set(spec.name, spec.suite_folder / spec.path, sources)


def catalog_set(name: str, path: Path, sources: Mapping[str, Source]) -> Dataset:
    """Read the questions of a file about the documents of sources by their indexes' names.

    Raises:
        DatasetError: a row is not of the form, names an unknown index or document, or quotes what
            its document does not hold exactly once; or two indexes hold documents of one id.
    """
    rows = [(where, row, list_of(row, "answers", where)) for where, row in json_rows(path)]
    if not rows:
        raise DatasetError(f"{path}: holds no questions")
    texts = _texts(sources, _quoted(rows, sources))
    questions = tuple(_question(where, row, answers, texts) for where, row, answers in rows)
    if len({question.id for question in questions}) < len(questions):
        raise DatasetError(f"{path}: two questions have one id")
    return Dataset(name=name, documents=_Documents(sources), questions=questions)


def _quoted(
    rows: list[tuple[str, Row, list[Row]]], sources: Mapping[str, Source]
) -> dict[str, dict[str, str]]:
    """For each index the documents that are quoted, each with where it was first."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for where, _, answers in rows:
        for answer in answers:
            index = text_of(answer, "index", where)
            if index not in sources:
                valid = ", ".join(sources)
                raise DatasetError(f"{where}: no index {index!r}; the catalog has: {valid}")
            found[index].setdefault(text_of(answer, "document_id", where), where)
    return found


def _texts(sources: Mapping[str, Source], quoted: Mapping[str, Mapping[str, str]]) -> _Texts:
    texts: _Texts = {}
    owners: dict[str, str] = {}
    for index, source in sources.items():
        wanted = quoted.get(index, {})
        for entry in _entries(source):
            if owners.setdefault(entry.id, index) != index:
                raise DatasetError(
                    f"the indexes {owners[entry.id]!r} and {index!r} both hold a document "
                    f"{entry.id!r}; in a benchmark ids are unique"
                )
            if entry.id in wanted:
                texts[index, entry.id] = _extracted(source, entry, wanted[entry.id])
        for document_id, where in wanted.items():
            if (index, document_id) not in texts:
                raise DatasetError(f"{where}: index {index!r} has no document {document_id!r}")
    return texts


def _entries(source: Source) -> Iterator[Entry]:
    try:
        yield from (listed for listed in source.list({}) if isinstance(listed, Entry))
    except IndexersError as exc:
        raise DatasetError(str(exc)) from exc


def _extracted(source: Source, entry: Entry, where: str) -> str:
    try:
        return extract(source.read(entry)).text
    except (ExtractError, IndexersError) as exc:
        raise DatasetError(f"{where}: {entry.id!r} cannot be read: {exc}") from exc


def _question(where: str, row: Row, answers: list[Row], texts: _Texts) -> Question:
    spans = tuple(_located(where, answer, texts) for answer in answers)
    return Question(
        id=text_of(row, "id", where),
        text=text_of(row, "question", where),
        judgments={span.document_id: 1 for span in spans},
        references=spans,
        answerable=bool(answers),
        locale=row.get("locale"),
    )


def _located(where: str, answer: Row, texts: _Texts) -> Span:
    document_id, quote = answer["document_id"], text_of(answer, "quote", where)
    words = quote.split()
    if not words:
        raise DatasetError(f"{where}: the quote from {document_id!r} is empty")
    pattern = r"\s+".join(map(re.escape, words))
    matches = list(re.finditer(pattern, texts[answer["index"], document_id]))
    if len(matches) != 1:
        times = f"{len(matches)} times; quote more of it" if matches else "nowhere"
        raise DatasetError(f"{where}: {quote[:80]!r} stands in {document_id!r} {times}")
    start, end = matches[0].span()
    return Span(document_id=document_id, start=start, end=end)
