"""BM25 as sparse vectors, by the encoder of Qdrant Edge.

A document's vector holds the saturated term frequencies; the store multiplies by the inverse
document frequency when it searches. The same vectors serve the embedded store and a Qdrant server.
"""

from dataclasses import dataclass
from functools import lru_cache

import qdrant_edge


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Hashed terms (32-bit) and their weights, of equal length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Bm25Encoder:
    """Okapi BM25 term weights (Robertson and Zaragoza, 2009, section 3).

    `language` chooses stop words and stemmer; `average_length` is the length in terms to which
    documents are normalised, fixed so that a chunk's vector never depends on the other chunks.
    """

    language: str = "english"
    k: float = 1.2
    b: float = 0.75
    average_length: float = 100.0

    def __post_init__(self) -> None:
        _model(self)

    def encode_document(self, text: str) -> SparseVector:
        """Weights of a stored text's terms."""
        return _sparse(_model(self).embed_document(text))

    def encode_query(self, text: str) -> SparseVector:
        """Weight 1 for each distinct term of a query."""
        return _sparse(_model(self).embed_query(text))


@lru_cache(maxsize=16)
def _model(encoder: Bm25Encoder) -> qdrant_edge.Bm25:
    return qdrant_edge.Bm25(
        qdrant_edge.Bm25Config(
            k=encoder.k, b=encoder.b, avg_len=encoder.average_length, language=encoder.language
        )
    )


def _sparse(vector: qdrant_edge.SparseVector) -> SparseVector:
    return SparseVector(indices=tuple(vector.indices), values=tuple(vector.values))
