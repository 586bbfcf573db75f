"""POST /answer: extracted, or by the gateway over the stand-in for Bedrock."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from benchmarks.gateway.bedrock import Bedrock, Fault
from generation.pieces import Text
from retrieval.answering import Answerer, Question, Quoting, Writing
from retrieval.answering.writing import Pieces
from retrieval.api.answer_schemas import AnswerResponse
from retrieval.api.app import make_app
from retrieval.writers import Writers
from tests.conftest import HelpCentre
from tests.generation.conftest import bedrock as bedrock
from tests.generation.conftest import credentials as credentials
from tests.generation.conftest import served as served
from tests.generation.gateways import gateway, plan
from tests.retrieval.test_api import PAUSE, errors_of

SCRIPTED = "fake.ttft1-itl1-scripted-v1:0"
OFF_TOPIC = "who won the 1986 world cup final"


def said(answer: str, question: str = PAUSE) -> str:
    """A question to which the scripted model says this."""
    return f"{question}\n\nANSWER:\n{answer}\nEND ANSWER"


@contextmanager
def served_with(
    help_centre: HelpCentre, bedrock: Bedrock, folder: Path, **given: Any
) -> Iterator[TestClient]:
    """The API over the sample help centre, answering by the gateway."""
    with gateway(bedrock, folder, **{"models": [SCRIPTED, SCRIPTED], **given}) as made:
        app = make_app(help_centre.engine, writers=Writers(made))
        # Neither started nor stopped, which would close the engine.
        yield TestClient(app, raise_server_exceptions=False)


def events_of(client: TestClient, body: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The server-sent events of an answer, each with its name and data."""
    with client.stream("POST", "/answer", json={**body, "stream": True}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        frames = "".join(answer.iter_text()).split("\n\n")
    found = []
    for frame in filter(None, frames):
        name, data = frame.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_without_a_gateway_the_passages_own_sentences_answer(help_centre: HelpCentre) -> None:
    body = help_centre.client.post("/answer", json={"query": PAUSE}).json()
    assert (body["answerable"], body["answerer"], body["usage"]) == (True, "extractive", None)
    assert AnswerResponse.model_validate(body).model_dump() == body
    assert body["citations"]
    for citation in body["citations"]:
        passage = body["passages"][citation["number"] - 1]
        assert passage["id"] == citation["passage_id"]
        for quote in citation["quotes"]:
            start = passage["span"]["start"]
            said = passage["text"][quote["start"] - start : quote["end"] - start]
            assert said
            assert said in body["answer"]
    assert all(sentence["citations"] for sentence in body["sentences"])
    assert {"search", "answer", "first_token", "total"} <= set(body["timings_ms"])


def test_what_nothing_answers_is_declined_and_nobody_is_asked(
    help_centre: HelpCentre, bedrock: Bedrock, tmp_path: Path
) -> None:
    with served_with(help_centre, bedrock, tmp_path) as client:
        body = client.post("/answer", json={"query": OFF_TOPIC}).json()
    assert (body["answerable"], body["answer"], body["answerer"]) == (False, "", None)
    assert "nothing here answers this" in body["reason"]
    assert bedrock.counts().where().requests == 0


def test_the_gateway_answers_with_citations_that_are_checked(
    help_centre: HelpCentre, bedrock: Bedrock, tmp_path: Path
) -> None:
    with served_with(help_centre, bedrock, tmp_path) as client:
        text = "The moon is made of green cheese and costs 77 dollars [1]. See also [40]."
        body = client.post("/answer", json={"query": said(text)}).json()
    assert AnswerResponse.model_validate(body).model_dump() == body
    assert body["answerer"] == "answer"
    assert body["answer"] == (
        "The moon is made of green cheese and costs 77 dollars [1]. See also."
    )
    first, second = body["sentences"]
    assert (first["citations"], first["supported"]) == ([1], False)
    assert (second["citations"], second["invalid"], second["supported"]) == ([], [40], False)
    assert body["usage"]["target"] == "a"
    assert body["usage"]["input_tokens"] > 100
    assert body["usage"]["cost_usd"] > 0


def test_a_refusal_of_the_model_is_no_answer(
    help_centre: HelpCentre, bedrock: Bedrock, tmp_path: Path
) -> None:
    with served_with(help_centre, bedrock, tmp_path, stream=True) as client:
        body = client.post("/answer", json={"query": said("NO_ANSWER")}).json()
        events = events_of(client, {"query": said("NO_ANSWER")})
    assert (body["answerable"], body["answer"], body["answerer"]) == (False, "", "answer")
    assert body["reason"] == "the model found no answer in the passages"
    assert body["passages"]
    assert [name for name, _ in events] == ["retrieved", "answer"]


def test_what_turns_out_to_be_a_refusal_is_taken_back(
    help_centre: HelpCentre, bedrock: Bedrock, tmp_path: Path
) -> None:
    query = {"query": said("Let me see.\nNO_ANSWER, sorry.")}
    with served_with(help_centre, bedrock, tmp_path, stream=True) as client:
        whole = client.post("/answer", json=query).json()
        events = events_of(client, query)
    assert (whole["answerable"], whole["answer"]) == (False, "")
    names = list(dict.fromkeys(name for name, _ in events))
    assert names == ["retrieved", "delta", "restart", "answer"]
    assert "NO_" not in json.dumps(events[1:])
    assert events[-1][1]["reason"] == "the model found no answer in the passages"


class Broken(Quoting):
    """An answerer with a defect."""

    def write(self, question: Question) -> Writing:
        return Writing(self._broken())

    def _broken(self) -> Pieces:
        yield Text("It is")
        raise ZeroDivisionError


class BrokenWriters(Writers):
    """Writers of which every one has a defect."""

    def answerer(self, name: str | None) -> Answerer:
        return Broken()


def test_a_defect_is_an_error_also_in_the_midst_of_a_stream(help_centre: HelpCentre) -> None:
    app = make_app(help_centre.engine, writers=BrokenWriters())
    client = TestClient(app, raise_server_exceptions=False)
    whole = client.post("/answer", json={"query": PAUSE})
    assert (whole.status_code, whole.json()["errors"][0]["code"]) == (500, "internal")
    events = events_of(client, {"query": PAUSE})
    assert [name for name, _ in events] == ["retrieved", "delta", "error"]
    assert events[-1][1]["errors"] == whole.json()["errors"]
    assert events[-1][1]["request_id"]


def test_what_was_dropped_is_told_where_that_is_asked_for(help_centre: HelpCentre) -> None:
    body = {"query": PAUSE, "explain": True, "max_passages": 1}
    found = help_centre.client.post("/answer", json=body).json()
    assert found["dropped"]
    assert AnswerResponse.model_validate(found).model_dump() == found


def test_a_streamed_answer_is_the_same_as_a_whole_one(
    help_centre: HelpCentre, bedrock: Bedrock, tmp_path: Path
) -> None:
    query = {"query": said("Choose Pause [1]. It takes a day [30], or two [2].")}
    with served_with(help_centre, bedrock, tmp_path, stream=True) as client:
        whole = client.post("/answer", json=query).json()
        events = events_of(client, query)
    names = [name for name, _ in events]
    assert names[0] == "retrieved"
    assert names[-1] == "answer"
    assert set(names[1:-1]) == {"delta"}
    assert len(names) > 5
    last = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "delta") == last["answer"]
    assert events[0][1]["passages"] == last["passages"]
    for key in ("answer", "sentences", "citations", "answerer", "answerable"):
        assert whole[key] == last[key]


def test_where_the_gateway_fails_the_passages_answer(
    help_centre: HelpCentre, bedrock: Bedrock, tmp_path: Path
) -> None:
    bedrock.set_plan(plan(Fault(kind="InternalServerException")))
    with served_with(help_centre, bedrock, tmp_path, attempts=2) as client:
        body = client.post("/answer", json={"query": PAUSE}).json()
    assert (body["answerable"], body["answerer"], body["usage"]) == (True, "extractive", None)
    (degraded,) = body["degraded"]
    assert degraded["stage"] == "answer"
    assert degraded["reason"] == "the gateway gave no answer (ExhaustedError), extractive did"


def test_what_was_streamed_before_the_gateway_failed_is_taken_back(
    help_centre: HelpCentre, bedrock: Bedrock, tmp_path: Path
) -> None:
    bedrock.set_plan(plan(Fault(kind="reset_midway", after_tokens=20)))
    models = ["fake.ttft1-itl20-len40-v1:0"]
    limits = {"stream": True, "attempts": 1, "on_broken": "fail"}
    with served_with(help_centre, bedrock, tmp_path, models=models, **limits) as client:
        events = events_of(client, {"query": PAUSE})
    names = [name for name, _ in events]
    assert names.count("restart") == 1
    after = events[names.index("restart") + 1 :]
    text = "".join(data["text"] for name, data in after if name == "delta")
    assert text == events[-1][1]["answer"]
    assert events[-1][1]["answerer"] == "extractive"
    # Twenty tokens came before, the first at once, and none of them was the user's.
    assert events[-1][1]["timings_ms"]["first_token"] > 15 * 20


def test_a_prompt_that_cannot_be_filled_with_these_passages_is_answered_by_others(
    help_centre: HelpCentre, bedrock: Bedrock, tmp_path: Path
) -> None:
    (tmp_path / "prompts" / "second").mkdir(parents=True)
    text = "inputs: {question: text, passages: passages}\n"
    text += "user: '{{ question }} {{ passages[1].text if passages else 1 }}'\n"
    (tmp_path / "prompts" / "second" / "1.yaml").write_text(text)
    given = {"prompts": "prompts", "prompt": "second@1"}
    with served_with(help_centre, bedrock, tmp_path, **given) as client:
        body = client.post("/answer", json={"query": PAUSE, "max_passages": 1}).json()
    assert (body["answerable"], body["answerer"]) == (True, "extractive")
    assert "PromptError" in body["degraded"][0]["reason"]


def test_an_answer_cut_off_at_its_limit_says_so(
    help_centre: HelpCentre, bedrock: Bedrock, tmp_path: Path
) -> None:
    models = ["fake.len300-v1:0"]
    with served_with(help_centre, bedrock, tmp_path, models=models) as client:
        body = client.post("/answer", json={"query": PAUSE}).json()
    assert body["usage"]["stop_reason"] == "max_tokens"
    assert "cut off" in body["degraded"][0]["reason"]


def test_an_unknown_answerer_is_refused_with_those_that_there_are(
    help_centre: HelpCentre, bedrock: Bedrock, tmp_path: Path
) -> None:
    error = errors_of(help_centre.client, {"query": PAUSE, "answerer": "gpt"}, path="/answer")
    assert (error["field"], error["valid"]) == ("answerer", ["extractive"])
    with served_with(help_centre, bedrock, tmp_path) as client:
        error = errors_of(client, {"query": PAUSE, "answerer": "gpt"}, path="/answer")
        assert error["valid"] == ["extractive", "answer"]
        body = client.post("/answer", json={"query": PAUSE, "answerer": "extractive"}).json()
    assert body["answerer"] == "extractive"
    assert bedrock.counts().where().requests == 0


def test_an_unknown_field_is_refused_with_those_that_there_are(client: TestClient) -> None:
    error = errors_of(client, {"query": PAUSE, "streaming": True}, path="/answer")
    assert error["field"] == "streaming"
    assert {"stream", "answerer", "query", "indexes"} <= set(error["valid"])


def test_what_is_wrong_with_a_streamed_question_has_its_status(client: TestClient) -> None:
    body = {"query": PAUSE, "indexes": ["none"], "stream": True}
    assert errors_of(client, body, path="/answer")["field"] == "indexes"


@pytest.fixture
def client(help_centre: HelpCentre) -> TestClient:
    return help_centre.client
