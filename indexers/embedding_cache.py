"""Text that was embedded before by the same model is never embedded again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexers.embedding import Embedder, Spans
from indexers.state import State
from indexers.store.base import Vector
from indexers.units import UnitVectors, quantise


@dataclass(frozen=True, slots=True)
class Embedded:
    """A text's vector, of shape (dimension,), and those of its units; `fresh` where the model made
    them now."""

    vector: Vector
    units: UnitVectors
    fresh: bool


@dataclass(frozen=True, kw_only=True)
class CachingEmbedder:
    """An embedder for documents, in front of which the state database keeps every vector."""

    embedder: Embedder
    state: State

    def embed(self, texts: Sequence[str], units: Sequence[Spans]) -> list[Embedded]:
        """The texts' vectors, and those of the units of each, in order.

        Raises:
            EmbedderError: the model failed.
        """
        keys = [_key(text, spans) for text, spans in zip(texts, units, strict=True)]
        model = self.embedder.revision
        known = self.state.embeddings(model, sorted(set(keys)))
        missing = {key: place for place, key in enumerate(keys) if key not in known}
        if missing:
            places = list(missing.values())
            fresh = self._embed([texts[place] for place in places], [units[p] for p in places])
            self.state.save_embeddings(model, dict(zip(missing, fresh, strict=True)))
            known.update(zip(missing, fresh, strict=True))
        return [
            self._decoded(known[key], fresh=missing.get(key) == place)
            for place, key in enumerate(keys)
        ]

    def _embed(self, texts: Sequence[str], units: Sequence[Spans]) -> list[bytes]:
        vectors, unit_vectors = self.embedder.embed_units(texts, units)
        return [
            vector.tobytes() + quantise(rows).tobytes()
            for vector, rows in zip(vectors, unit_vectors, strict=True)
        ]

    def _decoded(self, value: bytes, *, fresh: bool) -> Embedded:
        dimension = self.embedder.dimension
        vector = np.frombuffer(value, dtype=np.float32, count=dimension)
        rows = np.frombuffer(value, dtype=np.int8, offset=vector.nbytes)
        return Embedded(vector, rows.reshape(-1, dimension), fresh)


def _key(text: str, spans: Spans) -> bytes:
    digest = hashlib.sha256(text.encode())
    digest.update(np.array(spans, dtype=np.int64).tobytes())
    return digest.digest()[:16]
