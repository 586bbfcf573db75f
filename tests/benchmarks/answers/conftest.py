"""What answerers gave, fields that a test does not name being plain; and gateways to ask."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks.answers.answered import Answered
from benchmarks.gateway.bedrock import Bedrock, Fault, Faults, Plan
from benchmarks.records import Record
from tests.benchmarks.answers.asking import DOWN
from tests.generation.gateways import REGIONS

Answers = Callable[..., Record]


@pytest.fixture
def answers(make_record: Callable[..., Record]) -> Answers:
    """Makes a record of an answer; fields of `Answered` and of `Record` go where they belong."""

    def made(text: str = "", **fields: Any) -> Record:
        names = Answered.__dataclass_fields__.keys() & fields.keys() - {"reason"}
        given = {name: fields.pop(name) for name in names}
        answered = Answered(**{"text": text, "refused": False, "total_ms": 0.0, **given})
        return make_record(**{"answerer": "mine", "given": answered, **fields})

    return made


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-tests")
    for name in ("AWS_SESSION_TOKEN", "DATABASE_URL", "PASSAGES_GENERATION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def bedrock() -> Iterator[Bedrock]:
    refused = Faults(model=DOWN, faults=(Fault(kind="ValidationException"),))
    with Bedrock.served(regions=REGIONS, plan=Plan(seed=1, faults=(refused,))) as served:
        yield served
