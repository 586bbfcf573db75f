"""The tables of jobs: a row a job, one for each state that it came to, one for each document that
it has something to do with."""

import sqlalchemy as sa

from indexers.database import metadata

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer),
    sa.Column("index", sa.String, nullable=False),
    # 1 while it is active, else null, of which there may be many: the constraint below is what
    # keeps a second active job of an index out, whichever process asks for it.
    sa.Column("active", sa.Integer),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("stage", sa.String, nullable=False),
    sa.Column("full", sa.Boolean, nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("allow_shrink", sa.Boolean, nullable=False),
    sa.Column("source", sa.String),
    sa.Column("trigger", sa.String, nullable=False),
    sa.Column("retry_of", sa.String),
    sa.Column("idempotency_key", sa.String),
    sa.Column("heartbeat_at", sa.String, nullable=False),
    # Seconds without any worker at it, as after a crash: its rate does not count them.
    sa.Column("idle_s", sa.Float),
    sa.Column("worker", sa.String),
    sa.Column("error", sa.String),
    sa.Column("collection", sa.String),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("replaces", sa.String),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("batches", sa.Integer, nullable=False),
    sa.Column("scanned", sa.Integer, nullable=False),
    sa.Column("unchanged", sa.Integer, nullable=False),
    sa.Column("kept", sa.Integer, nullable=False),
    sa.Column("stored", sa.Integer),
    sa.Column("cancelling", sa.Boolean, nullable=False),
    # A change was announced while it ran, perhaps too late for its listing: another job follows.
    sa.Column("again", sa.Boolean, nullable=False),
    sa.UniqueConstraint("index", "active"),
)

times = sa.Table(
    "job_times",
    metadata,
    sa.Column("job_id", sa.String, primary_key=True),
    sa.Column("state", sa.String, primary_key=True),
    sa.Column("at", sa.String, nullable=False),
)

keys = sa.Table(
    "job_keys",
    metadata,
    sa.Column("index", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("job_id", sa.String, nullable=False),
)

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("since", sa.String, nullable=False),
)

documents = sa.Table(
    "job_documents",
    metadata,
    sa.Column("job_id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("batch", sa.Integer),
    sa.Column("document_id", sa.String, nullable=False),
    sa.Column("action", sa.String, nullable=False),
    sa.Column("revision", sa.String, nullable=False),
    sa.Column("location", sa.String, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("chunks", sa.Integer, nullable=False),
    sa.Column("embedded", sa.Integer, nullable=False),
    sa.Column("reused", sa.Integer, nullable=False),
    sa.Index("job_documents_by_batch", "job_id", "batch"),
    sa.Index("job_documents_by_document", "job_id", "document_id"),
)

contents = sa.Table(
    "job_contents",
    metadata,
    sa.Column("job_id", sa.String, primary_key=True),
    sa.Column("document_id", sa.String, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
