"""The vectors of a chunk's units, small enough to travel in its payload.

A unit's vector is the mean of the states of its tokens in the chunk's own forward pass, so that
it knows its surroundings (late chunking: Guenther et al., 2024, arXiv:2409.04701) and costs no
pass of its own. Only its direction matters, so eight bits a component do.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pybase64

from indexers.store.base import Vector

UnitVectors = npt.NDArray[np.int8]
"""Rows of shape (units, dimension), each scaled so that its largest component is 127."""


def quantise(rows: Vector) -> UnitVectors:
    """Rows of shape (units, dimension) as UnitVectors; a row of zeros stays one."""
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=1e-12)
    scaled: UnitVectors = np.rint(rows * (127.0 / largest)).astype(np.int8)
    return scaled


def to_payload(units: UnitVectors) -> str:
    """UnitVectors as text (base64, RFC 4648)."""
    return pybase64.b64encode(units.tobytes()).decode("ascii")


def from_payloads(
    texts: Sequence[str], dimension: int
) -> tuple[UnitVectors, npt.NDArray[np.int64]]:
    """The UnitVectors that `to_payload` wrote as each text, one after the other, and the place in
    `texts` that each row comes from."""
    decoded = [pybase64.b64decode(text, validate=True) for text in texts]
    rows = np.frombuffer(b"".join(decoded), dtype=np.int8).reshape(-1, dimension)
    return rows, np.repeat(np.arange(len(texts)), [len(one) // dimension for one in decoded])


def cosines(units: UnitVectors, query: Vector) -> Vector:
    """The cosine of each row with a query of length 1, of shape (units,)."""
    rows = units.astype(np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    found: Vector = (rows @ query) / np.maximum(lengths, 1e-12)
    return found
