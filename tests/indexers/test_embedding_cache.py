"""Text that was embedded before is not embedded again, and comes back the same."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexers.embedding import MiniLM, Spans
from indexers.embedding_cache import CachingEmbedder
from indexers.state import State

TEXTS = ["How do I pause?", "Water the basil.", "How do I pause?"]
UNITS: list[Spans] = [[(0, 15)], [(0, 5), (6, 16)], [(0, 15)]]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "passages.db")
    yield made
    made.close()


def test_the_second_run_embeds_nothing_and_finds_the_same(state: State) -> None:
    first = CachingEmbedder(embedder=MiniLM(), state=state)
    fresh = first.embed(TEXTS, UNITS)
    second = CachingEmbedder(embedder=MiniLM(), state=state)
    known = second.embed(TEXTS, UNITS)
    assert [one.fresh for one in known] == [False, False, False]
    for one, other in zip(fresh, known, strict=True):
        assert np.array_equal(one.vector, other.vector)
        assert np.array_equal(one.units, other.units)


def test_what_is_repeated_in_one_batch_is_embedded_once(state: State) -> None:
    cache = CachingEmbedder(embedder=MiniLM(), state=state)
    found = cache.embed(TEXTS, UNITS)
    assert sorted(one.fresh for one in found) == [False, True, True]
    assert np.array_equal(found[0].vector, found[2].vector)
    assert [len(one.units) for one in found] == [1, 2, 1]
    expected = MiniLM().embed(TEXTS)
    for one, vector in zip(found, expected, strict=True):
        assert one.vector @ vector > 0.999


def test_the_same_text_in_other_units_is_another_thing(state: State) -> None:
    cache = CachingEmbedder(embedder=MiniLM(), state=state)
    (whole,) = cache.embed(["Water the basil."], [[(0, 16)]])
    (halves,) = cache.embed(["Water the basil."], [[(0, 5), (6, 16)]])
    assert whole.fresh
    assert halves.fresh
    assert (len(whole.units), len(halves.units)) == (1, 2)


def test_a_text_without_units_has_none(state: State) -> None:
    cache = CachingEmbedder(embedder=MiniLM(), state=state)
    for _ in range(2):
        (found,) = cache.embed(["Water."], [[]])
        assert found.units.shape == (0, 384)


def test_nothing_to_embed_is_nothing(state: State) -> None:
    cache = CachingEmbedder(embedder=MiniLM(), state=state)
    assert cache.embed([], []) == []
