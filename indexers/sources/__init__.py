"""Where documents come from."""

from typing import Any

from indexers.sources.base import Entry, Listed, Skipped, Source, Unreadable
from indexers.sources.directory import DirectorySource
from indexers.sources.jsonl import JsonlSource

SOURCES: dict[str, type[Any]] = {"directory": DirectorySource, "jsonl": JsonlSource}
"""Every kind of source that a catalog can name."""

__all__ = ["SOURCES", "Entry", "Listed", "Skipped", "Source", "Unreadable"]
