"""What a job does with each document: planned when the source was listed, ticked off in batches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from chunkers.document import Content
from indexers.database import IN_LIMIT, Database
from indexers.jobs import tables
from indexers.pushed import packed, unpacked
from indexers.sources import Entry

_rows, _contents = tables.documents, tables.contents

_INSERTED = 1000  # Rows in one statement.


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One document of a job.

    `action` is new, modified, deleted, skipped, or unlisted for what could not be listed; `state`
    is pending, done, failed, skipped, or superseded where it was put or deleted meanwhile.
    """

    number: int
    document_id: str
    action: str
    revision: str = ""
    location: str = ""
    position: int = 0
    state: str = "pending"
    reason: str | None = None
    batch: int | None = None
    chunks: int = 0
    embedded: int = 0
    reused: int = 0

    @property
    def entry(self) -> Entry:
        """The document as its source listed it."""
        return Entry(
            id=self.document_id,
            revision=self.revision,
            where=self.location,
            position=self.position,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a task ended."""

    number: int
    state: str
    reason: str | None = None
    chunks: int = 0
    embedded: int = 0
    reused: int = 0


class JobDocuments:
    """The tasks of every job. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, job_id: str, tasks: Sequence[Task]) -> None:
        """Make these the tasks of a job."""
        rows = [{"job_id": job_id, **asdict(task)} for task in tasks]
        with self._database.writing() as connection:
            connection.execute(sa.delete(_rows).where(_rows.c.job_id == job_id))
            for start in range(0, len(rows), _INSERTED):
                connection.execute(sa.insert(_rows), rows[start : start + _INSERTED])

    def keep_contents(self, job_id: str, contents: Iterable[Content]) -> None:
        """Keep contents that a listing brought until their batch takes them."""
        rows = [
            {"job_id": job_id, "document_id": content.id, "content": packed(content)}
            for content in contents
        ]
        self._database.upsert(_contents, rows)

    def contents(self, job_id: str, document_ids: Sequence[str]) -> dict[str, Content]:
        """Those contents that are kept, by document."""
        found: dict[str, Content] = {}
        query = sa.select(_contents.c.document_id, _contents.c.content)
        with self._database.reading() as connection:
            for start in range(0, len(document_ids), IN_LIMIT):
                some = _contents.c.document_id.in_(document_ids[start : start + IN_LIMIT])
                where = (_contents.c.job_id == job_id, some)
                for id_, value in connection.execute(query.where(*where)):
                    content = unpacked(value)
                    assert content is not None
                    found[id_] = content
        return found

    def pending(self, job_id: str, batch: int | None = None) -> list[Task]:
        """What is still to do, of one batch or of all, in order."""
        where = [_rows.c.state == "pending"]
        if batch is not None:
            where.append(_rows.c.batch == batch)
        return self._select(job_id, *where)

    def all(self, job_id: str, *, states: Sequence[str] = ()) -> list[Task]:
        """The tasks of a job, in order; those in some states alone."""
        return self._select(job_id, *([_rows.c.state.in_(states)] if states else []))

    def of_document(self, job_id: str, document_id: str) -> list[Task]:
        """The tasks of a job that are about one document: one at most, or none."""
        about = _rows.c.document_id == document_id
        return self._select(job_id, about, _rows.c.action.in_(("new", "modified", "deleted")))

    def add_failed(self, job_id: str, document_id: str, reason: str) -> None:
        """Add a document that failed beside the plan; one that has been added stays as it is."""
        known = _rows.c.job_id == job_id
        with self._database.writing() as connection:
            same = known & (_rows.c.document_id == document_id) & (_rows.c.state == "failed")
            if connection.execute(sa.select(_rows.c.number).where(same)).first() is not None:
                return
            last = connection.execute(sa.select(sa.func.max(_rows.c.number)).where(known)).scalar()
            task = Task(
                number=0 if last is None else int(last) + 1,
                document_id=document_id,
                location=document_id,
                action="unlisted",
                state="failed",
                reason=reason,
            )
            connection.execute(sa.insert(_rows), {"job_id": job_id, **asdict(task)})

    def finish(self, job_id: str, outcomes: Iterable[Outcome]) -> None:
        """Write down how tasks ended; one that has ended before stays as it is."""
        rows: list[dict[str, Any]] = [
            {f"new_{name}": value for name, value in asdict(outcome).items()}
            for outcome in outcomes
        ]
        if not rows:
            return
        statement = sa.update(_rows).where(
            _rows.c.job_id == job_id,
            _rows.c.number == sa.bindparam("new_number"),
            _rows.c.state == "pending",
        )
        changed: dict[str, Any] = {n: sa.bindparam(f"new_{n}") for n in _ENDED}
        with self._database.writing() as connection:
            connection.execute(statement.values(**changed), rows)

    def _select(self, job_id: str, *where: sa.ColumnElement[bool]) -> list[Task]:
        columns = [column for column in _rows.columns if column.name != "job_id"]
        query = sa.select(*columns).where(_rows.c.job_id == job_id, *where)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(_rows.c.number))
            return [_task(row._mapping) for row in rows]


_ENDED = ("state", "reason", "chunks", "embedded", "reused")


def _task(row: Mapping[Any, Any]) -> Task:
    return Task(**{str(name): value for name, value in row.items()})
