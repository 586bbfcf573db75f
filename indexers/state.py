"""What indexing remembers between runs: builds, the manifest of each, and embeddings by text."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from indexers.database import IN_LIMIT, Database, metadata, normal, url_of
from indexers.errors import IndexBusyError, StateError
from indexers.jobs.ledger import Ledger
from indexers.kept import KeptDocuments
from indexers.locks import FileLocks, Locks, PostgresLocks
from indexers.pushed import PushedDocuments

_builds = sa.Table(
    "builds",
    metadata,
    sa.Column("collection", sa.String, primary_key=True),
    sa.Column("index", sa.String, nullable=False),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("settings", sa.String, nullable=False),
    sa.Column("started_at", sa.String, nullable=False),
    sa.Column("finished_at", sa.String),
    sa.Column("switched_at", sa.String),
    sa.Column("replaced_at", sa.String),
    sa.Column("rejected_at", sa.String),
)

_documents = sa.Table(
    "documents",
    metadata,
    sa.Column("collection", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("revision", sa.String, nullable=False),
    sa.Column("chunks", sa.Integer, nullable=False),
)

_embeddings = sa.Table(
    "embeddings",
    metadata,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("text_hash", sa.LargeBinary, primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),
)

PENDING = ""
"""The revision of a document whose chunks are being written: equal to none that a source gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """One collection's history. `settings` is the canonical JSON of its IndexBuild; times are
    ISO 8601 in UTC.

    `finished_at` is when a re-index last brought it up to its source, None for one that never was
    live. `switched_at` and `replaced_at` are when searches last came to it and left it,
    `rejected_at` when it was rolled back.
    """

    collection: str
    index: str
    fingerprint: str
    settings: str
    started_at: str
    finished_at: str | None = None
    switched_at: str | None = None
    replaced_at: str | None = None
    rejected_at: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it stands in a collection."""

    revision: str
    chunks: int


class State:
    """The state database and the locks beside it; safe for threads and several processes.

    `jobs`, `kept` and `pushed` are the parts of it that have modules of their own. Every method
    raises StateError where the database cannot be read or written.
    """

    def __init__(self, place: Path | str) -> None:
        """Open a SQLite file, making it and its folder where they do not exist, or the database
        at a URL.

        Raises:
            StateError: it cannot be opened, or is not a state database.
        """
        url = url_of(place) if isinstance(place, Path) else normal(place)
        self.url = url
        self._database = Database(url)
        self.locks: Locks = _locks(self._database)
        self.jobs = Ledger(self._database)
        self.kept = KeptDocuments(self._database)
        self.pushed = PushedDocuments(self._database)

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    @contextmanager
    def only_one(self, index: str) -> Iterator[None]:
        """Keep every other re-index of an index out while the block runs.

        Raises:
            IndexBusyError: another one runs.
        """
        with self.locks.hold(f"{index}.reindexing", wait=False) as alone:
            if not alone:
                raise IndexBusyError(f"{index!r} is being re-indexed by another process")
            yield

    def builds(self) -> list[BuildRecord]:
        """All builds, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(_builds).order_by(_builds.c.started_at))
            return [BuildRecord(**row._mapping) for row in rows]

    def build(self, collection: str) -> BuildRecord:
        """The build of a collection.

        Raises:
            StateError: the state knows of none.
        """
        for build in self.builds():
            if build.collection == collection:
                return build
        raise StateError(f"nothing is known of how {collection} was built; re-index it in full")

    def save_build(self, build: BuildRecord) -> None:
        """Write a build's row, replacing the one of the same collection."""
        self._database.upsert(_builds, [asdict(build)])

    def forget_build(self, collection: str) -> None:
        """Delete a build's row and its manifest."""
        with self._database.writing() as connection:
            for table in (_builds, _documents):
                connection.execute(sa.delete(table).where(table.c.collection == collection))

    def manifest(self, collection: str) -> dict[str, Stored]:
        """What stands in a collection, by document id."""
        columns = (_documents.c.document_id, _documents.c.revision, _documents.c.chunks)
        query = sa.select(*columns).where(_documents.c.collection == collection)
        with self._database.reading() as connection:
            return {id_: Stored(rev, chunks) for id_, rev, chunks in connection.execute(query)}

    def stored(self, collection: str, document_id: str) -> Stored | None:
        """A document as it stands in a collection, None where it does not."""
        columns = (_documents.c.revision, _documents.c.chunks)
        where = (_documents.c.collection == collection, _documents.c.document_id == document_id)
        with self._database.reading() as connection:
            row = connection.execute(sa.select(*columns).where(*where)).first()
        return None if row is None else Stored(row.revision, row.chunks)

    def keep_only_listed(self, index: str, collection: str) -> None:
        """Keep the extracted text of no document but those that stand in a collection."""
        listed = sa.select(_documents.c.document_id).where(_documents.c.collection == collection)
        self.kept.forget_others(index, listed)

    def totals(self, collection: str) -> tuple[int, int]:
        """The number of documents and of chunks of a collection."""
        query = sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.sum(_documents.c.chunks), 0)
        ).where(_documents.c.collection == collection)
        with self._database.reading() as connection:
            documents, chunks = connection.execute(query).one()
        return int(documents), int(chunks)

    def save_documents(self, collection: str, documents: Mapping[str, Stored]) -> None:
        """Write manifest rows, replacing those of the same documents."""
        rows = [
            {"collection": collection, "document_id": id_, **asdict(stored)}
            for id_, stored in documents.items()
        ]
        self._database.upsert(_documents, rows)

    def forget_document(self, collection: str, document_id: str) -> None:
        """Delete a document's manifest row."""
        where = (_documents.c.collection == collection) & (_documents.c.document_id == document_id)
        with self._database.writing() as connection:
            connection.execute(sa.delete(_documents).where(where))

    def embeddings(self, model: str, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """The known vectors among `hashes`, as bytes of float32."""
        found: dict[bytes, bytes] = {}
        columns = (_embeddings.c.text_hash, _embeddings.c.vector)
        with self._database.reading() as connection:
            for start in range(0, len(hashes), IN_LIMIT):
                some = _embeddings.c.text_hash.in_(hashes[start : start + IN_LIMIT])
                query = sa.select(*columns).where((_embeddings.c.model == model) & some)
                found.update((row[0], row[1]) for row in connection.execute(query))
        return found

    def save_embeddings(self, model: str, vectors: Mapping[bytes, bytes]) -> None:
        """Keep vectors by the hash of their text."""
        rows = [
            {"model": model, "text_hash": text_hash, "vector": vector}
            for text_hash, vector in vectors.items()
        ]
        self._database.upsert(_embeddings, rows)


def _locks(database: Database) -> Locks:
    if database.is_sqlite:
        return FileLocks(Path(database.engine.url.database or "").parent / "locks")
    return PostgresLocks(database.engine)
