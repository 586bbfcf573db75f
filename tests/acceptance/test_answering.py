"""POST /answer of a real server that reaches the stand-in for Bedrock, as the chatbot asks it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.gateway.bedrock import Bedrock, Plan
from generation.records.reader import read_records
from tests.acceptance.commands import run
from tests.acceptance.test_retrieval_command import PAUSE, indexed
from tests.generation.gateways import ANSWER, PRICES
from tests.servers import Server, free_port, serve_command, started, until

REGION = "us-east-1"
TARGETS = """\
prices: prices.yaml
records: {{folder: records}}
regions: {{us-east-1: {{endpoint_url: "{endpoint}"}}}}
targets:
  quick: {{model: fake.ttft5-itl2-len12-v1:0, region: us-east-1}}
  slow: {{model: fake.ttft5-itl50-len400-v1:0, region: us-east-1}}
  late: {{model: fake.ttft30000-len12-v1:0, region: us-east-1}}
routes: {{quick: {{targets: [quick]}}, slow: {{targets: [slow]}}, late: {{targets: [late]}}}}
use_cases:
  answer: {{prompt: answer@1, route: quick, max_tokens: 500, stream: true}}
  slow: {{prompt: answer@1, route: slow, max_tokens: 500, stream: true}}
  late: {{prompt: answer@1, route: late, max_tokens: 500}}
  rewrite: {{prompt: rewrite@1, route: late, max_tokens: 50}}
"""


@pytest.fixture(scope="module")
def bedrock() -> Iterator[Bedrock]:
    with Bedrock.served(regions=[REGION]) as served:
        served.set_plan(Plan())
        yield served


@pytest.fixture(scope="module")
def server(bedrock: Bedrock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = indexed(tmp_path_factory.mktemp("answering"))
    (folder / "prices.yaml").write_text(PRICES)
    (folder / "generation.yaml").write_text(TARGETS.format(endpoint=bedrock.endpoints[REGION]))
    port = free_port()
    secrets = {"AWS_ACCESS_KEY_ID": "for-tests", "AWS_SECRET_ACCESS_KEY": "for-tests"}
    more = {**secrets, "PASSAGES_GENERATION": "generation.yaml", "PASSAGES_API_KEYS": "acme:k1"}
    command = serve_command("--port", str(port))
    with started(command, port, folder, variables=more) as found:
        yield found


def asked(**given: Any) -> dict[str, Any]:
    return {"json": {"query": PAUSE, **given}, "headers": {"authorization": "Bearer k1"}}


def last_record(server: Server, use_case: str, count: int = 1) -> dict[str, Any]:
    """The latest record of a use case, once there are so many."""

    def look() -> Any:
        found = list(read_records(server.folder / "records", use_case=use_case))
        return found if len(found) >= count else None

    return dict(until(look, f"a record of {use_case}", 20)[-1])


def test_a_tenants_question_is_answered_and_recorded(server: Server) -> None:
    body = httpx.post(f"{server.url}/answer", **asked()).json()
    assert (body["answerable"], body["answer"], body["answerer"]) == (True, ANSWER, "answer")
    record = last_record(server, "answer")
    assert (record["tenant"], record["request_id"]) == ("acme", body["request_id"])


def test_without_a_key_nothing_is_answered(server: Server) -> None:
    for path in ("/answer", "/retrieve"):
        answer = httpx.post(server.url + path, json={"query": PAUSE})
        assert answer.status_code == 401
        assert "PASSAGES_API_KEYS" in answer.json()["errors"][0]["message"]


def test_a_key_that_the_server_does_not_know_is_a_mistake_of_who_asks(server: Server) -> None:
    done = run(server.folder, "retrieval", "answer", PAUSE)
    assert done.code == 2
    assert "set PASSAGES_API_KEY" in done.err


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_scheme_of_a_key_may_be_written_in_any_case(server: Server, scheme: str) -> None:
    answer = httpx.post(
        f"{server.url}/retrieve", json={"query": PAUSE}, headers={"authorization": f"{scheme}k1"}
    )
    assert answer.status_code == 200


def test_a_key_without_a_scheme_is_none(server: Server) -> None:
    answer = httpx.post(
        f"{server.url}/retrieve", json={"query": PAUSE}, headers={"authorization": "k1"}
    )
    assert answer.status_code == 401


def test_who_hangs_up_while_a_question_is_rewritten_ends_that(server: Server) -> None:
    before = [{"role": "user", "text": "I am on the Basil plan."}]
    for number, (path, more) in enumerate([("retrieve", {}), ("answer", {"stream": True})]):
        question = asked(conversation=before, deadline_ms=60_000, **more)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}/{path}", **question, timeout=0.5)
        assert last_record(server, "rewrite", number + 1)["outcome"] == "cancelled"


def test_who_hangs_up_in_a_stream_ends_the_writing(server: Server, bedrock: Bedrock) -> None:
    cut = bedrock.counts().cut_by_client
    question = asked(answerer="slow", stream=True)
    with httpx.stream("POST", f"{server.url}/answer", **question) as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line == "event: delta")
    until(lambda: bedrock.counts().cut_by_client == cut + 1, "cut", 10)
    assert last_record(server, "slow")["outcome"] == "cancelled"


def test_who_hangs_up_before_a_whole_answer_ends_the_writing(server: Server) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/answer", **asked(answerer="late"), timeout=0.5)
    assert last_record(server, "late")["outcome"] == "cancelled"


def test_two_hundred_streams_at_once_lose_nothing(server: Server) -> None:
    async def read(client: httpx.AsyncClient) -> str:
        question = asked(stream=True)
        async with client.stream("POST", f"{server.url}/answer", **question) as answer:
            text = "".join([part async for part in answer.aiter_text()])
        frames = [frame.split("\ndata: ") for frame in text.strip().split("\n\n")]
        deltas = [json.loads(data)["text"] for name, data in frames if name == "event: delta"]
        last = json.loads(frames[-1][1])
        assert last["degraded"] == []
        assert "".join(deltas) == last["answer"]
        return "".join(deltas)

    async def read_all() -> list[str]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            return await asyncio.gather(*(read(client) for _ in range(200)))

    assert asyncio.run(read_all()) == [ANSWER] * 200


def test_requests_and_calls_are_counted_for_prometheus(server: Server) -> None:
    httpx.post(f"{server.url}/answer", **asked())
    text = httpx.get(f"{server.url}/metrics").text
    assert 'passages_http_request_seconds_count{path="/answer",status="200"}' in text
    assert 'passages_gateway_calls_total{outcome="succeeded",target="quick"' in text
    assert "passages_gateway_first_token_seconds_bucket" in text


def test_a_configuration_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = run(indexed(tmp_path), "retrieval", "serve", "--generation", "none.yaml")
    assert done.code == 2
    assert "none.yaml" in done.err


def test_an_answer_for_a_person_names_what_it_cites(tmp_path: Path) -> None:
    done = run(indexed(tmp_path), "retrieval", "answer", PAUSE)
    assert done.code == 0
    assert "select Plan and then Pause. [1]" in done.out
    assert "[1] " in done.out.splitlines()[2]
    done = run(tmp_path, "retrieval", "answer", "who won the 1986 world cup final", "--json")
    assert done.code == 1
    assert done.json["answerable"] is False


def test_what_is_read_of_the_prompt_cache_is_shown_as_read(
    bedrock: Bedrock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-tests")
    targets = TARGETS.replace("len12-v1", "len12-cache9999-v1")
    (indexed(tmp_path) / "prices.yaml").write_text(PRICES)
    path = tmp_path / "generation.yaml"
    path.write_text(targets.format(endpoint=bedrock.endpoints[REGION]))
    bedrock.reset()
    done = run(tmp_path, "retrieval", "answer", PAUSE, "--generation", str(path))
    assert done.code == 0
    counted = bedrock.counts().where()
    assert (counted.input, counted.output) == (0, 12)
    assert f"quick, {counted.cache_read:,} + 12 tokens" in done.out
