"""From ranked hits to passages: what is kept, what is joined, and what is dropped and why."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chunkers import count_cl100k
from retrieval.query import Dropped, Hit, Passage
from retrieval.selection import Cut, Limits, select
from tests.retrieval.hits import Page, hit, limits

POTS = Page("pots", ("Basil is easy.", "Mint wanders.", "Thyme is dry.", "Dill is tall."))
PAIRS = [(0, 1), (2, 3)]


def texts(passages: Sequence[Passage]) -> list[str]:
    return [passage.text for passage in passages]


def reasons(dropped: Sequence[Dropped]) -> dict[str, str]:
    return {item.id: item.reason for item in dropped}


def test_nothing_found_is_nothing_returned() -> None:
    assert select([], limits()) == ([], [])


def test_hits_below_the_threshold_go() -> None:
    hits = [hit("a", "One.", 0.5), hit("b", "Two.", 0.3), hit("c", "Three.", 0.29)]
    passages, dropped = select(hits, limits(min_relevance=0.3))
    assert texts(passages) == ["One.", "Two."]
    assert reasons(dropped) == {"c": "relevance below 0.3"}


def test_a_threshold_of_nothing_keeps_everything() -> None:
    passages, dropped = select([hit("a", "One.", 0.0)], limits(min_relevance=0.0))
    assert texts(passages) == ["One."]
    assert not dropped


def test_each_index_has_its_own_threshold() -> None:
    cuts = {"articles": Cut(min_relevance=0.9), "faqs": Cut(min_relevance=0.1)}
    hits = [hit("a", "One.", 0.5), hit("f", "Two.", 0.5, index="faqs")]
    passages, dropped = select(hits, Limits(cuts=cuts, max_passages=9, max_tokens=999))
    assert texts(passages) == ["Two."]
    assert reasons(dropped) == {"a": "relevance below 0.9"}


def test_versions_of_a_document_are_never_mixed() -> None:
    old, new = POTS.hits(PAIRS, [0.9, 0.8]), POTS.hits(PAIRS, [0.7, 0.95])
    new = [replace(one, id=f"new-{one.id}", revision="r2") for one in new]
    passages, dropped = select([new[1], old[0], old[1], new[0]], limits(near_duplicate=None))
    assert texts(passages) == [POTS.text]
    assert passages[0].id == "new-pots-1"
    version = "another version of a document that is being replaced"
    assert reasons(dropped) == {"pots-0": version, "pots-1": version}


def test_what_says_the_same_is_returned_once() -> None:
    long = "To pause your plan open the app, select Plan, then Pause, and choose a month for it. "
    hits = [
        hit("best", long * 2, 0.9),
        hit("exact", long.upper() + " " + long, 0.8),
        hit("near", long * 2 + "Done.", 0.7),
        hit("other", "Basil wants water every day in summer and none in winter.", 0.6),
    ]
    passages, dropped = select(hits, limits())
    assert [passage.id for passage in passages] == ["best", "other"]
    assert reasons(dropped) == {
        "exact": "exact duplicate of a better passage",
        "near": "near duplicate of a better passage",
    }


def test_copies_are_kept_where_nothing_is_to_be_taken_for_a_duplicate() -> None:
    passages, _ = select(
        [hit("a", "Same.", 0.9), hit("b", "Same.", 0.8)], limits(near_duplicate=None)
    )
    assert texts(passages) == ["Same.", "Same."]


def test_texts_too_short_for_triples_of_words_are_no_near_duplicates() -> None:
    passages, _ = select([hit("a", "Yes.", 0.9), hit("b", "No.", 0.8)], limits())
    assert texts(passages) == ["Yes.", "No."]


def test_a_duplicate_of_what_did_not_fit_is_still_taken() -> None:
    hits = [hit("long", "basil " * 50, 0.9), hit("short", "basil", 0.8)]
    passages, dropped = select(hits, limits(max_tokens=10))
    assert texts(passages) == ["basil"]
    assert set(reasons(dropped)) == {"long"}


def test_neighbours_become_one_passage_with_the_text_between_them() -> None:
    hits = POTS.hits(PAIRS, [0.6, 0.9])
    (passage,), dropped = select(sorted(hits, key=lambda one: -one.relevance), limits())
    assert passage.text == POTS.text
    assert (passage.span.start, passage.span.end) == (0, len(POTS.text))
    assert (passage.id, passage.relevance, passage.rank) == ("pots-1", 0.9, 1)
    assert passage.tokens == count_cl100k(POTS.text)
    assert not dropped


def test_a_hit_between_two_passages_joins_all_three() -> None:
    first, middle, last = POTS.hits([(0, 0), (1, 2), (3, 3)], [0.9, 0.5, 0.8])
    passages, dropped = select([first, last, middle], limits(max_passages=2))
    assert texts(passages) == [POTS.text]
    assert not dropped


def test_passages_of_two_documents_or_two_indexes_are_never_joined() -> None:
    other = Page("cups", POTS.sentences)
    hits = [
        POTS.hits(PAIRS, [0.9, 0.9])[0],
        other.hits(PAIRS, [0.8, 0.8])[1],
        POTS.hits(PAIRS, [0.7, 0.7], index="faqs")[1],
    ]
    passages, _ = select(hits[:2], limits())
    assert len(passages) == 2
    passages, _ = select([hits[0], hits[2]], limits())
    assert len(passages) == 2


def test_chunks_that_overlap_are_joined_without_saying_anything_twice() -> None:
    hits = POTS.hits([(0, 2), (1, 3)], [0.9, 0.8])
    passages, _ = select(hits, limits())
    assert texts(passages) == [POTS.text]


def test_chunks_that_overlap_beyond_their_neighbours_are_joined_too() -> None:
    first, _, last = POTS.hits([(0, 1), (0, 2), (1, 3)], [0.9, 0.1, 0.8])
    (passage,), _ = select([first, last], limits())
    assert passage.text == POTS.text


def test_a_passage_that_grows_into_another_one_is_joined_with_it() -> None:
    cuts, shares = [(0, 1), (0, 2), (1, 3)], [1.0, 0.1, 0.1, 1.0]
    first, middle, last = POTS.hits(cuts, [0.9, 0.7, 0.8], shares=shares)
    apart, _ = select([first, last], limits(unit_share=0.5))
    assert texts(apart) == ["Basil is easy.", "Dill is tall."]
    together, _ = select([first, last, middle], limits(unit_share=0.5))
    assert_apart(together)


def test_weak_units_at_the_ends_are_cut_off() -> None:
    (one,) = POTS.hits([(0, 3)], [0.9], shares=[0.1, 1.0, 0.2, 0.8])
    (passage,), _ = select([one], limits(unit_share=0.7))
    assert passage.text == "Mint wanders. Thyme is dry. Dill is tall."
    start, end = POTS.span(1, 3)
    assert (passage.span.start, passage.span.end) == (start, end)
    assert passage.tokens == count_cl100k(passage.text)


def test_a_hit_without_one_strong_unit_goes() -> None:
    (one,) = POTS.hits([(0, 3)], [0.9], shares=[0.1, 0.2, 0.3, 0.4])
    passages, dropped = select([one], limits(unit_share=0.5))
    assert not passages
    assert reasons(dropped) == {"pots-0": "nothing in it scores 0.5 of the best"}


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([1.0, 1.0, 1.0, 1.0], ["Basil is easy. Mint wanders. Thyme is dry. Dill is tall."]),
        ([1.0, 0.1, 1.0, 1.0], ["Basil is easy. Mint wanders. Thyme is dry. Dill is tall."]),
        ([1.0, 1.0, 0.1, 1.0], ["Basil is easy. Mint wanders. Thyme is dry. Dill is tall."]),
        ([1.0, 0.1, 0.1, 1.0], ["Basil is easy.", "Dill is tall."]),
        ([0.1, 1.0, 1.0, 0.1], ["Mint wanders. Thyme is dry."]),
    ],
)
def test_a_trimmed_neighbour_is_joined_unless_two_units_are_missing(
    shares: list[float], expected: list[str]
) -> None:
    hits = POTS.hits(PAIRS, [0.9, 0.8], shares=shares)
    passages, _ = select(hits, limits(unit_share=0.7))
    assert texts(passages) == expected
    for passage in passages:
        assert POTS.text[passage.span.start : passage.span.end] == passage.text


def test_only_so_many_hits_of_an_index_are_taken() -> None:
    hits = [hit(str(number), f"Text {number}.", 0.9) for number in range(4)]
    faq = hit("f", "A FAQ.", 0.8, index="faqs")
    passages, dropped = select([*hits, faq], limits(max_hits=2))
    assert texts(passages) == ["Text 0.", "Text 1.", "A FAQ."]
    assert reasons(dropped) == {"2": "max_hits 2 reached", "3": "max_hits 2 reached"}


def test_only_so_many_passages_but_a_neighbour_may_still_lengthen_one() -> None:
    first, second = POTS.hits(PAIRS, [0.9, 0.5])
    other = hit("other", "Something else.", 0.7)
    passages, dropped = select([first, other, second], limits(max_passages=1))
    assert texts(passages) == [POTS.text]
    assert reasons(dropped) == {"other": "max_passages 1 reached"}


def test_a_hit_too_long_for_the_budget_leaves_room_for_shorter_ones() -> None:
    hits = [hit("a", "basil " * 20, 0.9), hit("b", "mint " * 100, 0.8), hit("c", "dill", 0.7)]
    budget = hits[0].tokens + hits[2].tokens
    passages, dropped = select(hits, limits(max_tokens=budget))
    assert [passage.id for passage in passages] == ["a", "c"]
    assert reasons(dropped)["b"].startswith(f"max_tokens {budget} reached")


def test_a_neighbour_that_does_not_fit_leaves_the_passage_as_it_was() -> None:
    first, second = POTS.hits(PAIRS, [0.9, 0.8])
    passages, dropped = select([first, second], limits(max_tokens=first.tokens))
    assert texts(passages) == ["Basil is easy. Mint wanders."]
    assert set(reasons(dropped)) == {"pots-1"}


def test_passages_are_ranked_by_their_best_hit() -> None:
    first, second = POTS.hits(PAIRS, [0.5, 0.95])
    other = hit("other", "Something else.", 0.7)
    passages, _ = select([second, other, first], limits())
    assert [(passage.rank, passage.relevance) for passage in passages] == [(1, 0.95), (2, 0.7)]


WORDS = ("Basil", "mint", "dill", "wants", "sun", "never", "water", "12", "ñandú", "pots")


@st.composite
def pages(draw: st.DrawFn, name: str) -> tuple[Page, list[Hit]]:
    count = draw(st.integers(1, 10))
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6)
    page = Page(name, tuple(" ".join(draw(words)) + "." for _ in range(count)))
    lasts = sorted(draw(st.sets(st.integers(0, count - 1)))) or [count - 1]
    starts = [0, *(last + 1 for last in lasts[:-1])]
    # As splitters with overlap do, a chunk may begin with what the one before ends with.
    overlap = draw(st.integers(0, 2))
    starts = [max(0, start - overlap) for start in starts]
    cuts = [cut for cut in zip(starts, lasts, strict=True) if cut[0] <= cut[1]]
    cuts = [cut for before, cut in pairwise([(-1, -1), *cuts]) if cut[0] > before[0]]
    share = st.sampled_from([0.0, 0.3, 0.7, 1.0])
    relevances = [draw(st.sampled_from([0.1, 0.4, 0.6, 0.9])) for _ in cuts]
    hits = page.hits(cuts, relevances, shares=[draw(share) for _ in page.sentences])
    return page, [one for one in hits if draw(st.booleans())]


@given(
    st.tuples(pages("one"), pages("two")),
    st.sampled_from([None, 0.3, 0.7]),
    st.integers(1, 4),
    st.integers(1, 60),
    st.sampled_from([None, 1, 3]),
    st.randoms(use_true_random=False),
)
def test_whatever_is_found_budgets_hold_and_every_passage_tiles_back(
    found: tuple[tuple[Page, list[Hit]], ...],
    unit_share: float | None,
    max_passages: int,
    max_tokens: int,
    max_hits: int | None,
    order: random.Random,
) -> None:
    hits = [one for _, some in found for one in some]
    order.shuffle(hits)
    hits.sort(key=lambda one: -one.relevance)
    passages, dropped = select(
        hits,
        limits(
            min_relevance=0.3,
            unit_share=unit_share,
            max_hits=max_hits,
            max_passages=max_passages,
            max_tokens=max_tokens,
        ),
    )
    assert len(passages) <= max_passages
    assert sum(passage.tokens for passage in passages) <= max_tokens
    assert [passage.rank for passage in passages] == list(range(1, len(passages) + 1))
    assert all(one.relevance >= other.relevance for one, other in pairwise(passages))
    document = {page.id: page.text for page, _ in found}
    for passage in passages:
        span = passage.span
        assert document[passage.document.id][span.start : span.end] == passage.text != ""
        assert passage.tokens == count_cl100k(passage.text)
        assert passage.relevance >= 0.3
    assert_apart(passages)
    assert len(dropped) == len({item.id for item in dropped})
    assert {item.id for item in dropped} <= {one.id for one in hits}


def assert_apart(passages: Sequence[Passage]) -> None:
    """No two passages share a character of a document."""
    spans = sorted((one.document.id, one.span.start, one.span.end) for one in passages)
    for (name, _, end), (other, start, _) in pairwise(spans):
        assert name != other or end <= start


@given(st.tuples(pages("one"), pages("two")), st.randoms(use_true_random=False))
def test_hits_of_equal_relevance_may_come_in_any_order(
    found: tuple[tuple[Page, list[Hit]], ...], order: random.Random
) -> None:
    """Where neither a budget nor a duplicate makes them rivals."""
    hits = [one for _, some in found for one in some]
    if len({one.text for one in hits}) < len(hits):
        return
    expected, dropped = select(sorted(hits, key=lambda one: -one.relevance), limits())
    if any("duplicate" in item.reason for item in dropped):
        return
    order.shuffle(hits)
    again, _ = select(sorted(hits, key=lambda one: -one.relevance), limits())
    assert {(one.document.id, one.text) for one in again} == {
        (one.document.id, one.text) for one in expected
    }


@given(st.text())
def test_no_token_spans_two_words(text: str) -> None:
    """What the selection bounds a passage's tokens by, before it counts them."""
    assert len(text.split()) <= count_cl100k(text)
