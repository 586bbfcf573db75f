"""The catalog: one YAML file that declares each index once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chunkers import CHUNKERS, Chunker
from chunkers.document import ContentType
from indexers.bm25 import Bm25Encoder
from indexers.embedding import DEFAULT_EMBEDDER, EMBEDDERS, Embedder
from indexers.errors import CatalogError
from indexers.filters import FilterType
from indexers.located import Located, LocatedError, choose, construct, load
from indexers.sources import SOURCES, Source

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, kw_only=True)
class IndexBuild:
    """Everything that decides what is stored for an index."""

    content_type: ContentType
    source: Source
    chunker: Chunker
    embedder: Embedder
    sparse: Bm25Encoder
    filters: Mapping[str, FilterType]


@dataclass(frozen=True, kw_only=True)
class IndexSpec:
    """One index of the catalog.

    `search` is what the catalog says of searching it, read by the package that searches.
    """

    name: str
    build: IndexBuild
    search: Located


def load_catalog(path: Path) -> dict[str, IndexSpec]:
    """Read and check a whole catalog; the indexes keep the file's order.

    Raises:
        CatalogError: the file is not a valid catalog. The message names the file, the line, the
            key, and what is valid there.
    """
    try:
        top = load(path)
        top.only({"indexes"})
        indexes = top.mapping("indexes")
        if not indexes:
            raise top.error("'indexes' must name at least one index")
        return {name: _index(name, indexes) for name in indexes}
    except LocatedError as exc:
        raise CatalogError(str(exc)) from exc


def _index(name: str, indexes: Located) -> IndexSpec:
    if not _NAME.fullmatch(name):
        rule = "lower-case letters, digits, '-' and '_', at most 40, a letter first"
        raise indexes.error(f"an index's name is made of {rule}; not {name!r}", name)
    where = indexes.mapping(name)
    where.only({"content_type", "source", "build", "search", "filters"})
    types = {kind.value: kind for kind in ContentType}
    content_type = choose(where, "content_type", types)
    where.require("source")
    source = where.mapping("source")
    build = where.mapping("build")
    build.only({"chunker", "embedder", "sparse"})
    return IndexSpec(
        name=name,
        build=IndexBuild(
            content_type=content_type,
            source=construct(choose(source, "kind", SOURCES), source, content_type=content_type),
            chunker=parse_chunker(content_type, build.mapping("chunker")),
            embedder=parse_embedder(build.mapping("embedder")),
            sparse=construct(Bm25Encoder, build.mapping("sparse")),
            filters=_filters(where.mapping("filters")),
        ),
        search=where.mapping("search"),
    )


def parse_chunker(content_type: ContentType, where: Located) -> Chunker:
    """The chunker that a mapping describes; without a `kind`, the content type's own.

    Raises:
        LocatedError: unknown kind or field, or a value out of range.
    """
    chunker: Chunker = construct(choose(where, "kind", CHUNKERS, content_type.value), where)
    return chunker


def parse_embedder(where: Located) -> Embedder:
    """The embedder that a mapping describes; without a `kind`, the default one.

    Raises:
        LocatedError: unknown kind or field, or a value out of range.
    """
    embedder: Embedder = construct(choose(where, "kind", EMBEDDERS, DEFAULT_EMBEDDER), where)
    return embedder


def _filters(where: Located) -> dict[str, FilterType]:
    types = {kind.value: kind for kind in FilterType}
    return {field: choose(where, field, types) for field in where}
