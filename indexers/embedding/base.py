"""The contract of an embedder, and the two things its adapters share."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Kind = Literal["query", "document"]
Spans = Sequence[tuple[int, int]]
"""Stretches of a text, as pairs of start and end in characters."""


class Embedder(Protocol):
    """A frozen, configured model that may be called from several threads at once."""

    @property
    def name(self) -> str:
        """The model's name, for people and for reports."""

    @property
    def revision(self) -> str:
        """Hash of the weights, the pooling and the precision; the machine is not part of it."""

    @property
    def dimension(self) -> int:
        """The length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Word pieces that the model reads of one text, specials left out; the rest is dropped."""

    def embed(self, texts: Sequence[str], *, kind: Kind = "document") -> Vectors:
        """One row for each text, in their order: shape (n, dimension), each of length 1.

        `kind` picks the model's own prompt where it has one. Raises `EmbedderError`.
        """

    def embed_units(
        self, texts: Sequence[str], units: Sequence[Spans]
    ) -> tuple[Vectors, list[Vectors]]:
        """The texts' rows as documents, and a row for each unit of each text.

        A unit's row is the mean of its tokens' states in the pass over the whole text, which
        knows what surrounds it: shape (len(units), dimension), of any length, zeros where the
        model read none of the unit. A model that does not pool by the mean embeds each unit as
        a text of its own. Raises `EmbedderError`.
        """

    def release(self) -> None:
        """Free what only documents need; the next call that embeds them loads it again."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, specials left out, before anything is cut off."""


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions of `lengths` in batches, longest first, of at most `budget` tokens with padding.

    Every text of a batch is padded to its longest, so near lengths go together. A text longer
    than the budget is a batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda position: -lengths[position])
    while order:
        size = max(1, budget // max(1, lengths[order[0]]))
        yield order[:size]
        order = order[size:]


def fingerprint(files: Sequence[Path], *facts: object) -> str:
    """Sixteen hex digits of SHA-256 over the files' contents and the facts, in that order.

    The whole file is read (90 MB take about 0.1 s): a header or a size would not see that a
    model was trained further.
    """
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    digest.update(repr(facts).encode())
    return digest.hexdigest()[:16]


def pool_units(states: Vectors, offsets: Sequence[tuple[int, int]], units: Spans) -> Vectors:
    """The mean state of each unit's tokens: shape (len(units), dimension).

    `states` has a row for each token of the text, `offsets` the token's span in characters; a
    special token's span is empty.
    """
    spans = np.array(offsets, dtype=np.int64).reshape(-1, 2)[: len(states)]
    starts, ends = spans[:, 0], spans[:, 1]
    rows = np.zeros((len(units), states.shape[1]), np.float32)
    for row, (start, end) in enumerate(units):
        inside = (starts < end) & (ends > start) & (ends > starts)
        if inside.any():
            rows[row] = states[inside].mean(axis=0)
    return rows
