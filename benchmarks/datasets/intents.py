"""Users' utterances by intent, as FAQs and the questions that they answer; and those of no intent.

An intent is a FAQ: some of its utterances are the ways it is asked for, its name in words is the
answer. Files are those of banking77 (`train.csv`, `test.csv`: text,category), of NatCS
(`test-utterances.jsonl`: `{"utterance", "intent"}`), and of clinc150 (`data_full.json`).
"""

import csv
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets.base import Dataset, Question
from benchmarks.datasets.rows import json_rows, text_of
from benchmarks.datasets.spec import DatasetSpec, Places
from benchmarks.errors import DatasetError
from chunkers.document import Content, Format
from indexers.sources.base import revision_of

_SEED = 2026
_WAYS = 4
"""Utterances that a FAQ is asked for by: its question and three variants."""

_ASKED = 1000
"""Questions at most: the mean's interval is narrow enough then."""

_Utterance = tuple[str, str]
"""What was said, and its intent."""


@dataclass(frozen=True)
class _Faqs:
    """The ways each intent is asked for, as FAQs."""

    spec: DatasetSpec
    ways: Mapping[str, Sequence[str]]

    def __iter__(self) -> Iterator[Content]:
        for intent, (question, *variants) in self.ways.items():
            row = {
                "id": intent,
                "question": question,
                "variants": variants,
                "answer": _in_words(intent),
            }
            data = json.dumps(row, ensure_ascii=False).encode()
            yield Content(
                id=intent,
                content_type=self.spec.content_type,
                format=Format.JSON,
                data=data,
                revision=revision_of(data),
                title=question,
            )


def load_intents(spec: DatasetSpec, places: Places) -> Dataset:
    """Read utterances by intent; the ways that FAQs are asked for are drawn with a fixed seed.

    What is asked is drawn from the test split, or where there is none, from what no FAQ holds.

    Raises:
        DatasetError: see `DatasetSpec.load`.
    """
    folder, draw = spec.folder(places), random.Random(_SEED)
    split = (folder / "train.csv").is_file()
    known = _csv(folder / "train.csv") if split else _natcs(folder / "test-utterances.jsonl")
    by_intent: dict[str, list[str]] = {}
    for utterance, intent in known:
        by_intent.setdefault(intent, []).append(utterance)
    ways = {name: draw.sample(said, min(_WAYS, len(said))) for name, said in by_intent.items()}
    others = [pair for pair in known if pair[0] not in ways[pair[1]]]
    asked = _csv(folder / "test.csv") if split else others
    asked = [pair for pair in dict.fromkeys(asked) if pair[1] in ways]
    if not asked:
        raise DatasetError(f"{folder}: nothing is asked of an intent")
    drawn = draw.sample(asked, min(_ASKED, len(asked)))
    questions = tuple(
        Question(id=str(number), text=utterance, judgments={intent: 1})
        for number, (utterance, intent) in enumerate(drawn)
    )
    return Dataset(name=spec.name, documents=_Faqs(spec, ways), questions=questions)


def load_out_of_scope(spec: DatasetSpec, places: Places) -> Dataset:
    """Read clinc150's test questions of no intent: a data set without documents, for `calibrate`.

    Raises:
        DatasetError: see `DatasetSpec.load`.
    """
    path = spec.folder(places) / "data_full.json"
    try:
        rows = json.loads(path.read_bytes())["oos_test"]
        said = [utterance for utterance, _ in rows]
    except OSError as exc:
        raise DatasetError(f"{path}: {exc.strerror}") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise DatasetError(f"{path}: must hold pairs of utterance and intent: {exc}") from exc
    questions = tuple(
        Question(id=str(number), text=text, answerable=False) for number, text in enumerate(said)
    )
    return Dataset(name=spec.name, documents=(), questions=questions)


def _csv(path: Path) -> list[_Utterance]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [(row["text"], row["category"]) for row in csv.DictReader(file)]
    except OSError as exc:
        raise DatasetError(f"{path}: {exc.strerror}") from exc
    except KeyError as exc:
        raise DatasetError(f"{path}: has no column {exc}") from exc


def _natcs(path: Path) -> list[_Utterance]:
    rows = json_rows(path)
    return [(text_of(row, "utterance", at), text_of(row, "intent", at)) for at, row in rows]


def _in_words(intent: str) -> str:
    """'card_arrival' and 'GetQuote' as 'card arrival' and 'Get Quote'."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", intent).strip()
