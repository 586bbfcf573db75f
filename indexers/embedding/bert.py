"""A BERT encoder as an OpenVINO graph, built straight from a safetensors file.

Building it takes a sixth of a second and needs neither torch nor a converted copy on disk.
The layers are those of Devlin et al., "BERT" (2018), with post-layer normalisation; the sentence
vector is the mean over the text's tokens, as in Reimers and Gurevych, "Sentence-BERT" (2019).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset13 as ops
from safetensors.numpy import load_file

Weights = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Shape:
    """The sizes in a BERT `config.json` that the graph depends on."""

    layers: int
    heads: int
    width: int
    epsilon: float

    @classmethod
    def read(cls, config: Path) -> "Shape":
        """Raises `OSError`, `ValueError` or `KeyError` when the file is not a BERT's."""
        values = json.loads(config.read_text(encoding="utf-8"))
        return cls(
            layers=values["num_hidden_layers"],
            heads=values["num_attention_heads"],
            width=values["hidden_size"],
            epsilon=values["layer_norm_eps"],
        )


def sentence_encoder(weights: Path, shape: Shape) -> openvino.Model:
    """Token ids and mask, both int32 (batch, length), to two outputs of float32: unit vectors
    (batch, width), and the states that they are the mean of (batch, length, width)."""
    return _Graph(load_file(weights), shape).model()


@dataclass(frozen=True)
class _Graph:
    # A node has no type that the vendor exports for all of its kinds.
    weights: Weights
    shape: Shape

    def model(self) -> openvino.Model:
        ids = ops.parameter([-1, -1], np.int32, name="ids")
        mask = ops.parameter([-1, -1], np.int32, name="mask")
        hidden = self._embeddings(ids)
        # A boolean mask, not a large negative bias: in bfloat16 the bias costs accuracy
        # (smallest cosine to float32 .99986 instead of .99997).
        visible = ops.unsqueeze(ops.convert(mask, "boolean"), _ints(1, 2))
        for layer in range(self.shape.layers):
            hidden = self._layer(hidden, visible, f"encoder.layer.{layer}")
        return openvino.Model([self._pool(hidden, mask), hidden], [ids, mask], "sentence_encoder")

    def _embeddings(self, ids: Any) -> Any:
        length = ops.gather(ops.shape_of(ids, "i64"), _ints(1), _ints(0))
        table = self._constant("embeddings.position_embeddings.weight")
        positions = ops.slice(table, _ints(0), length, _ints(1), _ints(0))
        words = ops.gather(self._constant("embeddings.word_embeddings.weight"), ids, _ints(0))
        # One text at a time: every token is of segment 0.
        segment = ops.constant(self.weights["embeddings.token_type_embeddings.weight"][0])
        return self._norm(ops.add(ops.add(words, segment), positions), "embeddings.LayerNorm")

    def _layer(self, hidden: Any, visible: Any, name: str) -> Any:
        attended = self._linear(
            self._attention(hidden, visible, f"{name}.attention.self"),
            f"{name}.attention.output.dense",
        )
        hidden = self._norm(ops.add(hidden, attended), f"{name}.attention.output.LayerNorm")
        inner = ops.gelu(self._linear(hidden, f"{name}.intermediate.dense"), "erf")
        outer = self._linear(inner, f"{name}.output.dense")
        return self._norm(ops.add(hidden, outer), f"{name}.output.LayerNorm")

    def _attention(self, hidden: Any, visible: Any, name: str) -> Any:
        query, key, value = (
            self._heads(self._linear(hidden, f"{name}.{part}"))
            for part in ("query", "key", "value")
        )
        mixed = ops.scaled_dot_product_attention(query, key, value, visible)
        together = ops.transpose(mixed, _ints(0, 2, 1, 3))
        return ops.reshape(together, _ints(0, 0, self.shape.width), True)

    def _heads(self, hidden: Any) -> Any:
        heads = self.shape.heads
        parts = ops.reshape(hidden, _ints(0, 0, heads, self.shape.width // heads), True)
        return ops.transpose(parts, _ints(0, 2, 1, 3))

    def _pool(self, hidden: Any, mask: Any) -> Any:
        weight = ops.unsqueeze(ops.convert(mask, "f32"), _ints(2))
        total = ops.reduce_sum(ops.multiply(hidden, weight), _ints(1))
        # Of unit length afterwards, so the division by the number of tokens falls away.
        return ops.normalize_l2(total, _ints(1), 1e-12, "max")

    def _linear(self, hidden: Any, name: str) -> Any:
        product = ops.matmul(hidden, self._constant(f"{name}.weight"), False, True)
        return ops.add(product, self._constant(f"{name}.bias"))

    def _norm(self, hidden: Any, name: str) -> Any:
        centred = ops.mvn(hidden, _ints(-1), True, self.shape.epsilon, "inside_sqrt")
        scaled = ops.multiply(centred, self._constant(f"{name}.weight"))
        return ops.add(scaled, self._constant(f"{name}.bias"))

    def _constant(self, name: str) -> Any:
        return ops.constant(self.weights[name])


def _ints(*values: int) -> Any:
    return ops.constant(np.array(values, np.int64))
