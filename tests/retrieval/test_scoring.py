"""Scores by hand: fractions for fusion, and hits that do not depend on the store's order."""

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chunkers import ContentType
from indexers.bm25 import Bm25Encoder, SparseVector
from indexers.embedding import MiniLM
from indexers.search_spec import DEFAULTS, Convex, Rrf, SearchSpec
from indexers.state import BuildRecord
from indexers.store import Candidate
from indexers.units import quantise, to_payload
from retrieval.engine import Live
from retrieval.scoring import Asked, Scored, attainable, fuse, score


def column(*values: Fraction | float) -> Any:
    return np.array([float(value) for value in values])


NOTHING = column(0, 0, 0)


def test_a_convex_fusion_is_a_weighted_mean() -> None:
    dense = column(Fraction(1, 2), Fraction(1, 4), 0)
    unit = column(1, Fraction(1, 2), 0)
    share = column(0, Fraction(3, 4), 1)
    found = fuse(Convex(dense=1, unit=2, sparse=1), dense, unit, share)
    expected = column(Fraction(5, 8), Fraction(2, 4), Fraction(1, 4))
    assert np.allclose(found, expected)


def test_the_size_of_the_weights_is_no_matter() -> None:
    values = column(0.2, 0.4, 0.9)
    small, large = Convex(dense=1, unit=1, sparse=2), Convex(dense=10, unit=10, sparse=20)
    assert np.allclose(fuse(small, values, values, values), fuse(large, values, values, values))


def test_reciprocal_ranks_are_a_share_of_the_most_there_is() -> None:
    dense = column(0.9, 0.5, 0.1)
    share = column(0, 0.8, 0.2)
    found = fuse(Rrf(k=60), dense, NOTHING, share)
    most = Fraction(2, 61)
    expected = [
        Fraction(1, 61) / most,
        (Fraction(1, 62) + Fraction(1, 61)) / most,
        (Fraction(1, 63) + Fraction(1, 62)) / most,
    ]
    assert np.allclose(found, column(*expected))


def test_the_first_of_both_rankings_has_it_all() -> None:
    assert fuse(Rrf(k=7), column(1, 0.5), column(0, 0), column(1, 0.5))[0] == pytest.approx(1)


def test_what_a_ranking_did_not_find_gets_nothing_from_it() -> None:
    found = fuse(Rrf(k=60), NOTHING, NOTHING, column(0, 0.5, 0))
    assert np.allclose(found, column(0, Fraction(1, 2), 0))


def test_equal_scores_share_a_rank() -> None:
    found = fuse(Rrf(k=1), column(0.5, 0.5, 0.1), NOTHING, NOTHING)
    assert np.allclose(found, column(Fraction(1, 2), Fraction(1, 2), Fraction(1, 4)))


@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 0.1, 0.5, 0.9])] * 3), min_size=1, max_size=12),
    st.sampled_from([Convex(), Rrf(k=1), Rrf(k=60)]),
    st.randoms(use_true_random=False),
)
def test_fusion_does_not_depend_on_the_order_of_the_candidates(
    rows: list[tuple[float, ...]], fusion: Convex | Rrf, order: random.Random
) -> None:
    places = list(range(len(rows)))
    order.shuffle(places)
    straight = fuse(fusion, *np.array(rows).T)
    shuffled = fuse(fusion, *np.array([rows[place] for place in places]).T)
    assert np.allclose(shuffled, straight[places])


def live(spec: SearchSpec) -> Live:
    record = BuildRecord(
        collection="c", index="articles", fingerprint="f", settings="{}", started_at=""
    )
    return Live(
        name="articles",
        content_type="article",
        record=record,
        embedder=MiniLM(),
        sparse=Bm25Encoder(),
        spec=spec,
        filters={},
    )


ASKED = Asked(
    dense=np.eye(4, dtype=np.float32)[0],
    sparse=SparseVector(indices=(1, 2), values=(1.0, 1.0)),
    idf={1: 2.0, 2: 0.5},
)


def candidate(number: int, dense: float, sparse: float, *units: float) -> Candidate:
    rows = np.array([[unit, (1 - unit**2) ** 0.5, 0, 0] for unit in units], np.float32)
    text = "word " * max(1, len(units))
    spans = [[5 * place, 5 * place + 4] for place in range(len(units))]
    payload = {
        "document_id": f"d{number}",
        "revision": "r1",
        "document": {"title": "D", "url": None, "locale": None, "updated_at": None},
        "content_type": "article",
        "ordinal": 0,
        "start": 0,
        "end": len(text),
        "text": text,
        "gap": None,
        "tokens": 1,
        "page": None,
        "heading_path": ["H"],
        "units": spans,
        "unit_vectors": to_payload(quantise(rows.reshape(-1, 4))),
    }
    return Candidate(id=f"id-{number}", payload=payload, scores={"dense": dense, "sparse": sparse})


def test_the_attainable_score_counts_the_rarest_terms() -> None:
    spec = SearchSpec()
    assert attainable(live(spec), ASKED) == pytest.approx((1.2 + 1) * 2.5)
    many = {term: float(term) for term in range(20)}
    sparse = SparseVector(indices=tuple(many), values=(1.0,) * 20)
    asked = Asked(dense=ASKED.dense, sparse=sparse, idf=many)
    assert attainable(live(spec), asked) == pytest.approx(2.2 * sum(range(8, 20)))


def test_a_query_without_a_term_attains_nothing_and_divides_by_nothing() -> None:
    asked = Asked(dense=ASKED.dense, sparse=SparseVector((), ()), idf={})
    (hit,) = score(live(SearchSpec()), asked, [candidate(1, 0.5, 0.0, 0.5)]).hits()
    assert hit.scores["share"] == 0.0


def test_a_hit_has_every_score_that_made_it() -> None:
    spec = SearchSpec(fusion=Convex(dense=0.5, unit=0.25, sparse=0.25))
    (hit,) = score(live(spec), ASKED, [candidate(1, 0.6, 2.75, 0.2, 0.8)]).hits()
    assert hit.scores["share"] == pytest.approx(0.5)
    assert hit.scores["unit"] == pytest.approx(0.8, abs=0.01)
    assert hit.scores["fused"] == pytest.approx(0.5 * 0.6 + 0.25 * 0.8 + 0.25 * 0.5, abs=0.01)
    assert [unit.share for unit in hit.units] == pytest.approx([0.525 / 0.675, 1.0], abs=0.02)
    assert (hit.text[hit.units[1].start : hit.units[1].end], hit.heading_path) == ("word", ("H",))


def test_nothing_found_is_no_hit() -> None:
    assert score(live(SearchSpec()), ASKED, []).hits() == []


@pytest.mark.parametrize("kind", list(ContentType))
@settings(deadline=None)
@given(order=st.randoms(use_true_random=False))
def test_hits_do_not_depend_on_the_order_that_the_store_found_them_in(
    kind: ContentType, order: random.Random
) -> None:
    rows = [(0.9, 1.0, 0.9, 0.1), (0.9, 1.0, 0.9, 0.1), (0.2, 3.0, 0.2), (0.9, 0.0, 0.5, 0.5)]
    candidates = [candidate(number, *row) for number, row in enumerate(rows)]
    expected = score(live(DEFAULTS[kind]), ASKED, candidates).hits()
    order.shuffle(candidates)
    again = score(live(DEFAULTS[kind]), ASKED, candidates).hits()
    assert [one.id for one in again] == [one.id for one in expected]
    assert [one.relevance for one in again] == pytest.approx([one.relevance for one in expected])
    relevances = [one.relevance for one in expected]
    assert relevances == sorted(relevances, reverse=True)


def found(*cosines: float) -> Scored:
    candidates = [candidate(number, cosine, 0) for number, cosine in enumerate(cosines)]
    return score(live(SearchSpec(fusion=Convex(dense=1, unit=0, sparse=0))), ASKED, candidates)


def test_the_crowd_is_what_stands_behind_the_best_ten() -> None:
    scored = found(*[0.9] * 10, *[0.1] * 990)
    assert scored.evidence.crowd == pytest.approx(0.1, abs=0.001)
    assert scored.evidence.terms == 2


def test_where_few_stand_behind_the_crowd_is_a_usual_one() -> None:
    assert found().evidence.crowd == found(*[0.9] * 10).evidence.crowd == pytest.approx(0.15)
    assert found(*[0.9] * 10, *[0.35] * 10).evidence.crowd == pytest.approx((0.15 + 0.35) / 2)


def test_no_more_terms_count_than_a_share_is_made_of() -> None:
    terms = range(30)
    sparse = SparseVector(indices=tuple(terms), values=(1.0,) * 30)
    asked = Asked(dense=ASKED.dense, sparse=sparse, idf=dict.fromkeys(terms, 1.0))
    assert score(live(SearchSpec()), asked, [candidate(1, 0.5, 0)]).evidence.terms == 12


def test_below_what_is_asked_for_only_the_best_hit_of_all_is_made() -> None:
    scored = found(0.9, 0.1, 0.8)
    assert [hit.id for hit in scored.hits()] == ["id-0", "id-2", "id-1"]
    least = scored.hits()[1].relevance
    assert [hit.id for hit in scored.hits(least)] == ["id-0", "id-2"]
    assert [hit.id for hit in scored.hits(1.0)] == ["id-0"]
