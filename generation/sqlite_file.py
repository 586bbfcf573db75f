"""A SQLite file that several processes read and write; also the one that jobs are kept in."""

import sqlite3
import time

_LIMIT_S = 30.0


def tune(connection: sqlite3.Connection, _: object = None) -> None:
    """Let readers go on while one writes (https://sqlite.org/wal.html); a crash of the process
    loses no committed transaction. As SQLAlchemy's `connect` event calls it.

    Raises:
        sqlite3.Error: it is no database, or others kept it busy for 30 s.
    """
    end = time.monotonic() + _LIMIT_S
    while not _written_ahead(connection, last=time.monotonic() > end):
        time.sleep(0.01)
    connection.execute("PRAGMA synchronous=NORMAL")


def _written_ahead(connection: sqlite3.Connection, *, last: bool) -> bool:
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as exc:
        # Where several change the mode at the same moment SQLite does not wait, as it does
        # everywhere else.
        if last or exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
