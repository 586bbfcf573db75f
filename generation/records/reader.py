"""Records read from the files that they were written to."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from generation.errors import RecordsError
from generation.records.files import RecordFile, files_in

_LONGEST_CALL = timedelta(days=1)
"""A file is named by when its records were written, which is when their calls ended."""

_logger = logging.getLogger(__name__)


def read_records(
    place: Path,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    use_case: str | None = None,
    id_: str | None = None,
    report: Callable[[str], None] = _logger.warning,
) -> Iterator[Mapping[str, Any]]:
    """The records of a folder, or of one file of any name, as their JSON objects, in the order of
    the files' names and of their lines: those of calls that began at `since` or later and before
    `until`, of a use case, or of one id: the call's own, or that of the request that it was made
    for, which may have made several. Files may be written to meanwhile.

    A line that is no record is left out, and said to `report` with its place: the last one of a
    file may be torn, where a process was killed or a disk was full.

    Raises:
        RecordsError: the folder or a file cannot be read, or a time has no time zone.
    """
    for time in (since, until):
        if time is not None and time.tzinfo is None:
            raise RecordsError(f"{time.isoformat()} has no time zone; valid is one as in +00:00")
    wanted = None if id_ is None else json.dumps(id_, ensure_ascii=False).encode()
    for path in _paths(place, since, until):
        for record in _records(path, wanted, report):
            if _fits(record, since, until, use_case, id_):
                yield record


def _paths(place: Path, since: datetime | None, until: datetime | None) -> list[Path]:
    if place.is_file():
        return [place]
    try:
        files = files_in(place)
    except OSError as exc:
        raise RecordsError(f"{place}: cannot be read: {exc.strerror}") from exc
    return [file.path for file in files if _may_have(file, since, until)]


def _may_have(file: RecordFile, since: datetime | None, until: datetime | None) -> bool:
    early = since is not None and file.day < (since - _LONGEST_CALL).astimezone(UTC).date()
    late = until is not None and file.day > (until + _LONGEST_CALL).astimezone(UTC).date()
    return not early and not late


def _records(
    path: Path, wanted: bytes | None, report: Callable[[str], None]
) -> Iterator[Mapping[str, Any]]:
    """The records whose line has the bytes that are wanted."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if wanted is None or wanted in line:
                    record = _record(line)
                    if record is not None:
                        yield record
                    else:
                        torn = "" if line.endswith(b"\n") else ", which has no end"
                        report(f"{path}: line {number}{torn}, is no record and is left out")
    except FileNotFoundError:
        return  # It has become too old meanwhile.
    except OSError as exc:
        raise RecordsError(f"{path}: cannot be read: {exc.strerror}") from exc


def _record(line: bytes) -> Mapping[str, Any] | None:
    try:
        record = json.loads(line)
        datetime.fromisoformat(record["time"])
        return record if "call_id" in record else None
    except (ValueError, TypeError, KeyError):
        return None


def _fits(
    record: Mapping[str, Any],
    since: datetime | None,
    until: datetime | None,
    use_case: str | None,
    id_: str | None,
) -> bool:
    if id_ is not None and id_ not in (record["call_id"], record.get("request_id")):
        return False
    if use_case is not None and record.get("use_case") != use_case:
        return False
    if since is None and until is None:
        return True
    time = datetime.fromisoformat(record["time"])
    return (since is None or since <= time) and (until is None or time < until)
