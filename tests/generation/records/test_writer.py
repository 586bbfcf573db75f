"""Records on their way to a file: quick for who hands them over, and none lost."""

import json
import logging
import os
import shutil
import signal
import statistics
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from generation.errors import RecordsError
from generation.records.files import files_in
from generation.records.reader import read_records
from generation.records.record import ErrorRecord
from generation.records.writer import RecordWriter
from generation.redaction import Redactor
from tests.generation.records.processes import (
    LIMIT_S,
    SPAWN,
    until,
    write_and_forget,
    write_on,
    write_some,
    write_with_little_room,
)
from tests.generation.records.samples import NOON, call, prompt, succeeded, throttled
from tests.generation.records.test_record import VALID


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "records"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer(folder: Path, clock: Clock) -> Iterator[RecordWriter]:
    with RecordWriter(folder, max_bytes=20_000, keep_days=7, now=clock) as made:
        yield made


def read(folder: Path) -> list[Mapping[str, Any]]:
    """The records; damaged lines are not expected."""
    reports: list[str] = []
    records = list(read_records(folder, report=reports.append))
    assert not reports
    return records


def ids(folder: Path) -> list[str]:
    return [record["call_id"] for record in read(folder)]


def names(folder: Path) -> list[str]:
    return [file.path.name for file in files_in(folder)]


def test_a_record_is_in_its_file_within_a_second(writer: RecordWriter, folder: Path) -> None:
    begun = time.monotonic()
    writer.write(call(call_id="a"))
    until(lambda: ids(folder) == ["a"])
    assert time.monotonic() - begun < 1


def test_what_is_read_is_what_was_written_in_its_order(writer: RecordWriter, folder: Path) -> None:
    records = [call() for _ in range(30)]
    for record in records:
        writer.write(record)
    writer.flush()
    assert read(folder) == json.loads(json.dumps([record.to_json() for record in records]))
    for said in read(folder):
        VALID.validate(said)


def test_to_hand_a_record_over_takes_microseconds(folder: Path) -> None:
    records, times = [call() for _ in range(500)], []
    with RecordWriter(folder) as writer:
        for record in records:
            begun = time.perf_counter()
            writer.write(record)
            times.append(time.perf_counter() - begun)
    assert statistics.median(times) < 100e-6  # It is some 2.
    assert len(ids(folder)) == 500


def test_personal_data_is_not_written(folder: Path) -> None:
    asked = prompt("I am ada@example.com, pause my plan")
    record = call(
        prompt=asked,
        answer="Dear ada@example.com, ...",
        error=ErrorRecord(name="BrokenStreamError", message="near ada@example.com"),
        attempts=(
            succeeded(asked, response_body={"output": [{"text": "Dear ada@example.com"}]}),
            throttled(asked),
        ),
    )
    with RecordWriter(folder) as writer:
        writer.write(record)
        writer.write(call())
    said, other = read(folder)
    assert "ada@" not in json.dumps(said)
    assert said["prompt"]["inputs"]["question"] == "I am [email], pause my plan"
    assert said["prompt"]["redacted"]
    assert not other["prompt"]["redacted"]
    VALID.validate(said)


def test_only_the_rules_that_are_asked_for_redact(folder: Path) -> None:
    with RecordWriter(folder, redactor=Redactor(("ipv4",))) as writer:
        writer.write(call(answer="ada@example.com at 203.0.113.7"))
    assert read(folder)[0]["answer"] == "ada@example.com at [ipv4]"


def test_any_text_can_be_written(folder: Path) -> None:
    answer = 'line\nline\u2028"\\ \x00 \U0001f600 half of a pair: \ud83d'
    with RecordWriter(folder) as writer:
        writer.write(call(answer=answer))
    assert read(folder)[0]["answer"] == answer


def test_threads_may_write_at_once_and_nothing_is_lost(folder: Path) -> None:
    with RecordWriter(folder, max_bytes=50_000, waiting=3) as writer:

        def write(thread: int) -> None:
            for number in range(50):
                writer.write(call(call_id=f"{thread}-{number}"))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
    assert writer.lost == 0
    expected = [f"{thread}-{number}" for thread in range(8) for number in range(50)]
    assert sorted(ids(folder)) == sorted(expected)


def test_processes_may_write_at_once_to_one_folder(folder: Path) -> None:
    writers = [
        SPAWN.Process(target=write_some, args=(folder, f"process{number}", 100))
        for number in range(3)
    ]
    for process in writers:
        process.start()
    for process in writers:
        process.join(LIMIT_S)
        assert process.exitcode == 0
    expected = [f"process{number}-{call}" for number in range(3) for call in range(100)]
    assert sorted(ids(folder)) == sorted(expected)


def test_a_writer_that_nobody_closes_writes_all(folder: Path) -> None:
    process = SPAWN.Process(target=write_and_forget, args=(folder, 50))
    process.start()
    process.join(LIMIT_S)
    assert ids(folder) == [f"forgotten-{number}" for number in range(50)]


def test_a_process_that_is_killed_leaves_what_it_had_written(folder: Path) -> None:
    said: Any = SPAWN.SimpleQueue()
    process = SPAWN.Process(target=write_on, args=(folder, said))
    process.start()
    sure = 0
    while sure < 400:
        sure = said.get()
    process.kill()
    process.join(LIMIT_S)
    reports: list[str] = []
    found = [record["call_id"] for record in read_records(folder, report=reports.append)]
    assert len(reports) <= 1
    assert len(found) >= sure
    assert found == [f"call-{number}" for number in range(len(found))]


def test_a_file_that_is_full_is_followed_by_another(writer: RecordWriter, folder: Path) -> None:
    for number in range(40):
        writer.write(call(call_id=f"{number}"))
    writer.flush()
    files = files_in(folder)
    assert len(files) > 3
    assert all(file.path.stat().st_size <= 20_000 for file in files)
    assert ids(folder) == [f"{number}" for number in range(40)]
    assert names(folder)[0].startswith("calls-20261125-")
    assert names(folder)[0].endswith(f"-{os.getpid()}-0001.jsonl")
    assert names(folder)[1].endswith(f"-{os.getpid()}-0002.jsonl")


def test_a_record_that_is_larger_than_a_file_has_one_of_its_own(
    writer: RecordWriter, folder: Path
) -> None:
    for answer in ("a", "b" * 30_000, "c" * 30_000, "d"):
        writer.write(call(answer=answer))
    writer.flush()
    assert [record["answer"][0] for record in read(folder)] == ["a", "b", "c", "d"]
    assert len(names(folder)) == 4


def test_every_day_has_its_own_files(writer: RecordWriter, folder: Path, clock: Clock) -> None:
    writer.write(call(call_id="a"))
    writer.flush()
    clock.now = datetime(2026, 11, 26, 0, 0, tzinfo=UTC)
    writer.write(call(call_id="b"))
    writer.flush()
    assert [file.day for file in files_in(folder)] == [date(2026, 11, 25), date(2026, 11, 26)]
    assert ids(folder) == ["a", "b"]
    assert names(folder)[1].endswith("-0001.jsonl")


def test_files_are_deleted_when_they_are_too_old(folder: Path, clock: Clock) -> None:
    others = ["calls-20200101.jsonl", "calls-20209999-a-1-0001.jsonl", "notes.txt"]
    old, older = "calls-20261118-a-1-0001.jsonl", "calls-20261117-b-1-0001.jsonl"
    folder.mkdir()
    for name in [*others, old, older]:
        (folder / name).touch()
    with RecordWriter(folder, keep_days=7, now=clock):
        until(lambda: names(folder) == [old])
        clock.now += timedelta(days=1)
        until(lambda: names(folder) == [])
    assert all((folder / name).exists() for name in others)


def test_the_number_of_a_file_that_is_there_is_not_used_again(
    writer: RecordWriter, folder: Path
) -> None:
    writer.write(call(call_id="a"))
    writer.flush()
    with RecordWriter(folder, now=Clock()) as another:  # As one of a process with the same id.
        another.write(call(call_id="b"))
    assert ids(folder) == ["a", "b"]
    assert names(folder)[1].endswith("-0002.jsonl")


def test_who_hands_over_too_much_waits_and_nothing_is_lost(folder: Path) -> None:
    with RecordWriter(folder, waiting=1) as writer:
        for number in range(200):
            writer.write(call(call_id=f"{number}"))
    assert writer.lost == 0
    assert ids(folder) == [f"{number}" for number in range(200)]


def test_a_folder_that_is_deleted_is_made_again(writer: RecordWriter, folder: Path) -> None:
    writer.write(call(call_id="a"))
    writer.flush()
    shutil.rmtree(folder)
    writer.write(call(call_id="b"))
    writer.flush()
    assert ids(folder) == ["b"]
    assert writer.lost == 0


def test_without_a_folder_calls_go_on_and_say_so_once(
    writer: RecordWriter, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer.write(call())
    writer.flush()
    shutil.rmtree(folder)
    folder.write_text("in the way")
    for _ in range(20):
        writer.write(call())
    writer.flush()
    assert writer.lost == 20
    folder.unlink()
    for number in range(3):
        writer.write(call(call_id=f"{number}"))
    writer.flush()
    assert ids(folder) == ["0", "1", "2"]
    assert writer.lost == 20
    said = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in said] == [logging.ERROR, logging.WARNING]
    assert "records of calls cannot be written to" in said[0][1]
    assert "FileExistsError" in said[0][1]
    assert "again; 20 are lost" in said[1][1]


def test_what_has_no_room_is_lost_and_the_rest_is_not(folder: Path) -> None:
    limit, said = 30_000, SPAWN.SimpleQueue()
    process = SPAWN.Process(target=write_with_little_room, args=(folder, limit, said))
    process.start()
    lost, messages = said.get()
    process.join(LIMIT_S)
    assert lost == 2
    assert len(messages) == 2
    assert "File too large" in messages[0] or "No space left" in messages[0]
    assert "again; 2 are lost" in messages[1]
    reports: list[str] = []
    found = [record["call_id"] for record in read_records(folder, report=reports.append)]
    assert found == [f"call-{number}" for number in range(40) if number not in (10, 11)]
    assert reports
    assert all("which has no end, is no record and is left out" in report for report in reports)
    assert all(file.path.stat().st_size <= limit for file in files_in(folder))


def test_a_record_that_is_no_json_is_lost_alone(
    writer: RecordWriter, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    writer.write(call(total_ms=float("nan")))
    writer.write(call(call_id="a", tags=None))
    writer.write(call(call_id="b"))
    writer.flush()
    assert ids(folder) == ["b"]
    assert writer.lost == 2
    assert "Out of range float values" in caplog.text


def test_a_record_that_comes_after_the_end_is_lost(folder: Path) -> None:
    writer = RecordWriter(folder)
    writer.close()
    writer.write(call())
    writer.flush()
    writer.close()
    assert writer.lost == 1
    assert names(folder) == []


def test_a_process_that_was_forked_does_not_wait_for_a_thread_it_lacks(folder: Path) -> None:
    with RecordWriter(folder, waiting=1) as writer:
        child = os.fork()
        if child == 0:
            signal.alarm(LIMIT_S)
            for _ in range(3):
                writer.write(call())
            writer.flush()
            os._exit(writer.lost)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
        writer.write(call(call_id="a"))
    assert ids(folder) == ["a"]


def test_what_is_written_while_it_closes_is_there_or_counted(folder: Path) -> None:
    writer = RecordWriter(folder)
    begun, handed = threading.Event(), []

    def write() -> None:
        for number in range(2000):
            writer.write(call(call_id=f"{number}"))
            handed.append(number)
            begun.set()

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write) for _ in range(2)]
        begun.wait(LIMIT_S)
        writer.close()
        for thread in writing:
            thread.result(LIMIT_S)
    assert len(handed) == 4000
    assert len(ids(folder)) + writer.lost == 4000


def test_a_folder_that_cannot_be_written_to_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("in the way")
    with pytest.raises(
        RecordsError, match=r"records: records cannot be written there: File exists"
    ):
        RecordWriter(tmp_path / "records")
