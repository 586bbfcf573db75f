"""What a measurement works on: real pages and questions, and where it keeps its things."""

import random
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets.rows import json_rows, text_of
from benchmarks.errors import DatasetError
from benchmarks.performance.passages import entries_of, index_of, texts_of, write_catalog

_DATASET = "aws_docs_qa"


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """`data` is the folder of data sets; `folder` keeps what one run leaves for the next."""

    data: Path
    folder: Path

    @property
    def questions(self) -> Path:
        """The file of questions."""
        return (self.data / _DATASET / "queries.jsonl").resolve()

    def documents(self) -> Path:
        """The folder of all pages.

        Raises:
            DatasetError: there is none.
        """
        folder = self.data / _DATASET / "documents"
        if not folder.is_dir():
            hint = f"pass --data DIR, the folder that holds {_DATASET}/"
            raise DatasetError(f"{folder} is not a folder; {hint}")
        return folder.resolve()

    def pages(self, chunks: int) -> Path:
        """A folder of pages that make about `chunks` chunks, the same ones each time."""
        kept = self.folder.resolve() / f"pages-{chunks}"
        if not kept.is_dir():
            aside = kept.with_suffix(".making")
            shutil.rmtree(aside, ignore_errors=True)
            documents = self.documents()
            copy_pages(enough_pages(documents, chunks, self.folder), documents, aside)
            aside.rename(kept)
        return kept


def read_questions(path: Path) -> list[str]:
    """The questions of a file of rows `{"_id", "text"}`.

    Raises:
        DatasetError: the file is missing or not of its form.
    """
    return [text_of(row, "text", where) for where, row in json_rows(path)]


def shuffled_pages(folder: Path) -> list[Path]:
    """All pages below a folder, in an order that mixes long with short and is always the same."""
    pages = sorted(folder.rglob("*.md"))
    random.Random(0).shuffle(pages)
    return pages


def enough_pages(documents: Path, chunks: int, folder: Path) -> list[Path]:
    """The first shuffled pages that make at least `chunks` chunks together; all if need be."""
    build = index_of(write_catalog(folder / "documents.yaml", documents)).build
    entries = {entry.id: entry for entry in entries_of(build)}
    taken: list[Path] = []
    made = 0
    for page in shuffled_pages(documents):
        if made >= chunks:
            break
        made += len(texts_of(build, entries[page.relative_to(documents).as_posix()]))
        taken.append(page)
    return taken


def dealt(pages: Iterable[Path], shares: int) -> list[list[Path]]:
    """The pages in as many shares, one page to each in turn."""
    pages = list(pages)
    return [pages[first::shares] for first in range(shares)]


def copy_pages(pages: Iterable[Path], base: Path, into: Path) -> None:
    """Copy pages with their paths from `base`; makes the folder."""
    into.mkdir(parents=True)
    for page in pages:
        copy = into / page.relative_to(base)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, copy)
