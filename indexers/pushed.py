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
        query = sa.select(sa.func.max(_pushed.c.sequence)).where(_pushed.c.index == index)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar() or 0)

    def save(
        self, index: str, document_id: str, content: Content | None, source_revision: str | None
    ) -> Pushed:
        """Note a change; of several of one document the last counts, and the source's revision
        stays the one that it had before the first."""
        earlier = {one.document_id: one for one in self.all(index)}
        known = earlier.get(document_id)
        pushed = Pushed(
            document_id=document_id,
            sequence=max((one.sequence for one in earlier.values()), default=0) + 1,
            source_revision=known.source_revision if known else source_revision,
            content=content,
        )
        row = {field.name: getattr(pushed, field.name) for field in fields(pushed)}
        row |= {"index": index, "content": packed(content) if content else None}
        self._database.upsert(_pushed, [row])
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
        left = dict(self.pushed)
        hidden: set[str] = set()
        for item in self.source.list(known):
            if isinstance(item, Unreadable):
                hidden.add(item.where)
            if isinstance(item, Skipped | Unreadable) or item.id not in left:
                yield item
                continue
            change = left.pop(item.id)
            if change.source_revision != item.revision:
                self.caught_up.append(change)
                yield item
            elif change.content is not None:
                yield _entry(change.content)
        for change in left.values():
            if change.source_revision is None and change.content is not None:
                yield _entry(change.content)  # The source has never had it.
            elif change.document_id not in hidden:
                self.caught_up.append(change)

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
