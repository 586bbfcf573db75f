"""What a source of documents is: two methods, one that lists and one that reads."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from chunkers.document import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A document that the source holds.

    `revision` changes whenever the document does. `where` tells a person where it stands;
    `position` is the source's own note for finding it again. `content` is there where listing has
    fetched it anyway; then nobody calls `read`.
    """

    id: str
    revision: str
    where: str
    position: int = 0
    content: Content | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Something listed that cannot be a document.

    `hides_id` says that a document which used to be here can no longer be recognised, so that a
    missing id does not prove a deletion.
    """

    where: str
    reason: str
    hides_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something listed that is not of the index's content type, and left alone."""

    where: str
    reason: str


Listed = Entry | Unreadable | Skipped


class Source(Protocol):
    """Where an index's documents come from; its fields are its identity."""

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        """Everything that the source holds, in a stable order, without holding it all at once.

        `known` has the revisions of documents that were listed before, by id. A source may use
        them to ask for less; it lists what has not changed all the same, by its known revision.

        Raises:
            SourceError: the source cannot be listed to its end.
        """
        ...

    def read(self, entry: Entry) -> Content:
        """The content of a listed document.

        Raises:
            DocumentError: it cannot be read, or is no longer what was listed.
        """
        ...


def revision_of(data: bytes) -> str:
    """A hash of the bytes that decide what is indexed (SHA-256, 128 bits in hex)."""
    return hashlib.sha256(data).hexdigest()[:32]
