"""The extracted documents of each index, so that a new build need not fetch them again."""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa

from chunkers import EXTRACTOR_VERSION
from chunkers.document import Block, BlockKind, ContentType, Document
from indexers.database import IN_LIMIT, Database, metadata

_kept = sa.Table(
    "kept_documents",
    metadata,
    sa.Column("index", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("revision", sa.String, nullable=False),
    sa.Column("extractor", sa.String, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)


class KeptDocuments:
    """The latest version of each document, as it was extracted; one of an earlier extractor, or of
    another content type, counts as not there. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revisions(self, index: str, content_type: ContentType) -> dict[str, str]:
        """The revision of each document that is kept, by its id."""
        query = sa.select(_kept.c.document_id, _kept.c.revision).where(*_of(index, content_type))
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def get(
        self, index: str, content_type: ContentType, wanted: Mapping[str, str]
    ) -> dict[str, Document]:
        """Those documents, of the ids and revisions wanted, that are kept."""
        found = {}
        ids = list(wanted)
        columns = (_kept.c.document_id, _kept.c.revision, _kept.c.body)
        with self._database.reading() as connection:
            for start in range(0, len(ids), IN_LIMIT):
                some = _kept.c.document_id.in_(ids[start : start + IN_LIMIT])
                for id_, revision, body in connection.execute(
                    sa.select(*columns).where(*_of(index, content_type), some)
                ):
                    if wanted[id_] == revision:
                        found[id_] = _document(body)
        return found

    def save(self, index: str, documents: Iterable[Document]) -> None:
        """Keep documents in place of their earlier versions."""
        rows = [
            {
                "index": index,
                "document_id": document.id,
                "revision": document.revision,
                "extractor": _extractor(document.content_type),
                "body": _body(document),
            }
            for document in documents
        ]
        self._database.upsert(_kept, rows)

    def forget(self, index: str, document_ids: Sequence[str]) -> None:
        """Keep these documents no longer."""
        with self._database.writing() as connection:
            for start in range(0, len(document_ids), IN_LIMIT):
                some = _kept.c.document_id.in_(document_ids[start : start + IN_LIMIT])
                connection.execute(sa.delete(_kept).where(_kept.c.index == index, some))

    def forget_others(self, index: str, listed: sa.Select[tuple[str]]) -> None:
        """Keep none of an index but the documents that a query names."""
        others = _kept.c.document_id.not_in(listed)
        with self._database.writing() as connection:
            connection.execute(sa.delete(_kept).where(_kept.c.index == index, others))


def _of(index: str, content_type: ContentType) -> tuple[sa.ColumnElement[bool], ...]:
    return (_kept.c.index == index, _kept.c.extractor == _extractor(content_type))


def _extractor(content_type: ContentType) -> str:
    return f"{content_type.value} {EXTRACTOR_VERSION}"


def _body(document: Document) -> bytes:
    values = {field.name: getattr(document, field.name) for field in fields(document)}
    values["blocks"] = [list(asdict(block).values()) for block in document.blocks]
    return zlib.compress(json.dumps(values).encode(), 1)


def _document(body: bytes) -> Document:
    values: dict[str, Any] = json.loads(zlib.decompress(body))
    names = [field.name for field in fields(Block)]
    blocks = [dict(zip(names, block, strict=True)) for block in values["blocks"]]
    values["blocks"] = tuple(Block(**{**b, "kind": BlockKind(b["kind"])}) for b in blocks)
    values["questions"] = tuple(values["questions"])
    return Document(**{**values, "content_type": ContentType(values["content_type"])})
