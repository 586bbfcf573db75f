"""What the records of a run come from: where a run goes on, it must be the same."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.datasets import Dataset
from benchmarks.run import Prepared

_ROOT = Path(__file__).parent.parent
_CODE = (
    "chunkers",
    "indexers",
    "retrieval",
    "generation",
    "benchmarks/answers",
    "benchmarks/engine.py",
    "benchmarks/indexes.py",
    "benchmarks/run.py",
)
"""What searches and answers; what measures is left out, since records are measured anew."""

_SHOWING = ("__main__.py", "commands.py", "show.py")
"""What only people see of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What records come from, apart from their suite.

    `questions` are how many each data set has, by its name. `parts` are digests of all that decides
    a record, by what it is in plain words: questions, documents, indexes, use cases of the gateway,
    code. `sittings` is how often the run was begun or gone on with.
    """

    questions: Mapping[str, int]
    parts: Mapping[str, str]
    sittings: int = 1

    def unlike(self, other: "Origin") -> list[str]:
        """The names of the parts that differ."""
        names = {**other.parts, **self.parts}
        return [name for name in names if self.parts.get(name) != other.parts.get(name)]

    def to_json(self) -> str:
        """All of it as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Origin":
        """The inverse of `to_json`. Raises TypeError or ValueError for anything else."""
        return cls(**json.loads(text))


def origin_of(prepared: Iterable[Prepared], use_cases: Mapping[str, Any]) -> Origin:
    """What the records of a suite that is about to run will come from; `use_cases` are those of
    `Answering`.

    Raises:
        DatasetError: a document can no longer be read.
    """
    prepared = tuple(prepared)
    datasets = {each.dataset.name: each.dataset for each in prepared}
    parts: dict[str, str] = {}
    for dataset in datasets.values():
        parts |= _of_dataset(dataset)
    for each in prepared:
        parts |= {f"the index {name}": found for name, found in each.fingerprints.items()}
    parts |= {f"the use case {name}": _digest(decided) for name, decided in use_cases.items()}
    parts |= {f"the code of {place}": _code(_ROOT / place) for place in _CODE}
    questions = {name: len({one.id for one in s.questions}) for name, s in datasets.items()}
    return Origin(questions=questions, parts=parts)


def _of_dataset(dataset: Dataset) -> dict[str, str]:
    documents = sorted((content.id, content.revision) for content in dataset.documents)
    return {
        f"the questions of {dataset.name}": _digest([asdict(one) for one in dataset.questions]),
        f"the documents of {dataset.name}": _digest(documents),
    }


def _code(place: Path) -> str:
    kinds = ("*.py", "*.yaml")
    found = [place] if place.is_file() else [f for kind in kinds for f in place.rglob(kind)]
    return _digest(
        [
            (file.relative_to(_ROOT).as_posix(), file.read_text("utf-8"))
            for file in sorted(found)
            if file.name not in _SHOWING and file.parent.name != "commands"
        ]
    )


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
