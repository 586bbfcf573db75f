"""Where documents come from."""

from typing import Any

from indexers.sources.base import Entry, Listed, Skipped, Source, Unreadable
from indexers.sources.directory import DirectorySource
from indexers.sources.http import HttpSource
from indexers.sources.intercom import IntercomSource
from indexers.sources.jsonl import JsonlSource
from indexers.sources.s3 import S3Source
from indexers.sources.zendesk import ZendeskSource

SOURCES: dict[str, type[Any]] = {
    "directory": DirectorySource,
    "jsonl": JsonlSource,
    "s3": S3Source,
    "http": HttpSource,
    "zendesk": ZendeskSource,
    "intercom": IntercomSource,
}
"""Every kind of source that a catalog can name."""

__all__ = ["SOURCES", "Entry", "Listed", "Skipped", "Source", "Unreadable"]
