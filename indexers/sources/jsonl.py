"""One document a line, as JSON objects."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chunkers.document import Content, ContentType, Format
from indexers.errors import DocumentError, SourceError
from indexers.filters import is_text
from indexers.sources.base import Entry, Listed, Unreadable, revision_of


@dataclass(frozen=True, kw_only=True)
class JsonlSource:
    """The lines of the JSON Lines file at `path`; each has an `id` of its own.

    What the other fields of a line are is said by its content type's reader.
    """

    content_type: ContentType
    path: Path

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        """The lines in order; blank ones are passed over. See `Source.list`."""
        if not self.path.is_file():
            raise SourceError(f"{self.path} is not a file")
        position = 0
        try:
            with self.path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        yield self._entry(line, f"{self.path.name}:{number}", position)
                    position += len(line)
        except OSError as exc:
            raise SourceError(f"{self.path}: {exc.strerror or exc}") from exc

    def read(self, entry: Entry) -> Content:
        """The bytes of the line; see `Source.read`."""
        try:
            with self.path.open("rb") as lines:
                lines.seek(entry.position)
                line = lines.readline()
        except OSError as exc:
            raise DocumentError(exc.strerror or str(exc)) from exc
        if revision_of(line.strip()) != entry.revision:
            raise DocumentError("changed while it was being indexed; the next run takes it up")
        return Content(
            id=entry.id,
            content_type=self.content_type,
            format=Format.JSON,
            data=line.removeprefix(b"\xef\xbb\xbf"),
            revision=entry.revision,
        )

    def _entry(self, line: bytes, where: str, position: int) -> Listed:
        try:
            record = json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError:
            return Unreadable(where=where, reason="not UTF-8 text", hides_id=True)
        except (ValueError, RecursionError) as exc:  # A number of 5,000 digits is a ValueError.
            return Unreadable(where=where, reason=f"not JSON: {exc}", hides_id=True)
        name = record.get("id") if isinstance(record, dict) else None
        if not isinstance(name, str | int) or isinstance(name, bool) or name == "":
            reason = "not a JSON object with an 'id' (text or a whole number)"
            return Unreadable(where=where, reason=reason, hides_id=True)
        id_ = str(name)
        if not is_text(id_):
            reason = f"the id {id_!r} holds half of a surrogate pair"
            return Unreadable(where=where, reason=reason, hides_id=True)
        revision = revision_of(line.strip())
        return Entry(id=id_, revision=revision, where=where, position=position)
