"""Locks by name that end with the process that holds them: files, or Postgres' advisory locks."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from indexers.database import translated


@dataclass(frozen=True)
class Held:
    """A lock that was asked for: whether it was got, and a look at whether it is held still."""

    got: bool
    still: Callable[[], bool] = lambda: True

    def __bool__(self) -> bool:
        return self.got


class Locks(Protocol):
    """Locks that every process over the same state shares."""

    def hold(
        self, name: str, *, shared: bool = False, wait: bool = True
    ) -> AbstractContextManager[Held]:
        """Hold a lock while the block runs, alone or beside others that share it.

        Only with `wait=False` may it be that it was not got. If the process dies, the system takes
        the lock back at once. Raises StateError where locks cannot be had.
        """
        ...

    def forget(self, name: str) -> None:
        """Remove what is left of a lock whose name nobody will use again."""
        ...


class FileLocks:
    """Locks of the processes of one machine: a locked file each (flock)."""

    def __init__(self, folder: Path) -> None:
        """Locks in a folder, which is made when the first one is held."""
        self._folder = folder

    @contextmanager
    def hold(self, name: str, *, shared: bool = False, wait: bool = True) -> Iterator[Held]:
        """See `Locks.hold`."""
        with translated():
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            with translated():
                got = _locked(handle, shared=shared, wait=wait)
            yield Held(got)
        finally:
            os.close(handle)

    def forget(self, name: str) -> None:
        """See `Locks.forget`."""
        with translated():
            (self._folder / f"{name}.lock").unlink(missing_ok=True)


class PostgresLocks:
    """Locks of every process that is connected to one Postgres: a session each."""

    def __init__(self, engine: sa.Engine) -> None:
        """Locks by connections to the same server, apart from the engine's pool."""
        # The server notices within half a minute that a machine has vanished with its locks.
        keepalives = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5}
        self._engine = sa.create_engine(
            engine.url,
            poolclass=sa.NullPool,
            connect_args={**keepalives, "keepalives_count": 3, "connect_timeout": 10},
        )

    @contextmanager
    def hold(self, name: str, *, shared: bool = False, wait: bool = True) -> Iterator[Held]:
        """See `Locks.hold`."""
        with translated():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            with translated():
                got = connection.execute(sa.text(_statement(shared, wait)), {"key": _key(name)})
                held = wait or bool(got.scalar())
            yield Held(held, lambda: _answers(connection))
        finally:
            # The server would notice a closed connection only some time later.
            with suppress(sa.exc.SQLAlchemyError):
                connection.execute(sa.text("SELECT pg_advisory_unlock_all()"))
            connection.close()

    def forget(self, name: str) -> None:
        """See `Locks.forget`; nothing is left of one."""


def _locked(handle: int, *, shared: bool, wait: bool) -> bool:
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(handle, mode if wait else mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _statement(shared: bool, wait: bool) -> str:
    function = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
    return f"SELECT {function}{'_shared' if shared else ''}(:key)"


def _answers(connection: sa.Connection) -> bool:
    try:
        connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return False
    return True


def _key(name: str) -> int:
    """64 bits of the name's hash: what Postgres takes for the name of a lock."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
