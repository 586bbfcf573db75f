"""A SQLite file that several processes open in the same moment."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from generation.sqlite_file import tune

AT_ONCE = 8


def test_several_may_be_the_first_to_let_readers_go_on(tmp_path: Path) -> None:
    def opened(path: Path, barrier: Barrier) -> str:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            barrier.wait()
            tune(connection)
            return str(connection.execute("PRAGMA journal_mode").fetchone()[0])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(60):
            path, barrier = tmp_path / f"{number}.db", Barrier(AT_ONCE)
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("CREATE TABLE one (two)")
            found = pool.map(opened, [path] * AT_ONCE, [barrier] * AT_ONCE)
            assert list(found) == ["wal"] * AT_ONCE


def test_what_is_no_database_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database " * 99)
    with (
        closing(sqlite3.connect(tmp_path / "notes.txt")) as connection,
        pytest.raises(sqlite3.DatabaseError, match="not a database"),
    ):
        tune(connection)
