"""The database of the gateway's money on both of its kinds: made once, and clear when it fails."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from generation.errors import LedgerError
from generation.money.ledger import Ledger, budgets, metadata
from tests.postgres import Postgres, bare, end_sessions

AT_ONCE = 8
ROW = {"scope": "total", "use_case": "", "tenant": "", "period": "2026", "taken": 1}


@contextmanager
def opened(url: str, wait_s: float = 5.0) -> Iterator[Ledger]:
    ledger = Ledger(url, wait_s=wait_s)
    try:
        yield ledger
    finally:
        ledger.close()


def rows(ledger: Ledger) -> int:
    with ledger.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(budgets)).scalar_one())


def add(ledger: Ledger) -> None:
    with ledger.writing() as connection:
        connection.execute(sa.insert(budgets).values(ROW))


def test_the_tables_are_made_beside_those_of_others(database_url: str) -> None:
    with bare(database_url) as connection:
        connection.execute(sa.text("CREATE TABLE jobs (id VARCHAR PRIMARY KEY)"))
    with opened(database_url), bare(database_url) as connection:
        assert set(sa.inspect(connection).get_table_names()) == {"jobs", *metadata.tables}


def test_what_is_there_is_kept(database_url: str) -> None:
    with opened(database_url) as ledger:
        add(ledger)
    with opened(database_url) as ledger:
        assert rows(ledger) == 1


def test_several_processes_may_be_the_first_to_open_it(database_url: str) -> None:
    barrier = Barrier(AT_ONCE)

    def open_it(_: int) -> int:
        barrier.wait()
        with opened(database_url) as ledger:
            return rows(ledger)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(open_it, range(AT_ONCE))) == [0] * AT_ONCE


def test_a_transaction_is_written_whole_or_not_at_all(database_url: str) -> None:
    def add_twice(ledger: Ledger) -> None:
        with ledger.writing() as connection:
            for _ in range(2):
                connection.execute(sa.insert(budgets).values(ROW))

    with opened(database_url) as ledger:
        with pytest.raises(LedgerError, match=r"the ledger .*(UNIQUE|unique)"):
            add_twice(ledger)
        assert rows(ledger) == 0


def test_sqlite_keeps_a_log_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "passages.db"
    with opened(f"sqlite:///{path}") as ledger, ledger.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1  # NORMAL


def test_a_locked_file_is_said_and_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    path = tmp_path / "passages.db"
    with opened(f"sqlite:///{path}", wait_s=0.1) as ledger:
        other = sqlite3.connect(path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerError, match=r"passages.db: database is locked"):
                add(ledger)
            assert rows(ledger) == 0  # Who reads does not wait.
        finally:
            other.close()
        add(ledger)


def test_a_locked_table_is_said_and_waited_for_no_longer_than_asked(postgres_url: str) -> None:
    with opened(postgres_url, wait_s=0.1) as ledger:
        with bare(postgres_url) as other:
            other.execute(sa.text("LOCK TABLE gateway_budgets"))
            with pytest.raises(LedgerError, match="lock timeout"):
                add(ledger)
        add(ledger)


def test_a_server_that_was_restarted_is_asked_again(postgres_url: str) -> None:
    with opened(postgres_url) as ledger:
        add(ledger)
        end_sessions(postgres_url)
        assert rows(ledger) == 1


def test_a_database_that_is_gone_is_said_without_its_password(postgres: Postgres) -> None:
    with postgres.database() as url:
        address = sa.make_url(url)
        secret = address.set(password="secret").render_as_string(hide_password=False)
        with opened(secret) as ledger:
            postgres.execute(f"DROP DATABASE {address.database} WITH (FORCE)")
            with pytest.raises(LedgerError, match=r"ledger postgresql.*does not exist") as caught:
                add(ledger)
            assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(LedgerError, match=r"the ledger postgresql://127.0.0.1:1/none: .*refused"):
        Ledger("postgres://127.0.0.1:1/none")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "the ledger is a file"),
        ("sqlite:///:memory:", "the ledger is a file"),
        ("mysql://somewhere/x", "not mysql://"),
        ("passages.db", "the ledger: "),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, said: str) -> None:
    with pytest.raises(LedgerError, match=said):
        Ledger(url)


def test_a_file_that_cannot_be_made_or_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("not a database, and long enough to be seen as none" * 10)
    for name in ("taken", "taken/passages.db", "."):
        with pytest.raises(LedgerError, match="the ledger sqlite"):
            Ledger(f"sqlite:///{tmp_path / name}")
