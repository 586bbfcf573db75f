"""Documents that were put or deleted one by one, beside what an index's source says.

Such a change holds until the source's own version of the document changes: then it knows better.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa

from chunkers.document import Content, ContentType, Format
from indexers.database import Database, metadata
from indexers.sources import Entry, Listed, Skipped, Source, Unreadable

_pushed = sa.Table(
    "pushed_documents",
    metadata,
    sa.Column("index", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("source_revision", sa.String),
    sa.Column("content", sa.LargeBinary),
)


# Apart from the changes, which are forgotten: a number must never come again.
_sequences = sa.Table(
    "pushed_sequences",
    metadata,
    sa.Column("index", sa.String, primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A document that was put, or deleted where `content` is None.

    `sequence` grows with each change of the index. `source_revision` is the revision that the
    source had of it then, None where it had none.
    """

    document_id: str
    sequence: int
    source_revision: str | None
    content: Content | None

    @property
    def revision(self) -> str | None:
        """The revision that an index stores of it."""
        return self.content.revision if self.content else None


class PushedDocuments:
    """The changes of each index that its source has not caught up with. Every method raises
    StateError; one that writes is called by who holds the index's lock alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, index: str, after: int = 0) -> list[Pushed]:
        """The changes after a sequence number, in their order."""
        query = (
            sa.select(*[column for column in _pushed.columns if column.name != "index"])
            .where(_pushed.c.index == index, _pushed.c.sequence > after)
            .order_by(_pushed.c.sequence)
        )
        with self._database.reading() as connection:
            rows = [row._mapping for row in connection.execute(query)]
        return [Pushed(**{**row, "content": unpacked(row["content"])}) for row in rows]

    def changed(self, index: str, after: int) -> frozenset[str]:
        """The documents that were changed after a sequence number."""
        where = (_pushed.c.index == index, _pushed.c.sequence > after)
        with self._database.reading() as connection:
            return frozenset(connection.scalars(sa.select(_pushed.c.document_id).where(*where)))

    def last(self, index: str) -> int:
        """The highest sequence number so far, 0 without any."""
        query = sa.select(_sequences.c.last).where(_sequences.c.index == index)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar() or 0)

    def save(
        self, index: str, document_id: str, content: Content | None, source_revision: str | None
    ) -> Pushed:
        """Note a change; of several of one document the last counts, and the source's revision
        stays the one that it had before the first."""
        here = (_pushed.c.index == index, _pushed.c.document_id == document_id)
        with self._database.reading() as connection:
            known = connection.execute(sa.select(_pushed.c.source_revision).where(*here)).first()
        pushed = Pushed(
            document_id=document_id,
            sequence=self.last(index) + 1,
            source_revision=known[0] if known else source_revision,
            content=content,
        )
        row = {field.name: getattr(pushed, field.name) for field in fields(pushed)}
        row |= {"index": index, "content": packed(content) if content else None}
        with self._database.writing() as connection:
            number = {"index": index, "last": pushed.sequence}
            self._database.upsert(_sequences, [number], connection)
            self._database.upsert(_pushed, [row], connection)
        return pushed

    def forget(self, index: str, changes: list[Pushed]) -> None:
        """Forget changes that the source has caught up with, unless they were changed again."""
        with self._database.writing() as connection:
            for one in changes:
                connection.execute(
                    sa.delete(_pushed).where(
                        _pushed.c.index == index,
                        _pushed.c.document_id == one.document_id,
                        _pushed.c.sequence == one.sequence,
                    )
                )


@dataclass(kw_only=True)
class Overlaid:
    """A source with the changes pushed beside it laid over its listing.

    When the listing has ended, `caught_up` holds the changes that the source knows better by now.
    """

    source: Source
    pushed: Mapping[str, Pushed]
    caught_up: list[Pushed]

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        """See `Source.list`."""
        listed: set[str] = set()
        hidden: set[str] = set()
        hides = False
        for item in self.source.list(known):
            if isinstance(item, Unreadable):
                hidden.add(item.where)
                hides = hides or item.hides_id
            if isinstance(item, Skipped | Unreadable) or item.id not in self.pushed:
                yield item
                continue
            change = self.pushed[item.id]
            if change.source_revision != item.revision:
                if item.id not in listed:
                    self.caught_up.append(change)
                yield item
            elif change.content is not None:
                yield _entry(change.content)
            listed.add(item.id)
        for id_, change in self.pushed.items():
            if id_ in listed:
                continue
            if change.source_revision is not None and not hides and id_ not in hidden:
                self.caught_up.append(change)  # The source has deleted it since.
            elif change.content is not None:
                yield _entry(change.content)
            elif change.source_revision is None and change.content is None:
                self.caught_up.append(change)  # It was only ever here, and is gone.

    def read(self, entry: Entry) -> Content:
        """See `Source.read`."""
        return self.source.read(entry)


def packed(content: Content) -> bytes:
    """A content as bytes for a database."""
    values = {field.name: getattr(content, field.name) for field in fields(content)}
    head = json.dumps({**values, "data": None, "metadata": dict(content.metadata)}).encode()
    return zlib.compress(len(head).to_bytes(4, "big") + head + content.data, 1)


def unpacked(value: bytes | None) -> Content | None:
    """The content that `packed` made bytes of."""
    if value is None:
        return None
    plain = zlib.decompress(value)
    end = 4 + int.from_bytes(plain[:4], "big")
    values: dict[str, Any] = json.loads(plain[4:end])
    kinds = {
        "content_type": ContentType(values["content_type"]),
        "format": Format(values["format"]),
    }
    return Content(**{**values, **kinds, "data": plain[end:]})


def _entry(content: Content) -> Entry:
    return Entry(
        id=content.id, revision=content.revision, where=f"put {content.id}", content=content
    )
