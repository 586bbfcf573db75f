"""The state database: what one process writes, the next one reads."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa

from indexers.errors import IndexBusyError, StateError
from indexers.state import BuildRecord, State, Stored
from tests.postgres import bare


@pytest.fixture
def state(database_url: str) -> Iterator[State]:
    made = State(database_url)
    yield made
    made.close()


def record(
    collection: str, started: str = "2026-01-01", finished: str | None = None
) -> BuildRecord:
    return BuildRecord(
        collection=collection,
        index="faqs",
        fingerprint="f",
        settings="{}",
        started_at=started,
        finished_at=finished,
    )


def test_builds_come_oldest_first_and_are_replaced_by_collection(state: State) -> None:
    state.save_build(record("b", "2026-02-01"))
    state.save_build(record("a", "2026-03-01"))
    state.save_build(record("b", "2026-02-01", "2026-02-02"))
    assert state.builds() == [record("b", "2026-02-01", "2026-02-02"), record("a", "2026-03-01")]


def test_a_manifest_belongs_to_its_collection(state: State) -> None:
    state.save_documents("one", {"a": Stored("1", 2), "é ñ/'x'": Stored("1", 3)})
    state.save_documents("two", {"a": Stored("9", 9)})
    state.save_documents("one", {"a": Stored("2", 4)})
    assert state.manifest("one") == {"a": Stored("2", 4), "é ñ/'x'": Stored("1", 3)}
    assert state.totals("one") == (2, 7)
    state.forget_document("one", "a")
    assert state.totals("one") == (1, 3)
    assert state.totals("none") == (0, 0)


def test_forgetting_a_build_forgets_its_manifest(state: State) -> None:
    state.save_build(record("one"))
    state.save_documents("one", {"a": Stored("1", 2)})
    state.save_documents("two", {"a": Stored("1", 2)})
    state.forget_build("one")
    assert state.builds() == []
    assert state.manifest("one") == {}
    assert state.totals("two") == (1, 2)


def test_embeddings_are_kept_by_model_and_text(state: State) -> None:
    many = {number.to_bytes(4, "big"): bytes([number % 256]) for number in range(2000)}
    state.save_embeddings("m", many)
    assert state.embeddings("m", list(many)) == many
    assert state.embeddings("m", [b"none", *list(many)[:1]]) == {b"\0\0\0\0": b"\0"}
    assert state.embeddings("other", list(many)) == {}
    assert state.embeddings("m", []) == {}


def test_what_was_written_outlives_the_process(database_url: str) -> None:
    first = State(database_url)
    first.save_build(record("one"))
    first.close()
    second = State(database_url)
    assert second.builds() == [record("one")]
    second.close()


def test_two_processes_and_threads_write_at_once(state: State) -> None:
    other = State(state.url)

    def write(to: State, name: str) -> None:
        for number in range(50):
            to.save_documents(name, {str(number): Stored("1", 1)})

    writers = [(state, "a"), (state, "b"), (other, "c"), (other, "d")]
    threads = [Thread(target=write, args=writer) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [state.totals(name) for name in "abcd"] == [(50, 50)] * 4
    other.close()


def test_a_reader_does_not_wait_for_a_writer(state: State) -> None:
    state.save_build(record("one"))
    with bare(state.url) as writer:
        writer.execute(sa.text("DELETE FROM builds"))
        assert state.builds() == [record("one")]
    assert state.builds() == []


def test_a_file_is_made_with_its_folder(tmp_path: Path) -> None:
    state = State(tmp_path / "deep" / "passages.db")
    state.save_build(record("one"))
    assert state.builds() == [record("one")]
    state.close()


def test_one_at_a_time_re_indexes_an_index(state: State) -> None:
    other = State(state.url)
    with state.only_one("faqs"):
        with pytest.raises(IndexBusyError, match="'faqs' is being"), other.only_one("faqs"):
            pass
        with other.only_one("articles"):
            pass
    with other.only_one("faqs"):
        pass
    other.close()


@pytest.mark.parametrize("text", [b"this is no database at all" * 100])
def test_a_file_that_is_no_database_is_said(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "passages.db").write_bytes(text)
    with pytest.raises(StateError, match="the state database: file is not a database"):
        State(tmp_path / "passages.db")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StateError, match=r"the state database: .*file"):
        State(tmp_path / "file" / "passages.db")
