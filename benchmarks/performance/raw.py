"""The raw parts of a query: its embedding and the store's search, one after the other.

    python -m benchmarks.performance.raw CATALOG DATA_DIR QUESTIONS

A process of its own, as the API is, since one process at a time owns the embedded store. Prints
`{"embed": [milliseconds, ...], "search": [...]}`, a value a question.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks.performance.passages import INDEX
from benchmarks.performance.workplace import read_questions
from indexers.catalog import load_catalog
from indexers.settings import Settings, open_store, state_path
from indexers.state import State
from retrieval.engine import Engine

WARM_UP = 20
"""Questions that are asked first, and not measured."""


def main(catalog: Path, data_dir: Path, questions: Path) -> None:
    """Measure and print."""
    settings = Settings(data_dir=data_dir)
    engine = Engine(load_catalog(catalog), open_store(settings), State(state_path(settings)))
    try:
        engine.warm()
        texts = read_questions(questions)
        for text in texts[:WARM_UP]:
            _query(engine, text)
        times = [_query(engine, text) for text in texts]
    finally:
        engine.close()
    embed, search = zip(*times, strict=True)
    print(json.dumps({"embed": embed, "search": search}))


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
    main(*map(Path, sys.argv[1:4]))
