"""How a catalog says that an index is searched."""

from pathlib import Path

import numpy as np
import pytest

from chunkers import ContentType
from indexers.bm25 import SparseVector
from indexers.located import LocatedError, load
from indexers.relevance import Relevance
from indexers.search_spec import DEFAULTS, Convex, Rrf, SearchSpec, parse_search


def parse(folder: Path, text: str, kind: ContentType = ContentType.ARTICLE) -> SearchSpec:
    file = folder / "catalog.yaml"
    file.write_text(f"search:\n{text}")
    return parse_search(kind, load(file).mapping("search"))


@pytest.mark.parametrize("kind", list(ContentType))
def test_every_content_type_has_a_default(tmp_path: Path, kind: ContentType) -> None:
    (tmp_path / "catalog.yaml").write_text("a: {}\n")
    found = parse_search(kind, load(tmp_path / "catalog.yaml").mapping("search"))
    assert found == DEFAULTS[kind]


@pytest.mark.parametrize("kind", list(ContentType))
def test_what_is_said_changes_that_alone(tmp_path: Path, kind: ContentType) -> None:
    found = parse(tmp_path, "  min_relevance: 0\n", kind)
    assert found.min_relevance == 0
    default = DEFAULTS[kind]
    assert (found.fusion, found.relevance) == (default.fusion, default.relevance)
    assert (found.unit_share, found.max_hits) == (default.unit_share, default.max_hits)
    assert found.candidates == default.candidates


def test_everything_can_be_said(tmp_path: Path) -> None:
    text = (
        "  strategy: dense\n  fusion: {kind: rrf, k: 10}\n  candidates: 7\n"
        "  relevance: {intercept: 1, fused: 2, crowd: 3, terms: 4}\n"
        "  min_relevance: 1\n  unit_share: null\n  max_hits: 3\n"
    )
    found = parse(tmp_path, text)
    assert (found.strategy, found.fusion, found.candidates) == ("dense", Rrf(k=10), 7)
    assert found.relevance == Relevance(intercept=1, fused=2, crowd=3, terms=4)
    assert (found.min_relevance, found.unit_share, found.max_hits) == (1, None, 3)


def test_a_fusion_without_a_kind_is_convex(tmp_path: Path) -> None:
    found = parse(tmp_path, "  fusion: {dense: 1, unit: 0, sparse: 3}\n  min_relevance: 0\n")
    assert found.fusion == Convex(dense=1, unit=0, sparse=3)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("  threshold: 1\n", 2, "unknown key 'threshold'; valid keys: candidates, fusion"),
        ("  strategy: magic\n", 2, "unknown strategy 'magic'; valid: dense, hybrid, sparse"),
        ("  strategy: 3\n", 2, "unknown strategy 3; valid: dense, hybrid, sparse"),
        ("\n  fusion: {kind: sum}\n", 3, "unknown kind 'sum'; valid: convex, rrf"),
        ("  fusion: {kind: rrf, dense: 1}\n", 2, "unknown key 'dense'; valid keys: k, kind"),
        ("  fusion: {kind: rrf, k: 0}\n", 2, "'k' is 1 or more"),
        ("  fusion: {dense: 0, unit: 0, sparse: 0}\n", 2, "weights of 0 or more, not all 0"),
        ("  fusion: {dense: -1}\n", 2, "weights of 0 or more, not all 0"),
        ("  fusion: rrf\n", 2, "'fusion' must be a mapping, not text"),
        ("  relevance: {intercept: 1}\n", 2, "'fused' is missing"),
        ("  min_relevance: 0.4\n  strategy: dense\n", 3, "relevance is fitted to the default"),
        ("  fusion: {kind: rrf}\n", 2, "give 'relevance' (python -m benchmarks calibrate"),
        ("  candidates: 0\n", 2, "'candidates' is a whole number from 1 to 1000"),
        ("  candidates: 1001\n", 2, "'candidates' is a whole number from 1 to 1000"),
        ("  candidates: many\n", 2, "'candidates' must be int, not text"),
        ("  min_relevance: 1.1\n", 2, "'min_relevance' is a number from 0 to 1"),
        ("  min_relevance: .nan\n", 2, "'min_relevance' must be float, not nan"),
        ("  unit_share: 0\n", 2, "'unit_share' is a number above 0"),
        ("  max_hits: 0\n", 2, "'max_hits' is 1 or more"),
    ],
)
def test_an_error_names_line_key_and_choices(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    with pytest.raises(LocatedError) as caught:
        parse(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'catalog.yaml'}:{line}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("strategy", "dense", "sparse"),
    [("hybrid", True, True), ("dense", True, False), ("sparse", False, True)],
)
def test_a_strategy_chooses_the_vectors(strategy: str, dense: bool, sparse: bool) -> None:
    spec = SearchSpec(strategy=strategy, candidates=9)
    search = spec.to_search(np.ones(4, np.float32), SparseVector((1,), (1.0,)), {})
    assert (search.dense is not None, search.sparse is not None, search.limit) == (dense, sparse, 9)
