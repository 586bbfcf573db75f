"""Token counts in cl100k_base, the unit of a prompt's budget."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import tiktoken

_CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
_LOADING = threading.Lock()


def count_cl100k(text: str) -> int:
    """Count the cl100k_base tokens of a text; special tokens are read as plain text."""
    return len(encode_cl100k(text))


def count_cl100k_batch(texts: Sequence[str]) -> list[int]:
    """Count the cl100k_base tokens of each text."""
    return [len(encode_cl100k(text)) for text in texts]


def encode_cl100k(text: str) -> list[int]:
    """Return the cl100k_base tokens of a text; special tokens are read as plain text."""
    return _loaded().encode_ordinary(text)


def _loaded() -> tiktoken.Encoding:
    with _LOADING:
        return _load()


@lru_cache(maxsize=1)
def _load() -> tiktoken.Encoding:
    with _vendored_vocabulary():
        return tiktoken.get_encoding("cl100k_base")


@contextmanager
def _vendored_vocabulary() -> Iterator[None]:
    """Point tiktoken at the vocabulary in llama-index-core: its own is fetched from the network."""
    previous = os.environ.get(_CACHE_VARIABLE)
    folder = _vocabulary_folder()
    if previous is not None or folder is None:
        yield
        return
    os.environ[_CACHE_VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[_CACHE_VARIABLE]


def _vocabulary_folder() -> Path | None:
    # find_spec imports only the parent, an empty namespace; llama_index.core takes seconds.
    spec = find_spec("llama_index.core") if find_spec("llama_index") else None
    places = spec.submodule_search_locations if spec else None
    folder = Path(places[0], "_static", "tiktoken_cache") if places else None
    return folder if folder is not None and folder.is_dir() else None
