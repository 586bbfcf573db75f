"""Any sentence-transformers model, by name or path, on a CPU or a GPU."""

import hashlib
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indexers.embedding.base import Kind, Spans, Vectors, batches, fingerprint, pool_units
from indexers.errors import EmbedderError

if TYPE_CHECKING:  # Importing them takes seconds, which only those who use this embedder pay.
    from sentence_transformers import SentenceTransformer

# Padded tokens in one batch, a size for a GPU's memory as much as for a processor's cache.
BATCH_TOKENS = 4096

# What the hub accepts: a name, or an owner and a name.
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


@dataclass(frozen=True)
class SentenceEmbedder:
    """The model in a folder, or one that the Hugging Face hub serves under its name.

    Pooling, prompts and length are the model's own; the rows are brought to length 1 even where
    the model does not. `device` is torch's name ("cpu", "cuda"); None takes the fastest there is.
    Calls wait for each other.
    """

    name: str
    # Not what the model is: its vectors are the same on every machine.
    device: str | None = field(default=None, compare=False)
    # The model's tokenizer keeps its truncation as state, which two threads would fight over.
    _lock: threading.RLock = field(
        default_factory=threading.RLock, init=False, repr=False, compare=False
    )

    def __reduce__(self) -> tuple[Any, ...]:
        return SentenceEmbedder, (self.name, self.device)  # Another process loads it itself.

    @cached_property
    def revision(self) -> str:
        """Hash of the weights as loaded, the modules around them, the vocabulary, the prompts, and
        the way of the units."""
        with self._loaded() as model:
            vocabulary = sorted(model.tokenizer.get_vocab().items())
            prompts = sorted(model.prompts.items())
            facts = (_modules(model), model.max_seq_length, vocabulary, prompts)
            return fingerprint([], _weights(model), *facts, self._pools_by_mean)

    @cached_property
    def dimension(self) -> int:
        """The length of a vector."""
        with self._loaded() as model:
            size = model.get_embedding_dimension()
        if size is None:
            raise EmbedderError(f"{self.name} does not say how long its vectors are")
        return size

    @cached_property
    def max_tokens(self) -> int:
        """Tokens that the model reads of one text; a prompt takes its share of them."""
        with self._loaded() as model:
            limit, specials = model.max_seq_length, model.tokenizer.num_special_tokens_to_add()
        if limit is None:
            raise EmbedderError(f"{self.name} does not say how many tokens it reads")
        return limit - int(specials)

    def embed(self, texts: Sequence[str], *, kind: Kind = "document") -> Vectors:
        """See `Embedder.embed`."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        lengths = [min(count, self.max_tokens) for count in self.count_tokens(texts)]
        for rows in batches(lengths, BATCH_TOKENS):
            vectors[rows] = self._encode([texts[row] for row in rows], kind)
        return vectors

    def embed_units(
        self, texts: Sequence[str], units: Sequence[Spans]
    ) -> tuple[Vectors, list[Vectors]]:
        """See `Embedder.embed_units`."""
        if not self._pools_by_mean:
            pieces = [text[a:b] for text, spans in zip(texts, units, strict=True) for a, b in spans]
            ends = np.cumsum([len(spans) for spans in units])[:-1]
            return self.embed(texts), np.split(self.embed(pieces), ends)
        pooled = []
        with self._loaded() as model:
            for text, spans in zip(texts, units, strict=True):
                (states,) = model.encode([text], output_value="token_embeddings")
                encoded = model.tokenizer(text, truncation=True, return_offsets_mapping=True)
                # Where the model keeps the first components of its vectors alone, so do units.
                rows = np.asarray(states.float().cpu(), np.float32)[:, : self.dimension]
                pooled.append(pool_units(rows, encoded["offset_mapping"], spans))
        return self.embed(texts), pooled

    @cached_property
    def _pools_by_mean(self) -> bool:
        """Whether a text's vector has the direction of its tokens' mean state."""
        with self._loaded() as model:
            modules = iter(_modules(model))
        pooled = any(dict(settings).get("pooling_mode") == "mean" for _, settings in modules)
        # What comes after may turn the vector, and change its length: a Dense layer does.
        return pooled and all(name == "Normalize" for name, _ in modules)

    def release(self) -> None:
        """See `Embedder.release`: queries need the model too."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder.count_tokens`; a prompt is not counted."""
        if not texts:
            return []
        with self._loaded() as model:
            encoded = model.tokenizer(
                list(texts), truncation=False, add_special_tokens=False, verbose=False
            )
        return [len(ids) for ids in encoded["input_ids"]]

    def _encode(self, texts: list[str], kind: Kind) -> Vectors:
        with self._loaded() as model:
            encode = model.encode_query if kind == "query" else model.encode_document
            vectors = encode(
                texts, batch_size=len(texts), show_progress_bar=False, normalize_embeddings=True
            )
        return np.asarray(vectors, np.float32)

    @contextmanager
    def _loaded(self) -> "Iterator[SentenceTransformer]":
        with self._lock:
            # A model that fails on a text raises RuntimeError: out of memory, a bad index.
            try:
                yield self._model
            except (RuntimeError, IndexError) as exc:
                raise EmbedderError(f"{self.name} failed: {exc}") from exc

    @cached_property
    def _model(self) -> "SentenceTransformer":
        from sentence_transformers import SentenceTransformer

        # Only a name that the hub could serve is looked up there, never a mistyped path.
        local = Path(self.name).is_dir() or not _HUB_NAME.fullmatch(self.name)
        try:
            return SentenceTransformer(self.name, device=self.device, local_files_only=local)
        except (OSError, ValueError, KeyError) as exc:
            raise EmbedderError(
                f"no model {self.name!r}: neither a folder with a model nor a name on the hub"
            ) from exc


def _weights(model: "SentenceTransformer") -> str:
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        # As bytes: numpy has no bfloat16.
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _modules(model: "SentenceTransformer") -> list[tuple[str, list[tuple[str, Any]]]]:
    # The pooling and what follows it; a module without settings is its class alone.
    settings: list[dict[str, Any]] = [
        getattr(module, "get_config_dict", dict)() for module in model
    ]
    return [
        (type(module).__name__, sorted(values.items()))
        for module, values in zip(model, settings, strict=True)
    ]
