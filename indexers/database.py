"""The database that indexing keeps its notes in: a SQLite file, or Postgres by DATABASE_URL."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from generation.sqlite_file import tune
from indexers.errors import StateError, TakenError

metadata = sa.MetaData()
"""Every table; the modules that own them add them when they are imported."""

IN_LIMIT = 500
"""Values in one IN list: SQLite of old takes no more than 999 parameters."""

_CONNECT_TIMEOUT_S = 10
_BUSY_TIMEOUT_S = 30


def url_of(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path}"


def normal(url: str) -> str:
    """A database's URL as every library here reads it."""
    return (
        f"postgresql://{url.removeprefix('postgres://')}" if url.startswith("postgres://") else url
    )


class Database:
    """Connections to one database; safe for threads, and for several processes.

    Every method raises StateError where the database cannot be read or written.
    """

    def __init__(self, url: str) -> None:
        """Connect, and make the tables that are missing, or their columns.

        Raises:
            StateError: it cannot be opened, or is not such a database.
        """
        with translated():
            self.engine = _engine(url)
        try:
            with translated(), self.engine.begin() as connection:
                # Several processes may start at once on an empty database.
                connection.exec_driver_sql("BEGIN IMMEDIATE" if self.is_sqlite else _ALONE)
                metadata.create_all(connection)
                _add_columns(connection)
        except StateError:
            self.engine.dispose()
            raise

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file on this machine."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that only reads."""
        with translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction: all of the block is written, or nothing."""
        with translated(), self.engine.begin() as connection:
            yield connection

    def upsert(
        self,
        table: sa.Table,
        rows: Iterable[Mapping[str, Any]],
        connection: sa.Connection | None = None,
    ) -> None:
        """Write rows, replacing those of the same primary key; in a transaction that is under way,
        or in one of their own."""
        values = [dict(row) for row in rows]
        if not values:
            return
        keys = {column.name for column in table.primary_key}
        insert: Any = (sqlite if self.is_sqlite else postgresql).insert(table)
        changed = {name: insert.excluded[name] for name in values[0] if name not in keys}
        statement = insert.on_conflict_do_update(index_elements=sorted(keys), set_=changed)
        if connection is not None:
            connection.execute(statement, values)
            return
        with self.writing() as own:
            own.execute(statement, values)


@contextmanager
def translated() -> Iterator[None]:
    """Raise what the database says as a StateError, a unique key that is taken as TakenError."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, OSError) as exc:
        said = str(getattr(exc, "orig", None) or exc).strip()
        kind = TakenError if _is_taken(exc) else StateError
        raise kind(f"the state database: {said}") from exc


def _is_taken(exc: Exception) -> bool:
    """Whether it is a unique key, and no other constraint, that a row does not keep."""
    if not isinstance(exc, sa.exc.IntegrityError):
        return False
    code = getattr(exc.orig, "sqlite_errorname", None) or getattr(exc.orig, "sqlstate", None)
    return code in _TAKEN


_TAKEN = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505")
"""What SQLite calls it (sqlite3.h), and Postgres (its Appendix A)."""


def _engine(url: str) -> sa.Engine:
    address = sa.make_url(url)
    if address.drivername == "sqlite":
        Path(address.database or "").parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(address, connect_args={"timeout": _BUSY_TIMEOUT_S})
        sa.event.listen(engine, "connect", tune)
        return engine
    if not address.drivername.startswith("postgres"):
        raise StateError(
            f"DATABASE_URL is a postgresql:// or sqlite:/// address, not {address.drivername}://"
        )
    return sa.create_engine(
        address.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,  # A server that was restarted costs a reconnection, not an error.
        connect_args={"connect_timeout": _CONNECT_TIMEOUT_S},
    )


_ALONE = "SELECT pg_advisory_xact_lock(7201938465)"


def _add_columns(connection: sa.Connection) -> None:
    """Give tables of an earlier version the columns that have come since; all of them may be
    null."""
    seen = sa.inspect(connection)
    for table in metadata.sorted_tables:
        there = {column["name"] for column in seen.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                kind = column.type.compile(connection.dialect)
                added = f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {kind}'
                connection.exec_driver_sql(added)
