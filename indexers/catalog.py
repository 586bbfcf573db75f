"""The catalog: one YAML file that declares each index once."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from chunkers import CHUNKERS, ArticleChunker, Chunker, FaqChunker, PdfChunker, SnippetChunker
from chunkers.document import ContentType
from indexers.bm25 import Bm25Encoder
from indexers.embedding import DEFAULT_EMBEDDER, EMBEDDERS, Embedder, MiniLM, SentenceEmbedder
from indexers.errors import CatalogError
from indexers.filters import FilterType
from indexers.located import Located, LocatedError, choose, construct, from_json, load
from indexers.search_spec import SearchSpec, parse_search
from indexers.sources import SOURCES, Source
from indexers.upkeep import KEYS, Upkeep, parse_upkeep

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
# The stores read anything else as a path into the payload, or not at all.
_FILTER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


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
    """One index of the catalog: what is stored for it, how it is searched and kept up."""

    name: str
    build: IndexBuild
    search: SearchSpec
    upkeep: Upkeep = field(default_factory=Upkeep)


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


class CatalogFile:
    """A catalog that is read again whenever its file has changed."""

    def __init__(self, path: Path) -> None:
        """A catalog in a file, which is read at the first use."""
        self.path = path
        self._read: tuple[object, dict[str, IndexSpec]] = (None, {})

    def last(self) -> dict[str, IndexSpec]:
        """Every index as the file said when it was last valid.

        Raises:
            CatalogError: it never was.
        """
        try:
            return self.current()
        except CatalogError:
            if not self._read[1]:
                raise
            return self._read[1]

    def current(self) -> dict[str, IndexSpec]:
        """Every index as the file says now.

        Raises:
            CatalogError: it is not a valid catalog now.
        """
        try:
            found = self.path.stat()
        except OSError as exc:
            raise CatalogError(f"{self.path}: cannot be read: {exc.strerror}") from exc
        version = (found.st_mtime_ns, found.st_size, found.st_ino)
        known, catalog = self._read
        if version != known:
            catalog = load_catalog(self.path)
            self._read = (version, catalog)
        return catalog

    def spec(self, name: str, source: str | None = None) -> IndexSpec:
        """One index, with the source that a JSON object describes in place of its own.

        A job that runs goes by what the file said when it was last valid.

        Raises:
            CatalogError: there is no such index, or the source is not valid, or says what is not
                for a request to say, as a file outside of the catalog's folder.
        """
        catalog = self.last()
        if name not in catalog:
            raise CatalogError(f"no index {name!r}; the catalog has: {', '.join(catalog)}")
        spec = catalog[name]
        if source is None:
            return spec
        try:
            other = _overridden(spec.build.source, from_json(json.loads(source), str(self.path)))
        except LocatedError as exc:
            raise CatalogError(f"source: {exc}") from exc
        self._check_inside(other)
        return replace(spec, build=replace(spec.build, source=other))

    def _check_inside(self, source: Any) -> None:
        for part in fields(source):
            value = getattr(source, part.name)
            if isinstance(value, Path) and not value.is_relative_to(self.path.parent.resolve()):
                raise CatalogError(f"source: '{part.name}' lies outside of the catalog's folder")


_FOR_REQUESTS = {"path", "prefix", "urls", "sitemap", "locales"}
"""What of a source a request may say otherwise. Where secrets are sent, which hosts are trusted
and who is asked at all is for the catalog alone."""

_LOCAL = ("directory", "jsonl")
_INSTEAD = {"urls": "sitemap", "sitemap": "urls"}


def _overridden(source: Source, where: Located) -> Source:
    """A source with what a request says of it otherwise; files of a folder may take the place of
    lines of a file, and the other way round."""
    own = next(kind for kind, cls in SOURCES.items() if type(source) is cls)
    cls = choose(where, "kind", SOURCES, own)
    kinds = {kind for kind, other in SOURCES.items() if other is cls}
    if own not in kinds and not (own in _LOCAL and kinds & set(_LOCAL)):
        raise where.error(f"a request cannot change the kind from {own!r}")
    where.only({"kind", *(_FOR_REQUESTS & {field.name for field in fields(cls)})})
    replaced = {_INSTEAD[key] for key in where if key in _INSTEAD}
    kept = {
        field.name: getattr(source, field.name)
        for field in fields(cls)
        if hasattr(source, field.name) and field.name not in {*where, *replaced}
    }
    made: Source = construct(cls, where, **kept)
    return made


def _index(name: str, indexes: Located) -> IndexSpec:
    if not _NAME.fullmatch(name):
        rule = "lower-case letters, digits, '-' and '_', at most 40, a letter first"
        raise indexes.error(f"an index's name is made of {rule}; not {name!r}", name)
    where = indexes.mapping(name)
    where.only({"content_type", "source", "build", "search", "filters", *KEYS})
    types = {kind.value: kind for kind in ContentType}
    content_type = choose(where, "content_type", types)
    where.require("source")
    return IndexSpec(
        name=name,
        build=IndexBuild(
            content_type=content_type,
            source=parse_source(content_type, where.mapping("source")),
            **parse_build(content_type, where.mapping("build")),
            filters=_filters(where.mapping("filters")),
        ),
        search=parse_search(content_type, where.mapping("search")),
        upkeep=parse_upkeep(where),
    )


def parse_source(content_type: ContentType, where: Located) -> Source:
    """The source that a mapping describes.

    Raises:
        LocatedError: an unknown kind or key, or a value that is not valid.
    """
    source: Source = construct(choose(where, "kind", SOURCES), where, content_type=content_type)
    return source


class Components(TypedDict):
    """What of an IndexBuild a `build` mapping says."""

    chunker: Chunker
    embedder: Embedder
    sparse: Bm25Encoder


def parse_build(content_type: ContentType, where: Located) -> Components:
    """The chunker, embedder and sparse encoder that a mapping describes, each with its default:
    the content type's own chunker, the bundled embedder, BM25 for English.

    Raises:
        LocatedError: an unknown key or kind, a value out of range, or chunks that are longer than
            what the embedder reads.
    """
    where.only(Components.__annotations__)
    cut = where.mapping("chunker")
    chunker: Chunker = construct(choose(cut, "kind", CHUNKERS, content_type.value), cut)
    embedder = _embedder(where.mapping("embedder"))
    _check_window(chunker, embedder, cut)
    return Components(
        chunker=chunker,
        embedder=embedder,
        sparse=construct(Bm25Encoder, where.mapping("sparse"), aside=()),
    )


def _embedder(where: Located) -> Embedder:
    embedder = construct(choose(where, "kind", EMBEDDERS, DEFAULT_EMBEDDER), where)
    if isinstance(embedder, SentenceEmbedder):
        # Relative to the file, as every path; a name that no folder has is one on the hub.
        folder = Path(where.file).parent / embedder.name
        if folder.is_dir():
            embedder = replace(embedder, name=str(folder.resolve()))
    return _one(embedder, repr(embedder))


@cache
def _one(embedder: Embedder, settings: str) -> Embedder:
    """The first of all equal embedders with these settings, among them the device, which equality
    leaves out: indexes that share a model share its memory."""
    return embedder


_COUNTING = (ArticleChunker, FaqChunker, PdfChunker, SnippetChunker)
"""The chunkers that count the embedder's own tokens; a chunk's context comes on top of its text."""


def _check_window(chunker: Chunker, embedder: Embedder, where: Located) -> None:
    """Check that the embedder reads whole chunks, as far as that is known before it is loaded."""
    if not isinstance(embedder, MiniLM) or not isinstance(chunker, _COUNTING):
        return
    longest = chunker.max_tokens + chunker.context_tokens
    if longest > embedder.max_tokens:
        raise where.error(
            f"max_tokens + context_tokens is at most {embedder.max_tokens} for "
            f"{embedder.name}, which drops the rest; not {longest}",
            "max_tokens" if "max_tokens" in where else "context_tokens",
        )


def _filters(where: Located) -> dict[str, FilterType]:
    types = {kind.value: kind for kind in FilterType}
    for name in where:
        if not _FILTER.fullmatch(name):
            rule = "ASCII letters, digits, '-' and '_', a letter or '_' first"
            raise where.error(f"a filter's name is made of {rule}; not {name!r}", name)
    return {name: choose(where, name, types) for name in where}
