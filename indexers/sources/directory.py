"""Files of the index's content type, anywhere under a folder."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chunkers.document import Content, ContentType, Format
from indexers.errors import DocumentError, SourceError
from indexers.filters import is_text
from indexers.sources.base import Entry, Listed, Skipped, Unreadable, revision_of

_TEXT_FORMATS = {
    ".md": Format.MARKDOWN,
    ".markdown": Format.MARKDOWN,
    ".txt": Format.TEXT,
}
FORMATS: dict[ContentType, dict[str, Format]] = {
    ContentType.ARTICLE: {".html": Format.HTML, ".htm": Format.HTML, **_TEXT_FORMATS},
    ContentType.FAQ: {".json": Format.JSON},
    ContentType.SNIPPET: {".json": Format.JSON, **_TEXT_FORMATS},
    ContentType.PDF: {".pdf": Format.PDF},
}
"""The file suffixes that each content type reads."""


@dataclass(frozen=True, kw_only=True)
class DirectorySource:
    """Every file under `path` with a suffix of the content type; hidden files are passed over.

    A document's id is its path from `path`, with forward slashes. Links to folders are not
    followed.
    """

    content_type: ContentType
    path: Path

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        """The files in order of their paths; see `Source.list`."""
        if not self.path.is_dir():
            raise SourceError(f"{self.path} is not a folder")
        formats = FORMATS[self.content_type]
        for file in self._files():
            name = file.relative_to(self.path).as_posix()
            if file.suffix.lower() not in formats:
                valid = ", ".join(formats)
                yield Skipped(where=_shown(name), reason=f"not a file of type {valid}")
                continue
            yield self._entry(file, name)

    def read(self, entry: Entry) -> Content:
        """The file's bytes; see `Source.read`."""
        file = self.path / entry.id
        try:
            data = file.read_bytes()
        except OSError as exc:
            raise DocumentError(exc.strerror or str(exc)) from exc
        if revision_of(data) != entry.revision:
            raise DocumentError("changed while it was being indexed; the next run takes it up")
        return Content(
            id=entry.id,
            content_type=self.content_type,
            format=FORMATS[self.content_type][file.suffix.lower()],
            data=data,
            revision=entry.revision,
        )

    def _entry(self, file: Path, name: str) -> Listed:
        if not is_text(name):
            return Unreadable(where=_shown(name), reason="its name is not UTF-8")
        if file.exists() and not file.is_file():  # A pipe would be waited for.
            return Unreadable(where=name, reason="not a regular file")
        try:
            return Entry(id=name, revision=revision_of(file.read_bytes()), where=name)
        except OSError as exc:
            # The id is known, so the document that was here is not taken for deleted.
            return Unreadable(where=name, reason=exc.strerror or str(exc))

    def _files(self) -> Iterator[Path]:
        def fail(exc: OSError) -> None:
            raise SourceError(f"{exc.filename}: {exc.strerror}") from exc

        found = []
        for folder, folders, files in os.walk(self.path, onerror=fail):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [Path(folder) / name for name in files if not name.startswith(".")]
        return iter(sorted(found))


def _shown(name: str) -> str:
    """A name as text, whatever bytes it is made of."""
    return os.fsencode(name).decode(errors="backslashreplace")
