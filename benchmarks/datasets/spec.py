"""Which data set a suite names, and where it lies."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets.base import Dataset
from benchmarks.errors import DatasetError
from chunkers.document import ContentType, Format


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a suite's data lies: the folder of data sets, if any, and the catalog's file."""

    data: Path | None
    catalog: Path


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form of data set. `content_types` are those its documents can be indexed as."""

    load: "Callable[[DatasetSpec, Places], Dataset]"
    content_types: tuple[ContentType, ...]


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """One data set of a suite, which lies in the folder `suite_folder`.

    `path` is relative to the data folder, or to the suite's file for a form that has its
    documents from a catalog. `format` is how the texts of the corpus are read.
    """

    name: str
    form: Form
    path: str
    suite_folder: Path
    content_type: ContentType = ContentType.ARTICLE
    format: Format = Format.TEXT

    def load(self, places: Places) -> Dataset:
        """Read the questions and check the documents.

        Raises:
            DatasetError: a file is missing or not of the form; the message names file and line.
        """
        return self.form.load(self, places)

    def folder(self, places: Places) -> Path:
        """The data set's own folder below the data folder.

        Raises:
            DatasetError: there is none; the message says how to pass the data folder.
        """
        hint = f"pass --data DIR, the folder that holds {self.path}/"
        if places.data is None:
            raise DatasetError(f"data set {self.name!r} needs a data folder: {hint}")
        folder = places.data / self.path
        if not folder.is_dir():
            raise DatasetError(f"data set {self.name!r}: {folder} is not a folder; {hint}")
        return folder
