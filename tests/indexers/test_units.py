"""Unit vectors in eight bits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from indexers.store.base import Vector
from indexers.units import cosines, from_payloads, quantise, to_payload

WIDTH = 5  # Not a multiple of three, where base64 needs no padding.
ROWS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 5), st.just(WIDTH)),
    elements=st.floats(-4, 4, width=32),
)


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_what_goes_into_payloads_comes_out_in_order(chunks: list[Vector]) -> None:
    units = [quantise(rows) for rows in chunks]
    rows, owners = from_payloads([to_payload(one) for one in units], WIDTH)
    assert np.array_equal(rows, np.concatenate(units))
    assert owners.tolist() == [place for place, one in enumerate(units) for _ in one]


@given(st.integers(0, 1000), st.integers(1, 6))
def test_eight_bits_keep_the_direction(seed: int, count: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(count, 384)).astype(np.float32)
    for row, found in zip(rows, quantise(rows), strict=True):
        length = np.linalg.norm(row) * np.linalg.norm(found.astype(np.float32))
        assert row @ found / length > 0.999


def test_a_row_of_zeros_stays_one_and_is_like_nothing() -> None:
    rows = np.zeros((2, 384), np.float32)
    rows[1, 7] = -3.0
    units = quantise(rows)
    query = np.zeros(384, np.float32)
    query[7] = 1.0
    assert not units[0].any()
    assert units[1, 7] == -127
    assert np.allclose(cosines(units, query), [0.0, -1.0])


def test_cosines_are_of_the_rows_whatever_their_length() -> None:
    rows = np.array([[1, 1, 0, 0], [0, 50, 0, 0], [-3, 0, 0, 0]], np.float32)
    query = np.array([1, 0, 0, 0], np.float32)
    assert np.allclose(cosines(quantise(rows), query), [0.5**0.5, 0, -1], atol=1e-3)


def test_no_units_are_no_cosines() -> None:
    units, owners = from_payloads([to_payload(quantise(np.zeros((0, 384), np.float32)))], 384)
    assert cosines(units, np.ones(384, np.float32)).shape == owners.shape == (0,)
