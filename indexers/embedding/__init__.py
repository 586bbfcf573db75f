"""Turning text into vectors: the contract in `base`, one module for each runtime."""

from typing import Any

from indexers.embedding.base import Embedder, Kind, Spans
from indexers.embedding.minilm import MiniLM
from indexers.embedding.sentence import SentenceEmbedder

EMBEDDERS: dict[str, type[Any]] = {
    "minilm": MiniLM,
    "sentence_transformers": SentenceEmbedder,
}
"""Every kind of embedder that a catalog can name."""

DEFAULT_EMBEDDER = "minilm"

__all__ = [
    "DEFAULT_EMBEDDER",
    "EMBEDDERS",
    "Embedder",
    "Kind",
    "MiniLM",
    "SentenceEmbedder",
    "Spans",
]
