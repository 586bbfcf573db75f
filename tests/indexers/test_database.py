"""The state database on both of its kinds: what is made, what is mended, what is said."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from indexers.database import IN_LIMIT, Database, metadata, url_of
from indexers.errors import IndexersError, StateError, TakenError
from indexers.state import BuildRecord, State, Stored
from tests.postgres import Postgres, bare, end_sessions

BUILDS = metadata.tables["builds"]
ROW = {
    "collection": "faqs-1",
    "index": "faqs",
    "fingerprint": "f",
    "settings": "{}",
    "started_at": "2026-01-01",
}
OLD_BUILDS = """CREATE TABLE builds (
    collection VARCHAR PRIMARY KEY, "index" VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL,
    settings VARCHAR NOT NULL, started_at VARCHAR NOT NULL, finished_at VARCHAR)"""
AT_ONCE = 8


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


def collections(database: Database) -> list[str]:
    with database.reading() as connection:
        return sorted(connection.scalars(sa.select(BUILDS.c.collection)))


def test_tables_are_made_where_there_are_none(database: Database, database_url: str) -> None:
    with bare(database_url) as connection:
        assert set(sa.inspect(connection).get_table_names()) == set(metadata.tables)


def test_only_a_unique_key_is_taken(database: Database) -> None:
    """Who finds it taken may look for who has it, and try again; nobody has what is missing."""
    with database.writing() as connection:
        connection.execute(sa.insert(BUILDS), ROW)
    with pytest.raises(TakenError), database.writing() as connection:
        connection.execute(sa.insert(BUILDS), ROW)
    without = {**ROW, "collection": "faqs-2", "index": None}
    with pytest.raises(StateError) as caught, database.writing() as connection:
        connection.execute(sa.insert(BUILDS), without)
    assert not isinstance(caught.value, TakenError)


def test_an_older_database_gets_its_missing_tables_and_columns(database_url: str) -> None:
    with bare(database_url) as connection:
        connection.execute(sa.text(OLD_BUILDS))
        connection.execute(
            sa.text("INSERT INTO builds VALUES ('faqs-1', 'faqs', 'f', '{}', '2026-01-01', NULL)")
        )
    state = State(database_url)
    assert state.builds() == [BuildRecord(**ROW)]
    switched = BuildRecord(**ROW, switched_at="2026-01-02")
    state.save_build(switched)
    state.save_documents("faqs-1", {"a": Stored("1", 1)})
    assert state.builds() == [switched]
    assert state.totals("faqs-1") == (1, 1)
    state.close()


def test_a_database_of_today_is_left_as_it_is(database_url: str) -> None:
    first = State(database_url)
    first.save_build(BuildRecord(**ROW))
    first.close()
    second = State(database_url)
    assert second.builds() == [BuildRecord(**ROW)]
    second.close()


def opened_at_once(url: str) -> list[str]:
    """What went wrong when several opened a database in the same moment."""
    barrier = Barrier(AT_ONCE)

    def open_it(_: int) -> str:
        barrier.wait()
        try:
            Database(url).close()
        except IndexersError as exc:
            return str(exc)
        return ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [said for said in pool.map(open_it, range(AT_ONCE)) if said]


def test_several_processes_may_be_the_first_to_open_it(database_url: str) -> None:
    assert opened_at_once(database_url) == []


def test_several_processes_may_find_an_older_one(database_url: str) -> None:
    with bare(database_url) as connection:
        metadata.create_all(connection)
        connection.execute(sa.text("DROP TABLE builds"))
        connection.execute(sa.text(OLD_BUILDS))
    assert opened_at_once(database_url) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/passages", "is a postgresql:// or sqlite:/// address, not mysql://"),
        ("sqlite+aiosqlite:///passages.db", "address, not sqlite[+]aiosqlite://"),
        ("no address", "the state database: .*parse.* URL"),
        ("", "the state database: .*parse.* URL"),
    ],
)
def test_another_kind_of_address_is_refused(url: str, said: str) -> None:
    with pytest.raises(StateError, match=said):
        Database(url)


def test_the_short_name_of_postgres_is_understood(postgres_url: str) -> None:
    database = Database(postgres_url.replace("postgresql://", "postgres://"))
    assert not database.is_sqlite
    database.close()


def test_a_key_that_is_taken_is_told_from_other_failures(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(sa.insert(BUILDS), ROW)
    with (
        pytest.raises(TakenError, match=r"the state database: .*(UNIQUE|unique)"),
        database.writing() as connection,
    ):
        connection.execute(sa.insert(BUILDS), ROW)
    with (
        pytest.raises(StateError, match=r"the state database: .*nowhere") as failed,
        database.reading() as connection,
    ):
        connection.execute(sa.text("SELECT * FROM nowhere"))
    assert not isinstance(failed.value, TakenError)


def test_all_of_a_transaction_is_written_or_nothing(database: Database) -> None:
    def twice() -> None:
        with database.writing() as connection:
            database.upsert(BUILDS, [ROW], connection)
            connection.execute(sa.insert(BUILDS), ROW)

    with pytest.raises(TakenError):
        twice()
    assert collections(database) == []


def test_upsert_replaces_rows_of_the_same_key(database: Database) -> None:
    database.upsert(BUILDS, [{**ROW, "fingerprint": "old"}, {**ROW, "collection": "faqs-2"}])
    database.upsert(BUILDS, iter([ROW]))
    database.upsert(BUILDS, [])
    with database.reading() as connection:
        query = sa.select(BUILDS.c.collection, BUILDS.c.fingerprint).order_by(BUILDS.c.collection)
        assert [tuple(row) for row in connection.execute(query)] == [
            ("faqs-1", "f"),
            ("faqs-2", "f"),
        ]


def test_more_values_than_fit_one_list_are_written_at_once(database: Database) -> None:
    names = [f"{number:05}" for number in range(3 * IN_LIMIT)]
    database.upsert(BUILDS, ({**ROW, "collection": name} for name in names))
    assert collections(database) == names


def test_a_path_that_is_a_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="the state database: unable to open database file"):
        Database(url_of(tmp_path))


def test_a_file_that_turns_into_something_else_is_said(tmp_path: Path) -> None:
    database = Database(url_of(tmp_path / "passages.db"))
    database.close()
    for file in tmp_path.iterdir():
        file.write_bytes(b"no database any more " * 1000)
    with pytest.raises(StateError, match="the state database: file is not a database"):
        collections(database)
    database.close()


def test_a_table_that_somebody_dropped_is_said(database: Database, database_url: str) -> None:
    with bare(database_url) as connection:
        connection.execute(sa.text("DROP TABLE builds"))
    with pytest.raises(StateError, match=r"the state database: .*builds"):
        collections(database)


def test_a_postgres_that_does_not_answer_is_said(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"the state database: .*[Cc]onnection"):
        Database(f"postgresql://somebody@/passages?host={tmp_path}")


def test_a_postgres_database_that_is_not_there_is_said(postgres: Postgres) -> None:
    url = sa.make_url(postgres.url).set(database="elsewhere")
    with pytest.raises(StateError, match='database "elsewhere" does not exist'):
        Database(url.render_as_string(hide_password=False))


def test_a_postgres_database_that_is_gone_is_said(postgres: Postgres) -> None:
    with postgres.database() as url:
        database = Database(url)
        assert collections(database) == []
    with pytest.raises(StateError, match=r"the state database: .*does not exist"):
        collections(database)
    database.close()


def test_a_postgres_that_was_restarted_costs_no_error(postgres_url: str) -> None:
    database = Database(postgres_url)
    database.upsert(BUILDS, [ROW])
    end_sessions(postgres_url)
    assert collections(database) == ["faqs-1"]
    database.close()
