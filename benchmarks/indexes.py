"""The indexes that a suite's build makes of a data set, and how its search searches them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from benchmarks.datasets import Dataset
from benchmarks.errors import SuiteError
from benchmarks.suite import BuildSpec, SearchSpec
from chunkers.document import Content, ContentType
from indexers.catalog import IndexBuild, IndexSpec, parse_build
from indexers.located import Located, LocatedError
from indexers.search_spec import DEFAULTS, parse_search
from indexers.sources import Entry
from retrieval.query import Query

_LIMITS = frozenset({"max_passages", "max_tokens"})
"""Keys of a suite's search that belong to the query, not to the index's SearchSpec."""

_PATIENT_MS = 60_000


@dataclass(frozen=True, kw_only=True)
class DatasetSource:
    """The documents of one content type of a data set, as a source of an index."""

    name: str
    content_type: ContentType
    documents: Iterable[Content] = field(compare=False, repr=False)

    def list(self, known: Mapping[str, str]) -> Iterator[Entry]:
        """See `Source.list`."""
        return (
            Entry(id=id_, revision=content.revision, where=id_)
            for id_, content in self._contents.items()
        )

    def read(self, entry: Entry) -> Content:
        """See `Source.read`."""
        return self._contents[entry.id]

    @cached_property
    def _contents(self) -> dict[str, Content]:
        mine = (c for c in self.documents if c.content_type is self.content_type)
        return {content.id: content for content in mine}


def index_specs(dataset: Dataset, build: BuildSpec) -> dict[str, IndexSpec]:
    """An index for each content type of the data set, by its name.

    Raises:
        SuiteError: the build is not valid; the message names the line, and what is valid there.
        DatasetError: a document cannot be read.
    """
    types = dict.fromkeys(content.content_type for content in dataset.documents)
    specs = {}
    for content_type in types:
        name = _index_name(f"{dataset.name}-{build.name}-{content_type.value}")
        source = DatasetSource(
            name=dataset.name, content_type=content_type, documents=dataset.documents
        )
        try:
            components = parse_build(content_type, build.where)
        except LocatedError as exc:
            raise SuiteError(str(exc)) from exc
        specs[name] = IndexSpec(
            name=name,
            build=IndexBuild(content_type=content_type, source=source, filters={}, **components),
            search=DEFAULTS[content_type],
        )
    return specs


def searched(
    specs: Mapping[str, IndexSpec], search: SearchSpec
) -> tuple[dict[str, IndexSpec], Query]:
    """The indexes as a suite's search searches them, and its limits as a query without a text.

    Raises:
        SuiteError: the search is not valid; the message names the line, and what is valid there.
    """
    where, limits = _split(search.where)
    try:
        catalog = {
            name: replace(spec, search=parse_search(spec.build.content_type, where))
            for name, spec in specs.items()
        }
    except LocatedError as exc:
        raise SuiteError(str(exc)) from exc
    return catalog, limits


def _index_name(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())


def _split(where: Located) -> tuple[Located, Query]:
    """A suite's search, apart from its keys for the query, which become a query without text that
    asks for all hits."""
    rest = Located(where.file, where.line)
    limits: dict[str, Any] = {}
    for key, value in where.items():
        if key not in _LIMITS:
            rest[key] = value
            rest.lines[key] = where.lines[key]
        elif isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise SuiteError(str(where.error(f"'{key}' must be a whole number above 0", key)))
        else:
            limits[key] = value
    return rest, Query(text="", deadline_ms=_PATIENT_MS, explain=True, **limits)
