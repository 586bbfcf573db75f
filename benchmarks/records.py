"""One question put to one system, as one line of records.jsonl.

A record holds what came back and what was known of the answer, so that any measure can be taken
from the file alone. Its JSON has the fields of `Record` under their own names; spans, hits,
passages, answers and verdicts are objects with the fields of `Span`, `RankedDocument`,
`ReturnedPassage`, `Answered` and `JudgeVerdict`. Records of earlier versions, which lack the fields
of answers, are read as those of a search alone.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.answers.answered import Answered, JudgeVerdict
from benchmarks.datasets.base import Span
from benchmarks.errors import RecordsError


class RunKey(NamedTuple):
    """Which run a record is of, by the suite's names."""

    dataset: str
    build: str
    search: str
    answerer: str | None = None

    @property
    def system(self) -> str:
        """How the run is named within its data set."""
        return "/".join(name for name in self[1:] if name is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedDocument:
    """A document found, with the score that the ranking went by."""

    document_id: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedPassage:
    """`text[start:end]` of a document, as it was returned; `tokens` are of cl100k_base."""

    document_id: str
    start: int
    end: int
    tokens: int
    relevance: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one system returned for one question.

    `ranked` holds each document once, best first, before anything was dropped; `passages` are what
    was returned. `answered` is the system's own word on whether it found an answer, with its
    `reason` when not. `relevance` is the best relevance of anything found, whether returned or
    not, and 0 where nothing was. `timings_ms` maps stages to milliseconds; "total" is one of them.

    All of these are the search's. Where the suite names answerers, `answerer` is the one that
    answered from the passages, which it knows by their places, and `given` what it gave;
    `verdicts` are a judge's, by the measure's name, of those things that it was asked about, and
    None where the suite has no judge.

    `judgments`, `references`, `answers` and `answerable` are the question's; see `Question`.
    """

    dataset: str
    build: str
    search: str
    query_id: str
    question: str
    ranked: tuple[RankedDocument, ...]
    passages: tuple[ReturnedPassage, ...]
    answered: bool
    reason: str | None
    relevance: float
    timings_ms: Mapping[str, float]
    judgments: Mapping[str, int]
    references: tuple[Span, ...]
    answerable: bool
    answers: tuple[str, ...] = ()
    answerer: str | None = None
    given: Answered | None = None
    verdicts: Mapping[str, JudgeVerdict] | None = None

    @property
    def key(self) -> RunKey:
        """The run that the record is of."""
        return RunKey(self.dataset, self.build, self.search, self.answerer)

    @property
    def asked(self) -> "Asked":
        """What was asked of whom."""
        return self.key, self.query_id


Asked = tuple[RunKey, str]
"""A run, and the id of a question that is put to its system."""

Runs = Mapping[RunKey, tuple[Record, ...]]


def to_line(record: Record) -> str:
    """The record as one line of JSON, without the line's end."""
    return json.dumps(asdict(record), ensure_ascii=False)


def from_line(line: str) -> Record:
    """The record of one line; the inverse of `to_line`.

    Raises:
        ValueError: the line is not JSON, or not a record.
    """
    try:
        fields: dict[str, Any] = json.loads(line)
        fields["ranked"] = tuple(RankedDocument(**hit) for hit in fields["ranked"])
        fields["passages"] = tuple(ReturnedPassage(**passage) for passage in fields["passages"])
        fields["references"] = tuple(Span(**span) for span in fields["references"])
        answers = _of_answers(fields)
        return Record(**fields, **answers)
    except (AttributeError, TypeError, KeyError) as exc:
        raise ValueError(f"not a record: {exc}") from exc


def _of_answers(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of answers, which are taken out of the others."""
    given, verdicts = fields.pop("given", None), fields.pop("verdicts", None)
    return {
        "answers": tuple(fields.pop("answers", ())),
        "given": None if given is None else Answered.from_json(given),
        "verdicts": None
        if verdicts is None
        else {name: JudgeVerdict.from_json(said) for name, said in verdicts.items()},
    }


@contextmanager
def on_disk(path: Path) -> Iterator[None]:
    """Around what reads or writes a file or folder of a run.

    Raises:
        RecordsError: the system refuses it; the message names what, and why.
    """
    try:
        yield
    except OSError as exc:
        raise RecordsError(f"{path} cannot be used for a run: {exc.strerror}") from exc


def write_records(path: Path, records: Iterable[Record]) -> Iterator[Record]:
    """Add each record to the file as it passes through, so that a crash loses one at most.

    Raises:
        RecordsError: the file cannot be written.
    """
    with on_disk(path):
        file = path.open("a", encoding="utf-8")
    try:
        for record in records:
            with on_disk(path):  # Not around the rest: what fails there is another's.
                file.write(to_line(record) + "\n")
                file.flush()
            yield record
    finally:
        with on_disk(path):  # Closing writes what could not be flushed.
            file.close()


def read_records(path: Path) -> Iterator[Record]:
    """The records of a file, one at a time. A last line without its end is none: a crash tore it.

    Raises:
        RecordsError: the file is not there or cannot be read, or a line is not a record.
    """
    if not path.is_file():
        raise RecordsError(f"{path} is not there; give the folder that `run` wrote to with --out")
    with on_disk(path), path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield from_line(line.decode())
            except ValueError as exc:
                raise RecordsError(f"{path}:{number}: {exc}") from exc


def drop_torn_line(path: Path) -> None:
    """Cut off a last line without its end, so that the next one begins where it began.

    Raises:
        RecordsError: the file cannot be written.
    """
    with on_disk(path), path.open("rb+") as file:
        file.truncate(file.read().rfind(b"\n") + 1)


def by_run(records: Iterable[Record]) -> Runs:
    """The records of each run, in the order in which the runs first appear."""
    runs: dict[RunKey, list[Record]] = {}
    for record in records:
        runs.setdefault(record.key, []).append(record)
    return {key: tuple(found) for key, found in runs.items()}


def in_common(runs: Runs) -> Runs:
    """The runs with those questions alone that were put to every one of them on its data set."""
    common: dict[str, set[str]] = {}
    for key, records in runs.items():
        ids = {record.query_id for record in records}
        common[key.dataset] = common.get(key.dataset, ids) & ids
    return {
        key: tuple(record for record in records if record.query_id in common[key.dataset])
        for key, records in runs.items()
    }
