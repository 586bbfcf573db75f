"""BM25 as sparse vectors, by the encoder of Qdrant Edge.

A document's vector holds the saturated term frequencies; the store multiplies by the inverse
document frequency when it searches. The same vectors serve the embedded store and a Qdrant server.
"""

from dataclasses import dataclass
from functools import lru_cache

import qdrant_edge

_LANGUAGES = {
    "arabic": qdrant_edge.Language.Arabic,
    "azerbaijani": qdrant_edge.Language.Azerbaijani,
    "basque": qdrant_edge.Language.Basque,
    "bengali": qdrant_edge.Language.Bengali,
    "catalan": qdrant_edge.Language.Catalan,
    "chinese": qdrant_edge.Language.Chinese,
    "danish": qdrant_edge.Language.Danish,
    "dutch": qdrant_edge.Language.Dutch,
    "english": qdrant_edge.Language.English,
    "finnish": qdrant_edge.Language.Finnish,
    "french": qdrant_edge.Language.French,
    "german": qdrant_edge.Language.German,
    "greek": qdrant_edge.Language.Greek,
    "hebrew": qdrant_edge.Language.Hebrew,
    "hungarian": qdrant_edge.Language.Hungarian,
    "indonesian": qdrant_edge.Language.Indonesian,
    "italian": qdrant_edge.Language.Italian,
    "japanese": qdrant_edge.Language.Japanese,
    "kazakh": qdrant_edge.Language.Kazakh,
    "nepali": qdrant_edge.Language.Nepali,
    "norwegian": qdrant_edge.Language.Norwegian,
    "portuguese": qdrant_edge.Language.Portuguese,
    "romanian": qdrant_edge.Language.Romanian,
    "russian": qdrant_edge.Language.Russian,
    "slovene": qdrant_edge.Language.Slovene,
    "spanish": qdrant_edge.Language.Spanish,
    "swedish": qdrant_edge.Language.Swedish,
    "tajik": qdrant_edge.Language.Tajik,
    "turkish": qdrant_edge.Language.Turkish,
}


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Hashed terms (32-bit) and their weights, of equal length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Bm25Encoder:
    """Okapi BM25 term weights (Robertson and Zaragoza, 2009, section 3).

    `language` chooses stop words and stemmer. `stopwords` names the other languages of an index:
    their stop words are rare in it, and would weigh the more for that. `average_length` is
    the length in terms to which documents are normalised, fixed so that a chunk's vector never
    depends on the other chunks; the default is the mean of default chunks of English articles.
    """

    language: str = "english"
    k: float = 1.2
    b: float = 0.75
    average_length: float = 67.0
    stopwords: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name in (self.language, *self.stopwords) if name not in _LANGUAGES]
        if unknown:
            valid = ", ".join(_LANGUAGES)
            raise ValueError(f"unknown language {unknown[0]!r}; valid: {valid}")
        _model(self)

    def encode_document(self, text: str) -> SparseVector:
        """Weights of a stored text's terms."""
        return _sparse(_model(self).embed_document(text))

    def encode_query(self, text: str) -> SparseVector:
        """Weight 1 for each distinct term of a query."""
        return _sparse(_model(self).embed_query(text))


@lru_cache(maxsize=16)
def _model(encoder: Bm25Encoder) -> qdrant_edge.Bm25:
    languages = {_LANGUAGES[name] for name in (encoder.language, *encoder.stopwords)}
    return qdrant_edge.Bm25(
        qdrant_edge.Bm25Config(
            k=encoder.k,
            b=encoder.b,
            avg_len=encoder.average_length,
            language=encoder.language,
            stopwords=qdrant_edge.StopwordsSet(languages=languages),
        )
    )


def _sparse(vector: qdrant_edge.SparseVector) -> SparseVector:
    return SparseVector(indices=tuple(vector.indices), values=tuple(vector.values))
