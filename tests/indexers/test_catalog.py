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
    assert isinstance(spec.build.embedder, SentenceEmbedder)
    assert (spec.build.embedder.name, spec.build.embedder.device) == ("some/model", "cpu")
    assert spec.build.sparse == Bm25Encoder(language="spanish", b=0.5)
    assert set(spec.build.filters.values()) == set(FilterType)
    assert spec.search.min_relevance == 0.4


def test_indexes_keep_the_order_of_the_file(tmp_path: Path) -> None:
    text = FAQS + ARTICLES.removeprefix("indexes:\n") + FAQS.replace("faqs:", "b:")[9:]
    assert list(read(tmp_path, text)) == ["faqs", "articles", "b"]


def test_equal_embedders_are_one_model_in_memory(tmp_path: Path) -> None:
    indexes = read(tmp_path, FAQS + ARTICLES.removeprefix("indexes:\n"))
    assert indexes["faqs"].build.embedder is indexes["articles"].build.embedder


def test_a_device_is_the_index_s_own(tmp_path: Path) -> None:
    build = "    build: {embedder: {kind: sentence_transformers, name: x, device: %s}}\n"
    text = FAQS + build % "cpu" + ARTICLES.removeprefix("indexes:\n") + build % "cuda"
    embedders = [spec.build.embedder for spec in read(tmp_path, text).values()]
    assert [getattr(embedder, "device", None) for embedder in embedders] == ["cpu", "cuda"]


def test_a_model_in_a_folder_is_looked_up_beside_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "model"
    folder.mkdir(parents=True)
    assert read(tmp_path, WHOLE)["articles"].build.embedder.name == str(folder.resolve())
    other = changed("some/model", "./some/../some/other")
    assert read(tmp_path, other)["articles"].build.embedder.name == "./some/../some/other"


def of_type(content_type: str, build: str) -> str:
    return (
        f"indexes:\n  a:\n    content_type: {content_type}\n"
        f"    source: {{kind: directory, path: a}}\n    build:\n{build}"
    )


@pytest.mark.parametrize("content_type", ["article", "faq", "pdf", "snippet"])
@pytest.mark.parametrize(
    ("fields", "line", "tokens"),
    [
        ("        max_tokens: 1000\n", 8, 1040),
        ("        context_tokens: 55\n", 8, 255),
        ("        context_tokens: 40\n        max_tokens: 215\n", 9, 255),
    ],
)
def test_chunks_fit_into_what_the_model_reads(
    tmp_path: Path, content_type: str, fields: str, line: int, tokens: int
) -> None:
    build = f"      chunker:\n        kind: {content_type}\n"
    with pytest.raises(CatalogError) as caught:
        read(tmp_path, of_type(content_type, build + fields))
    assert str(caught.value) == (
        f"{tmp_path / 'catalog.yaml'}:{line}: max_tokens + context_tokens is at most 254 for "
        f"all-MiniLM-L6-v2, which drops the rest; not {tokens}"
    )


@pytest.mark.parametrize(
    "build",
    [
        "      chunker: {kind: article, max_tokens: 214}\n",
        "      chunker: {kind: article, max_tokens: 254, context_tokens: 0}\n",
        # Tokens of another vocabulary, and a model that says what it reads once it is loaded.
        "      chunker: {kind: sentence_splitter, chunk_size: 1000}\n",
        "      chunker: {kind: recursive, chunk_size: 1000}\n",
        "      chunker: {kind: article, max_tokens: 1000}\n"
        "      embedder: {kind: sentence_transformers, name: no/such/model}\n",
    ],
)
def test_chunks_whose_length_is_right_or_unknown_are_accepted(tmp_path: Path, build: str) -> None:
    assert read(tmp_path, of_type("article", build))["a"].build.chunker


@pytest.mark.parametrize("name", ["_a", "A", "updated_at", "a-b", "x9"])
def test_a_filter_has_a_plain_name(tmp_path: Path, name: str) -> None:
    text = ARTICLES + f"    filters: {{{name}: keyword}}\n"
    assert read(tmp_path, text)["articles"].build.filters == {name: FilterType.KEYWORD}


@pytest.mark.parametrize("name", ["product line", "a.b", "a[]", "9a", "-a", "größe", "''"])
def test_a_filter_with_another_name_is_refused(tmp_path: Path, name: str) -> None:
    text = ARTICLES + f"    filters:\n      locale: keyword\n      {name}: keyword\n"
    with pytest.raises(CatalogError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'catalog.yaml'}:7: ")
    assert "made of ASCII letters, digits, '-' and '_'" in message
    assert name.strip("'") in message


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
        (
            changed("directory", "ftp"),
            4,
            "unknown kind 'ftp'",
            "directory, http, intercom, jsonl, s3, zendesk",
        ),
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
