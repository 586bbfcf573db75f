"""The catalog: five lines are enough, and an error says where and what would be right."""

import re
from pathlib import Path

import pytest

from chunkers import ArticleChunker, FaqChunker
from indexers.bm25 import Bm25Encoder
from indexers.catalog import IndexSpec, load_catalog
from indexers.embedding import MiniLM, SentenceEmbedder
from indexers.errors import CatalogError
from indexers.filters import FilterType
from indexers.sources.directory import DirectorySource
from tests.builders import ARTICLES, FAQS

WHOLE = """\
indexes:
  articles:
    content_type: article
    source: {kind: directory, path: pages}
    build:
      chunker: {kind: article, max_tokens: 120}
      embedder: {kind: sentence_transformers, name: some/model, device: cpu}
      sparse: {language: spanish, b: 0.5}
    filters: {locale: keyword, year: integer, price: float, draft: bool, updated_at: datetime}
    search: {min_relevance: 0.4}
"""


def read(folder: Path, text: str) -> dict[str, IndexSpec]:
    file = folder / "catalog.yaml"
    file.write_text(text)
    return load_catalog(file)


def test_five_lines_are_a_catalog(tmp_path: Path) -> None:
    text = ARTICLES
    assert len(text.splitlines()) <= 5
    build = read(tmp_path, text)["articles"].build
    assert build.chunker == ArticleChunker()
    assert build.embedder == MiniLM()
    assert build.sparse == Bm25Encoder()
    assert build.filters == {}
    assert isinstance(build.source, DirectorySource)
    assert build.source.path == tmp_path / "articles"


def test_a_chunker_follows_the_content_type(tmp_path: Path) -> None:
    assert read(tmp_path, FAQS)["faqs"].build.chunker == FaqChunker()


def test_everything_can_be_said(tmp_path: Path) -> None:
    spec = read(tmp_path, WHOLE)["articles"]
    assert spec.build.chunker == ArticleChunker(max_tokens=120)
    assert spec.build.embedder == SentenceEmbedder("some/model", device="cpu")
    assert spec.build.sparse == Bm25Encoder(language="spanish", b=0.5)
    assert set(spec.build.filters.values()) == set(FilterType)
    assert spec.search.min_relevance == 0.4


def test_indexes_keep_the_order_of_the_file(tmp_path: Path) -> None:
    text = FAQS + ARTICLES.removeprefix("indexes:\n") + FAQS.replace("faqs:", "b:")[9:]
    assert list(read(tmp_path, text)) == ["faqs", "articles", "b"]


def test_equal_embedders_are_one_model_in_memory(tmp_path: Path) -> None:
    indexes = read(tmp_path, FAQS + ARTICLES.removeprefix("indexes:\n"))
    assert indexes["faqs"].build.embedder is indexes["articles"].build.embedder


def changed(old: str, new: str) -> str:
    assert old in WHOLE
    return WHOLE.replace(old, new)


@pytest.mark.parametrize(
    ("text", "line", "key", "valid"),
    [
        (changed("indexes:", "index:"), 1, "unknown key 'index'", "indexes"),
        (changed("search:", "serach:"), 10, "unknown key 'serach'", "build, content_type, filters"),
        (changed("min_relevance", "threshold"), 10, "key 'threshold'", "max_hits, min_relevance"),
        (changed("article\n", "blog\n"), 3, "content_type 'blog'", "article, faq, pdf, snippet"),
        (changed("directory", "ftp"), 4, "unknown kind 'ftp'", "directory, jsonl"),
        (changed("path: pages", "folder: pages"), 4, "unknown key 'folder'", "kind, path"),
        (changed(", path: pages", ""), 4, "'path' is missing", ""),
        (changed("{kind: directory, path: pages}", "pages"), 4, "'source' must be a mapping", ""),
        (changed("      chunker", "      cutter"), 6, "'cutter'", "chunker, embedder, sparse"),
        (changed("kind: article", "kind: magic"), 6, "kind 'magic'", "sentence_splitter, snippet"),
        (changed("max_tokens", "tokens"), 6, "unknown key 'tokens'", "max_tokens, min_tokens"),
        (changed("120", "many"), 6, "'max_tokens' must be int, not text", ""),
        (changed("120", "0"), 6, "max_tokens", ""),
        (changed("sentence_transformers", "gpt"), 7, "kind 'gpt'", "minilm, sentence_transformers"),
        (changed("spanish", "klingon"), 8, "klingon", ""),
        (changed("b: 0.5", "b: low"), 8, "'b' must be float, not text", ""),
        (changed("price: float", "price: money"), 9, "'money'", "bool, datetime, float, integer"),
        (changed("  articles:", "  Art icles:"), 2, "not 'Art icles'", "lower-case letters"),
        ("indexes: {}\n", 1, "'indexes' must name at least one index", ""),
        ("indexes:\n  a:\n    content_type: faq\n", 3, "'source' is missing", ""),
        (FAQS + FAQS[9:], 5, "'faqs' is there twice", ""),
    ],
)
def test_an_error_names_key_line_and_choices(
    tmp_path: Path, text: str, line: int, key: str, valid: str
) -> None:
    with pytest.raises(CatalogError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'catalog.yaml'}:{line}: ")
    assert key in message
    assert valid in message


def test_a_catalog_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(CatalogError, match=f"{re.escape(str(path))}: cannot be read"):
        load_catalog(path)
