"""The database of the gateway's money: a SQLite file, or Postgres; it may be the jobs' database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from generation.errors import LedgerError
from generation.sqlite_file import tune

metadata = sa.MetaData()

budgets = sa.Table(
    "gateway_budgets",
    metadata,
    sa.Column("scope", sa.String, primary_key=True),
    sa.Column("use_case", sa.String, primary_key=True),
    sa.Column("tenant", sa.String, primary_key=True),
    sa.Column("period", sa.String, primary_key=True),
    sa.Column("taken", sa.BigInteger, nullable=False),
    sa.Column("warned", sa.Boolean, nullable=False, default=False),
)
"""What processes have taken of each budget, in nano-dollars: spent, or set aside for calls.
`period` is a day (2026-11-25) or a month (2026-11) of UTC; parts that a scope does not go by are
empty. `warned`: a process has logged that the budget is nearly used up."""

costs = sa.Table(
    "gateway_costs",
    metadata,
    *(
        sa.Column(name, sa.String, primary_key=True)
        for name in ("day", "use_case", "tenant", "model", "region", "tier", "target", "profile")
    ),
    *(
        sa.Column(name, sa.BigInteger, nullable=False)
        for name in ("calls", "attempts", "input", "output", "cache_read", "cache_write", "nano")
    ),
)
"""What was called and what it cost, summed by day of UTC and by everything else that is named."""

_ALONE = "SELECT pg_advisory_xact_lock(7201938466)"


class Ledger:
    """Connections to the database; safe for threads, and for several processes.

    Every method raises LedgerError where the database cannot be read or written.
    """

    def __init__(self, url: str, *, wait_s: float = 5.0) -> None:
        """Connect, and make the tables that are missing. Nothing waits longer than `wait_s` for a
        lock or a connection.

        Raises:
            LedgerError: it cannot be opened, or is no such database.
        """
        with _translated("the ledger"):
            address = sa.make_url(_normal(url))
        self._name = f"the ledger {address.render_as_string(hide_password=True)}"
        with _translated(self._name):
            self._engine = _engine(address, wait_s)
        try:
            # Several processes may start at once on an empty database.
            with self.writing() as connection:
                if not self._is_sqlite:
                    connection.exec_driver_sql(_ALONE)
                metadata.create_all(connection)
        except LedgerError:
            self._engine.dispose()
            raise

    @property
    def _is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection that only reads."""
        with _translated(self._name), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction: all of the block is written, or nothing."""
        with _translated(self._name), self._engine.begin() as connection:
            if self._is_sqlite:
                # Waits for whoever writes; a lock that is asked for later may be refused at once.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def insert(self, table: sa.Table) -> Any:
        """An INSERT that knows ON CONFLICT, in the database's dialect."""
        return (sqlite if self._is_sqlite else postgresql).insert(table)


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except (sa.exc.SQLAlchemyError, OSError) as exc:
        said = str(getattr(exc, "orig", None) or exc).strip()
        raise LedgerError(f"{name}: {said}") from exc


def _normal(url: str) -> str:
    prefix = "postgres://"
    return f"postgresql://{url.removeprefix(prefix)}" if url.startswith(prefix) else url


def _engine(address: sa.URL, wait_s: float) -> sa.Engine:
    if address.drivername == "sqlite":
        if not address.database or ":memory:" in address.database:
            raise LedgerError("the ledger is a file, as in sqlite:///data/passages.db, or Postgres")
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(address, connect_args={"timeout": wait_s})
        sa.event.listen(engine, "connect", tune)
        return engine
    if not address.drivername.startswith("postgres"):
        raise LedgerError(
            f"the ledger is a postgresql:// or sqlite:/// address, not {address.drivername}://"
        )
    return sa.create_engine(
        address.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,  # A server that was restarted costs a reconnection, not an error.
        pool_timeout=wait_s,
        connect_args={
            "connect_timeout": max(2, round(wait_s)),  # libpq takes no less.
            "tcp_user_timeout": round(wait_s * 1000),
            "options": f"-c lock_timeout={round(wait_s * 1000)}",
        },
    )
