"""Locks by name: alone, shared, and gone with the process that held them."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from indexers.errors import StateError
from indexers.locks import FileLocks, Locks
from indexers.state import State
from tests.acceptance.commands import environment
from tests.postgres import Postgres, end_sessions

LIMIT_S = 20
"""Far more than any of this takes."""

MOMENT_S = 0.1

HOLDER = """
import sys
from indexers.state import State
with State(sys.argv[1]).locks.hold("a", shared=sys.argv[2] == "shared"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def mine(database_url: str) -> Iterator[Locks]:
    state = State(database_url)
    yield state.locks
    state.close()


@pytest.fixture
def others(database_url: str) -> Iterator[Locks]:
    """The locks of another process over the same state."""
    state = State(database_url)
    yield state.locks
    state.close()


def can_have(locks: Locks, name: str = "a", *, shared: bool = False) -> bool:
    with locks.hold(name, shared=shared, wait=False) as held:
        return bool(held)


def test_a_lock_is_held_by_one_at_a_time(mine: Locks, others: Locks) -> None:
    with mine.hold("a") as held:
        assert held
        assert not can_have(others)
        assert not can_have(mine), "nor by another thread of the same process"
    assert can_have(others)


def test_a_look_at_a_lock_that_is_taken_does_not_release_it(mine: Locks, others: Locks) -> None:
    with mine.hold("a"):
        assert not can_have(others)
        assert not can_have(others)


def test_a_lock_that_was_given_back_can_be_had_at_once(mine: Locks, others: Locks) -> None:
    for _ in range(50):
        with mine.hold("a"):
            pass
        assert can_have(others)


def test_locks_of_other_names_are_others(mine: Locks, others: Locks) -> None:
    with mine.hold("a"), mine.hold("b"):
        assert can_have(others, "c")
        assert not can_have(others, "b")
    assert can_have(others, "b")


def test_a_shared_lock_keeps_out_who_wants_it_alone(mine: Locks, others: Locks) -> None:
    with mine.hold("a", shared=True) as first, others.hold("a", shared=True) as second:
        assert first
        assert second
        assert not can_have(others)
    assert can_have(others)


def test_a_lock_held_alone_keeps_out_who_would_share_it(mine: Locks, others: Locks) -> None:
    with mine.hold("a"):
        assert not can_have(others, shared=True)
    assert can_have(others, shared=True)


def test_a_lock_is_given_back_when_the_block_fails(mine: Locks, others: Locks) -> None:
    with pytest.raises(KeyError), mine.hold("a"):
        raise KeyError
    assert can_have(others)


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "shared"])
def test_who_waits_gets_the_lock_when_it_is_given_back(
    mine: Locks, others: Locks, shared: bool
) -> None:
    got = Event()

    def wait() -> None:
        with others.hold("a", shared=shared) as held:
            assert held
            got.set()

    with ThreadPoolExecutor(1) as pool:
        with mine.hold("a"):
            waiting = pool.submit(wait)
            assert not got.wait(MOMENT_S)
        waiting.result(LIMIT_S)


@contextmanager
def holding_process(url: str, mode: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the lock `a` until it is ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, mode],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("mode", ["alone", "shared"])
def test_a_process_that_is_killed_holds_nothing(database_url: str, mine: Locks, mode: str) -> None:
    with holding_process(database_url, mode) as process:
        assert not can_have(mine)
        assert can_have(mine, shared=True) is (mode == "shared")
        process.kill()
        process.wait(LIMIT_S)
        with ThreadPoolExecutor(1) as pool:
            # The server of Postgres notices it a moment later, so this one waits.
            assert pool.submit(hold_once, mine).result(LIMIT_S)


def hold_once(locks: Locks) -> bool:
    with locks.hold("a") as held:
        return bool(held)


def test_a_lock_that_is_held_is_held_still(mine: Locks) -> None:
    with mine.hold("a") as held:
        assert held.still()
        assert held.still()


def test_a_lock_that_was_forgotten_can_be_had_again(mine: Locks, others: Locks) -> None:
    assert can_have(mine)
    mine.forget("a")
    mine.forget("a")
    mine.forget("never held")
    with mine.hold("a"):
        assert not can_have(others)


def test_a_file_lock_that_is_forgotten_leaves_no_file(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path / "locks")
    assert can_have(locks, "a")
    assert can_have(locks, "b")
    locks.forget("a")
    assert [file.name for file in (tmp_path / "locks").iterdir()] == ["b.lock"]


def test_a_folder_for_locks_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("in the way")
    with pytest.raises(StateError, match=r"the state database: .*locks"):
        can_have(FileLocks(tmp_path / "locks"))


@pytest.fixture
def postgres_locks(postgres_url: str) -> Iterator[Locks]:
    state = State(postgres_url)
    yield state.locks
    state.close()


def test_a_lock_whose_session_the_server_ended_is_not_held(
    postgres_url: str, postgres_locks: Locks
) -> None:
    with postgres_locks.hold("a") as held:
        assert held.still()
        end_sessions(postgres_url)
        assert not held.still()
        assert not held.still(), "nor does it come back by itself"
        assert can_have(postgres_locks), "the server gave it back"
    with postgres_locks.hold("a") as again:
        assert again.still()


def test_who_waits_hears_that_the_server_ended_the_session(
    postgres_url: str, postgres_locks: Locks
) -> None:
    def wait() -> None:
        with postgres_locks.hold("a"):
            raise AssertionError("nobody has given it back")

    with ThreadPoolExecutor(1) as pool, postgres_locks.hold("a"):
        waiting = pool.submit(wait)
        while not waiting.done():  # Until that session has come.
            end_sessions(postgres_url, "wait_event_type = 'Lock'")
        with pytest.raises(StateError, match="the state database: "):
            waiting.result(LIMIT_S)


def test_locks_of_a_postgres_that_is_gone_are_said(postgres: Postgres) -> None:
    with postgres.database() as url:
        state = State(url)
    with pytest.raises(StateError, match=r"the state database: .*does not exist"):
        can_have(state.locks)
    state.close()


def test_databases_of_one_server_have_locks_of_their_own(postgres: Postgres) -> None:
    with postgres.database() as one, postgres.database() as two:
        first, second = State(one), State(two)
        with first.locks.hold("a"):
            assert can_have(second.locks)
        first.close()
        second.close()
