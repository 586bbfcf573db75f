"""The raw parts of a query: its embedding and the store's search, one after the other.

    python -m benchmarks.performance.raw CATALOG DATA_DIR

A process of its own, as the API is, since one process at a time owns the embedded store. Reads
questions, a JSON string a line, and answers each with `{"embed": milliseconds, "search": ...}`.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from benchmarks.errors import BenchmarksError
from benchmarks.performance.passages import INDEX, ROOT, python_m
from indexers.catalog import load_catalog
from indexers.settings import Settings, open_store, state_path
from indexers.state import State
from retrieval.engine import Engine


class RawParts:
    """The process, as seen from the measurement."""

    def __init__(self, questions: IO[str], answers: IO[str]) -> None:
        self._questions = questions
        self._answers = answers

    def ask(self, question: str) -> tuple[float, float]:
        """The milliseconds of a question's embedding and of its search.

        Raises:
            BenchmarksError: the process ended.
        """
        self._questions.write(json.dumps(question) + "\n")
        self._questions.flush()
        line = self._answers.readline()
        if not line:
            raise BenchmarksError("the process that measures the raw parts ended")
        answer = json.loads(line)
        return answer["embed"], answer["search"]


@contextmanager
def raw_parts(catalog: Path, data_dir: Path) -> Iterator[RawParts]:
    """The process, which runs while the block does."""
    pipe = subprocess.PIPE
    command = python_m("benchmarks.performance.raw", catalog, data_dir)
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield RawParts(process.stdin, process.stdout)  # It ends when its input does.


def main(catalog: Path, data_dir: Path) -> None:
    """Answer questions until there are no more."""
    settings = Settings(data_dir=data_dir)
    engine = Engine(load_catalog(catalog), open_store(settings), State(state_path(settings)))
    try:
        engine.warm()
        for line in sys.stdin:
            embed, search = _query(engine, json.loads(line))
            print(json.dumps({"embed": embed, "search": search}), flush=True)
    finally:
        engine.close()


def _query(engine: Engine, text: str) -> tuple[float, float]:
    live = engine.live(INDEX)
    started = time.perf_counter()
    vector = live.embedder.embed([text], kind="query")[0]
    embedded = time.perf_counter()
    search = live.spec.to_search(vector, live.sparse.encode_query(text), {})
    ready = time.perf_counter()
    engine.store.search(live.record.collection, search)
    found = time.perf_counter()
    return (embedded - started) * 1000, (found - ready) * 1000


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
