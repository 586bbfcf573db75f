"""Follow-up questions, rewritten over the stand-in for Bedrock before they are searched for."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gateway.bedrock import Bedrock, Fault
from retrieval.engine import Engine
from retrieval.pipeline import retrieve
from retrieval.query import Query, Retrieved, Turn
from retrieval.rewriting import Rewriter
from retrieval.writers import Writers
from tests.conftest import HelpCentre
from tests.generation.conftest import bedrock as bedrock
from tests.generation.conftest import credentials as credentials
from tests.generation.conftest import served as served
from tests.generation.gateways import gateway, plan
from tests.retrieval.test_answer_api import SCRIPTED, said
from tests.retrieval.test_api import PAUSE

BEFORE = (
    Turn(role="user", text="I am on the Basil plan."),
    Turn(role="assistant", text="How can I help?"),
)
VAGUE = "can I stop it for a while"


@pytest.fixture
def engine(help_centre: HelpCentre) -> Engine:
    return help_centre.engine


@contextmanager
def rewriter(bedrock: Bedrock, folder: Path, **given: Any) -> Iterator[Rewriter]:
    use_case = {"prompt": "rewrite@1", "models": [SCRIPTED], "attempts": 1, **given}
    with gateway(bedrock, folder, **use_case) as made:
        found = Writers(made).rewriter
        assert found is not None
        yield found


def ask(engine: Engine, rewriter: Rewriter, text: str, **given: Any) -> Retrieved:
    query = Query(text=text, **{"conversation": BEFORE, **given})
    return asyncio.run(retrieve(engine, query, rewriter))


def recorded(folder: Path) -> str:
    """All records, as they were written."""
    return "".join(path.read_text() for path in (folder / "records").iterdir())


def test_a_follow_up_is_searched_for_as_it_was_rewritten(
    engine: Engine, bedrock: Bedrock, tmp_path: Path
) -> None:
    with rewriter(bedrock, tmp_path) as one:
        found = ask(engine, one, said(f"  {PAUSE}\n", VAGUE))
    assert found.rewritten == PAUSE
    assert found.degraded == ()
    assert found.timings_ms["rewrite"] > 0
    alone = asyncio.run(retrieve(engine, Query(text=PAUSE)))
    assert [one.id for one in found.passages] == [one.id for one in alone.passages]


def test_a_question_without_a_conversation_is_not_rewritten(
    engine: Engine, bedrock: Bedrock, tmp_path: Path
) -> None:
    with rewriter(bedrock, tmp_path) as one:
        found = ask(engine, one, PAUSE, conversation=())
    assert found.rewritten is None
    assert bedrock.counts().where().requests == 0


def test_the_model_gets_the_last_messages(engine: Engine, bedrock: Bedrock, tmp_path: Path) -> None:
    many = tuple(Turn(role="user", text=f"message {n};") for n in range(30))
    with rewriter(bedrock, tmp_path) as one:
        ask(engine, one, said(PAUSE, VAGUE), conversation=many)
    assert [f"message {n};" in recorded(tmp_path) for n in (19, 20, 29)] == [False, True, True]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(kind="InternalServerException"), "ExhaustedError"),
        (Fault(kind="stall_head", stall_s=5), "no rewriting within"),
    ],
)
def test_what_cannot_be_rewritten_is_searched_for_as_it_was_written(
    engine: Engine, bedrock: Bedrock, tmp_path: Path, fault: Fault, reason: str
) -> None:
    bedrock.set_plan(plan(fault))
    with rewriter(bedrock, tmp_path) as one:
        found = ask(engine, one, PAUSE, deadline_ms=1000)
    assert found.rewritten is None
    assert found.answerable
    (degraded,) = found.degraded
    assert degraded.stage == "rewrite"
    assert "searched as it was written" in degraded.reason
    assert reason in degraded.reason
    assert found.timings_ms["rewrite"] > 0


def test_an_empty_rewriting_is_no_question(
    engine: Engine, bedrock: Bedrock, tmp_path: Path
) -> None:
    with rewriter(bedrock, tmp_path) as one:
        found = ask(engine, one, said(" \n", PAUSE))
    assert found.rewritten is None
    assert "the model wrote 0 characters" in found.degraded[0].reason


def test_the_tenant_and_the_request_are_recorded(
    engine: Engine, bedrock: Bedrock, tmp_path: Path
) -> None:
    with rewriter(bedrock, tmp_path) as one:
        ask(engine, one, said(PAUSE, VAGUE), tenant="acme", request_id="r1")
    assert '"tenant":"acme"' in recorded(tmp_path)
    assert '"request_id":"r1"' in recorded(tmp_path)
