"""What indexing remembers between runs: builds, the manifest of each, and embeddings by text."""

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from indexers.errors import IndexBusyError, StateError

_metadata = sa.MetaData()

_builds = sa.Table(
    "builds",
    _metadata,
    sa.Column("collection", sa.String, primary_key=True),
    sa.Column("index", sa.String, nullable=False),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("settings", sa.String, nullable=False),
    sa.Column("started_at", sa.String, nullable=False),
    sa.Column("finished_at", sa.String),
)

_documents = sa.Table(
    "documents",
    _metadata,
    sa.Column("collection", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("revision", sa.String, nullable=False),
    sa.Column("chunks", sa.Integer, nullable=False),
)

_embeddings = sa.Table(
    "embeddings",
    _metadata,
    sa.Column("model", sa.String, primary_key=True),
    sa.Column("text_hash", sa.LargeBinary, primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),
)

PENDING = ""
"""The revision of a document whose chunks are being written: equal to none that a source gives."""

_IN_LIMIT = 500  # Values in one IN list: SQLite of old takes no more than 999 parameters.


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """One collection's history. `settings` is the canonical JSON of its IndexBuild; times are
    ISO 8601 in UTC, `finished_at` is None until the index was switched to it for the first time.
    """

    collection: str
    index: str
    fingerprint: str
    settings: str
    started_at: str
    finished_at: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it stands in a collection."""

    revision: str
    chunks: int


class State:
    """The state database, in a SQLite file; safe for threads and several processes.

    Every method raises StateError where the database cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, making it and its folder where they do not exist.

        Raises:
            StateError: it cannot be opened, or is not a state database.
        """
        self._path = path
        with _translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
            sa.event.listen(self._engine, "connect", _tune)
            _metadata.create_all(self._engine)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def only_one(self, index: str) -> Iterator[None]:
        """Keep every other re-index of an index out while the block runs; the lock is a file
        beside the database, which the system releases if the process dies.

        Raises:
            IndexBusyError: another one runs.
        """
        path = self._path.with_name(f"{index}.reindexing")
        with _translated():
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(handle, index)
            yield
        finally:
            os.close(handle)

    def builds(self) -> list[BuildRecord]:
        """All builds, oldest first."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(_builds).order_by(_builds.c.started_at))
            return [BuildRecord(**row._mapping) for row in rows]

    def save_build(self, build: BuildRecord) -> None:
        """Write a build's row, replacing the one of the same collection."""
        self._upsert(_builds, [asdict(build)])

    def forget_build(self, collection: str) -> None:
        """Delete a build's row and its manifest."""
        with self._writing() as connection:
            for table in (_builds, _documents):
                connection.execute(sa.delete(table).where(table.c.collection == collection))

    def manifest(self, collection: str) -> dict[str, Stored]:
        """What stands in a collection, by document id."""
        columns = (_documents.c.document_id, _documents.c.revision, _documents.c.chunks)
        query = sa.select(*columns).where(_documents.c.collection == collection)
        with self._reading() as connection:
            return {id_: Stored(rev, chunks) for id_, rev, chunks in connection.execute(query)}

    def totals(self, collection: str) -> tuple[int, int]:
        """The number of documents and of chunks of a collection."""
        query = sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.sum(_documents.c.chunks), 0)
        ).where(_documents.c.collection == collection)
        with self._reading() as connection:
            documents, chunks = connection.execute(query).one()
        return int(documents), int(chunks)

    def save_documents(self, collection: str, documents: Mapping[str, Stored]) -> None:
        """Write manifest rows, replacing those of the same documents."""
        rows = [
            {"collection": collection, "document_id": id_, **asdict(stored)}
            for id_, stored in documents.items()
        ]
        self._upsert(_documents, rows)

    def forget_document(self, collection: str, document_id: str) -> None:
        """Delete a document's manifest row."""
        where = (_documents.c.collection == collection) & (_documents.c.document_id == document_id)
        with self._writing() as connection:
            connection.execute(sa.delete(_documents).where(where))

    def embeddings(self, model: str, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """The known vectors among `hashes`, as bytes of float32."""
        found: dict[bytes, bytes] = {}
        columns = (_embeddings.c.text_hash, _embeddings.c.vector)
        with self._reading() as connection:
            for start in range(0, len(hashes), _IN_LIMIT):
                some = _embeddings.c.text_hash.in_(hashes[start : start + _IN_LIMIT])
                query = sa.select(*columns).where((_embeddings.c.model == model) & some)
                found.update((row[0], row[1]) for row in connection.execute(query))
        return found

    def save_embeddings(self, model: str, vectors: Mapping[bytes, bytes]) -> None:
        """Keep vectors by the hash of their text."""
        rows = [
            {"model": model, "text_hash": text_hash, "vector": vector}
            for text_hash, vector in vectors.items()
        ]
        self._upsert(_embeddings, rows)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with _translated(), self._engine.begin() as connection:
            yield connection

    def _upsert(self, table: sa.Table, rows: Iterable[Mapping[str, object]]) -> None:
        values = [dict(row) for row in rows]
        if not values:
            return
        statement = insert(table)
        keys = {column.name for column in table.primary_key}
        changed = {c.name: statement.excluded[c.name] for c in table.columns if c.name not in keys}
        with self._writing() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=sorted(keys), set_=changed), values
            )


def _lock(handle: int, index: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise IndexBusyError(f"{index!r} is being re-indexed by another process") from exc


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sa.exc.SQLAlchemyError, OSError) as exc:
        raise StateError(f"the state database: {getattr(exc, 'orig', None) or exc}") from exc


def _tune(connection: "sa.engine.interfaces.DBAPIConnection", _: object) -> None:
    cursor = connection.cursor()
    # Readers go on while one writes; a crash of the process loses no committed transaction.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
