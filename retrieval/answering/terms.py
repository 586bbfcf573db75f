"""Words that matter, and how much: those that few of the texts at hand have weigh the most."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from indexers.bm25 import Bm25Encoder

Terms = frozenset[int]
"""The hashed stems of a text's words, stop words left out."""


def terms_of(encoder: Bm25Encoder, text: str) -> Terms:
    """The terms of a text, as the sparse vectors of an index know them."""
    return frozenset(encoder.encode_query(text).indices)


def rarities(wanted: Iterable[int], texts: Sequence[Terms]) -> dict[int, float]:
    """The inverse document frequency of terms among the texts at hand, as in BM25 (Robertson and
    Zaragoza, 2009, section 3): the highest for one that none of them has."""
    have = Counter(term for text in texts for term in text)
    return {
        term: math.log1p((len(texts) - have[term] + 0.5) / (have[term] + 0.5)) for term in wanted
    }


def share(of: Mapping[int, float], terms: Terms) -> float:
    """What part of the weighted terms is among these; 0 where there are none to weigh."""
    total = sum(of.values())
    return sum(weight for term, weight in of.items() if term in terms) / total if total else 0.0
