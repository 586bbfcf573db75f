"""Records read from their files."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from generation.errors import RecordsError
from generation.records.files import files_in
from generation.records.reader import read_records
from generation.records.writer import RecordWriter
from tests.generation.records.samples import NOON, call

HOUR = timedelta(hours=1)


def write(folder: Path, time: datetime, **changes: Any) -> None:
    """Write a call that began at a time, and took an hour."""
    with RecordWriter(folder, keep_days=999, now=lambda: time + HOUR) as writer:
        writer.write(call(time=time, **changes))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three days with a call each, `a` to `c`; `c` goes on past midnight."""
    write(tmp_path, NOON - timedelta(days=1), call_id="a")
    write(tmp_path, NOON, call_id="b", use_case="judge")
    write(tmp_path, datetime(2026, 11, 26, 23, 30, tzinfo=UTC), call_id="c")
    return tmp_path


def ids(records: Any) -> str:
    return "".join(record["call_id"] for record in records)


def test_records_are_read_by_day(folder: Path) -> None:
    assert [str(file.day) for file in files_in(folder)] == [
        "2026-11-24",
        "2026-11-25",
        "2026-11-27",
    ]
    assert ids(read_records(folder)) == "abc"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"use_case": "judge"}, "b"),
        ({"use_case": "ju"}, ""),
        ({"id_": "c"}, "c"),
        ({"id_": "req-42"}, "abc"),
        ({"id_": "req-42", "use_case": "judge"}, "b"),
        ({"id_": "judge"}, ""),
        ({"since": NOON.replace(microsecond=123_000)}, "bc"),
        ({"since": NOON.replace(microsecond=124_000)}, "c"),
        ({"until": NOON.replace(microsecond=123_000)}, "a"),
        ({"until": datetime(2026, 11, 27, tzinfo=UTC)}, "abc"),
        (
            {
                "since": datetime(2026, 11, 26, tzinfo=UTC),
                "until": datetime.max.replace(year=2030, tzinfo=UTC),
            },
            "c",
        ),
        ({"since": datetime(2026, 11, 27, 12, 30, tzinfo=timezone(13 * HOUR))}, "c"),
        ({"since": datetime(2026, 11, 27, 12, 31, tzinfo=timezone(13 * HOUR))}, ""),
        ({"since": NOON - HOUR, "use_case": "answer"}, "c"),
    ],
)
def test_records_are_found_by_time_use_case_and_id(
    folder: Path, wanted: Mapping[str, Any], found: str
) -> None:
    assert ids(read_records(folder, **wanted)) == found


def test_a_torn_last_line_is_left_out_and_said(folder: Path) -> None:
    file = files_in(folder)[1].path
    file.write_bytes(file.read_bytes()[:-20])
    reports: list[str] = []
    assert ids(read_records(folder, report=reports.append)) == "ac"
    assert reports == [f"{file}: line 1, which has no end, is no record and is left out"]


def test_a_last_line_that_lacks_only_its_end_is_read(folder: Path) -> None:
    file = files_in(folder)[1].path
    file.write_bytes(file.read_bytes()[:-1])
    assert ids(read_records(folder)) == "abc"


@pytest.mark.parametrize(
    "damage", [b"\n", b"[1]\n", b"\xff\xfe\n", b'{"call_id": "a"}\n', b"null\n"]
)
def test_other_lines_that_are_no_records_are_left_out_and_said(
    folder: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = files_in(folder)[1].path
    file.write_bytes(damage + file.read_bytes())
    assert ids(read_records(folder)) == "abc"
    assert caplog.messages == [f"{file}: line 1, is no record and is left out"]


def test_a_file_that_is_deleted_meanwhile_is_left_out(folder: Path) -> None:
    reading = read_records(folder)
    assert next(reading)["call_id"] == "a"
    files_in(folder)[1].path.unlink()
    assert ids(reading) == "c"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="nowhere: cannot be read: No such file"):
        list(read_records(tmp_path / "nowhere"))


def test_a_file_that_cannot_be_read_is_said(folder: Path) -> None:
    (folder / "calls-20261125-a-1-0001.jsonl").mkdir()
    with pytest.raises(RecordsError, match=r"0001\.jsonl: cannot be read: Is a directory"):
        list(read_records(folder))


def test_a_time_without_a_zone_is_refused(folder: Path) -> None:
    with pytest.raises(RecordsError, match=r"2026-11-25T12:00:00 has no time zone; valid is"):
        list(read_records(folder, since=datetime(2026, 11, 25, 12)))


def test_one_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    with RecordWriter(tmp_path) as writer:
        writer.write(call(call_id="one"))
    (written,) = tmp_path.iterdir()
    file = written.rename(tmp_path / "failing.jsonl")
    assert [record["call_id"] for record in read_records(file)] == ["one"]
    assert list(read_records(tmp_path)) == []
