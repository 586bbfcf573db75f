import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from chunkers import count_cl100k, count_cl100k_batch, tokens


def test_counts_are_those_of_cl100k() -> None:
    assert count_cl100k("hello world") == 2
    assert count_cl100k_batch(["", "tiktoken is great!"]) == [0, 6]
    assert count_cl100k("<|endoftext|>") > 1


def test_loading_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    count_cl100k("x")
    assert "TIKTOKEN_CACHE_DIR" not in os.environ


def test_the_vocabulary_comes_with_llama_index() -> None:
    folder = tokens._vocabulary_folder()
    assert folder is not None
    assert any(folder.iterdir())


def test_threads_may_count_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(count_cl100k, ["hello world"] * 64)) == {2}
