"""A small search engine of our own, and files of every form, to run the harness on."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.datasets import Dataset, Question
from benchmarks.errors import SuiteError
from benchmarks.records import RankedDocument, Record, ReturnedPassage
from benchmarks.run import Found, OnProgress
from benchmarks.suite import BuildSpec, SearchSpec
from chunkers import extract
from indexers.embedding import MiniLM
from indexers.located import LocatedError
from retrieval.answering import Question as AnswererQuestion
from tests.retrieval.answering.passages import passage

SHARED = Path(__file__).parents[3] / "shared" / "data"


@dataclass
class OverlapEngine:
    """Ranks windows of words by how many of the question's words they hold.

    A build's `words` is the window's size; a search's `top_k` the passages returned, and its
    `at_least` the share of the question's words below which nothing is returned.
    """

    built: list[tuple[str, str]] = field(default_factory=list)
    windows: dict[tuple[str, str], list[tuple[str, int, int, str]]] = field(default_factory=dict)

    def check(
        self, dataset: Dataset, build: BuildSpec, searches: Sequence[SearchSpec]
    ) -> Mapping[str, str]:
        try:
            build.where.only({"words"})
            for search in searches:
                search.where.only({"top_k", "at_least"})
        except LocatedError as exc:
            raise SuiteError(str(exc)) from exc
        return {f"{dataset.name}-{build.name}": str(build.where.get("words", 20))}

    def build(self, dataset: Dataset, build: BuildSpec, on_progress: OnProgress) -> None:
        place = (dataset.name, build.name)
        self.built.append(place)
        self.windows[place] = []
        for done, content in enumerate(dataset.documents, start=1):
            cuts = _windows(extract(content).text, build.where.get("words", 20))
            self.windows[place] += [(content.id, *cut) for cut in cuts]
            on_progress("indexing", done, None)

    def search(
        self, dataset: Dataset, build: BuildSpec, search: SearchSpec, question: Question
    ) -> Found:
        words = _words(question.text)
        scored = [
            (len(words & _words(text)) / len(words), document, start, end, text)
            for document, start, end, text in self.windows[dataset.name, build.name]
        ]
        found = sorted((hit for hit in scored if hit[0] > 0), key=lambda hit: -hit[0])
        least = search.where.get("at_least", 0.0)
        kept = [hit for hit in found if hit[0] >= least][: search.where.get("top_k", 5)]
        return Found(
            ranked=[RankedDocument(document_id=hit[1], score=hit[0]) for hit in found],
            passages=[
                ReturnedPassage(
                    document_id=document,
                    start=start,
                    end=end,
                    tokens=len(text.split()),
                    relevance=score,
                    text=text,
                )
                for score, document, start, end, text in kept
            ],
            answered=bool(kept),
            reason=None if kept else "no passage is like the question",
            relevance=found[0][0] if found else 0.0,
            timings_ms={"total": 1.0},
            asked=AnswererQuestion(
                text=question.text,
                passages=[
                    passage(text, document=document, start=start, relevance=score)
                    for score, document, start, _, text in kept
                ],
                embedder=MiniLM(),
            ),
        )


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _windows(text: str, size: int) -> Iterator[tuple[int, int, str]]:
    words = list(re.finditer(r"\S+", text))
    for first in range(0, len(words), size):
        start, end = words[first].start(), words[min(first + size, len(words)) - 1].end()
        yield start, end, text[start:end]


@pytest.fixture
def engine() -> OverlapEngine:
    return OverlapEngine()


@pytest.fixture
def open_engine(engine: OverlapEngine) -> Callable[[Path], Any]:
    @contextmanager
    def opened(data_dir: Path) -> Iterator[OverlapEngine]:
        yield engine

    return opened


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


DOCUMENTS = {
    "pause": "You can pause your plan for up to three boxes. Open the app and choose Pause.",
    "refund": "A refund goes back to the card that paid. It takes five working days.",
    "wifi": "Hold the button until the ring is blue, then join the network of the garden.",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a retrieval set, `help`, and a span set, `marked`."""
    root = tmp_path / "sets"
    write_lines(
        root / "help" / "corpus.jsonl",
        [{"_id": name, "title": name, "text": text} for name, text in DOCUMENTS.items()],
    )
    write_lines(
        root / "help" / "queries.jsonl",
        [
            {"_id": "q1", "text": "how do I pause my plan"},
            {"_id": "q2", "text": "when does the refund reach my card"},
            {"_id": "q3", "text": "zebra crossing", "answerable": False},
            {"_id": "q4", "text": "of another split"},
        ],
    )
    qrels = "query-id\tcorpus-id\tscore\nq1\tpause\t2\nq1\twifi\t0\nq2\trefund\t1\n"
    (root / "help" / "qrels.tsv").write_text(qrels, encoding="utf-8")
    write_lines(
        root / "marked" / "docs.jsonl",
        [{"doc_id": name, "text": text} for name, text in DOCUMENTS.items()],
    )
    content = "It takes five working days."
    start = DOCUMENTS["refund"].index(content)
    reference = {"content": content, "start_index": start, "end_index": start + len(content)}
    write_lines(
        root / "marked" / "questions.jsonl",
        [
            {
                "id": "m1",
                "doc_id": "refund",
                "question": "how many working days for a refund",
                "references": [reference],
            }
        ],
    )
    return root


@pytest.fixture
def make_record() -> Callable[..., Record]:
    """Makes a record of one question; fields that a test does not name are plain."""

    def made(**fields: Any) -> Record:
        plain: dict[str, Any] = {
            "dataset": "help",
            "build": "b",
            "search": "s",
            "query_id": "q1",
            "question": "how?",
            "ranked": (),
            "passages": (),
            "answered": False,
            "reason": None,
            "relevance": 0.0,
            "timings_ms": {},
            "judgments": {},
            "references": (),
            "answerable": True,
        }
        ranked = tuple(
            RankedDocument(document_id=name, score=1 / rank)
            for rank, name in enumerate(fields.pop("found", ()), start=1)
        )
        passages = tuple(
            ReturnedPassage(
                document_id=name, start=start, end=end, tokens=end - start, relevance=0.5, text="t"
            )
            for name, start, end in fields.pop("returned", ())
        )
        return Record(**{**plain, "ranked": ranked, "passages": passages, **fields})

    return made


@pytest.fixture
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared data folder is absent")
    return SHARED
