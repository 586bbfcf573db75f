"""Unit vectors in eight bits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from indexers.store.base import Vector
from indexers.units import cosines, from_payload, quantise, to_payload

ROWS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 5), st.just(384)),
    elements=st.floats(-4, 4, width=32),
)


@given(ROWS)
def test_what_goes_into_a_payload_comes_out(rows: Vector) -> None:
    units = quantise(rows)
    assert np.array_equal(from_payload(to_payload(units), 384), units)


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
    units = from_payload(to_payload(quantise(np.zeros((0, 384), np.float32))), 384)
    assert cosines(units, np.ones(384, np.float32)).shape == (0,)
