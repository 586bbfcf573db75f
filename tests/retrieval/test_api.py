"""The HTTP API over the indexed sample help centre: answers, and every kind of bad request."""

import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from chunkers import extract
from indexers.sources import Entry
from retrieval.api.app import make_app
from retrieval.api.schemas import BatchResponse, RetrieveRequest, RetrieveResponse
from retrieval.engine import Engine, Live
from tests.builders import Site, faq
from tests.conftest import HelpCentre

PAUSE = "How do I pause my plan?"
INDEXES = ["articles", "faqs", "snippets", "manuals"]


@pytest.fixture
def client(help_centre: HelpCentre) -> TestClient:
    return help_centre.client


def errors_of(client: TestClient, body: Any, status: int = 422, path: str = "/retrieve") -> Any:
    """The first error of an answer that has to have this status."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    return answer.json()["errors"][0]


def test_only_a_query_is_needed(help_centre: HelpCentre, client: TestClient) -> None:
    answer = client.post("/retrieve", json={"query": PAUSE})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["answerable"], body["reason"], body["degraded"]) == (True, None, [])
    assert body["dropped"] == []
    assert set(body["builds"]) == set(INDEXES)
    assert {"embed", "search", "select", "total"} <= set(body["timings_ms"])
    first = body["passages"][0]
    assert first["rank"] == 1
    assert 0.3 <= first["relevance"] <= 1
    source = help_centre.catalog[first["index"]].build.source
    documents = {entry.id: entry for entry in source.list({}) if isinstance(entry, Entry)}
    text = extract(source.read(documents[first["document"]["id"]])).text
    assert text[first["span"]["start"] : first["span"]["end"]] == first["text"]


@pytest.mark.parametrize("query", [PAUSE, "who won the 1986 world cup final"])
def test_an_answer_is_what_the_documentation_says(client: TestClient, query: str) -> None:
    body = client.post("/retrieve", json={"query": query, "explain": True}).json()
    assert RetrieveResponse.model_validate(body).model_dump() == body
    batch = client.post("/retrieve/batch", json={"requests": [{"query": query}]}).json()
    assert BatchResponse.model_validate(batch).model_dump() == batch


def test_a_body_without_its_content_type_is_told_of_it(client: TestClient) -> None:
    answer = client.post("/retrieve", content=b'{"query": "a"}')
    assert answer.status_code == 422
    assert "content-type: application/json" in answer.json()["errors"][0]["message"]


class BrokenEngine(Engine):
    """An engine with a defect."""

    def live(self, name: str) -> Live:
        raise ZeroDivisionError


def test_a_defect_is_a_500_with_the_id_to_find_it_by(site: Site) -> None:
    site.faqs(faq("a"))
    site.reindex()
    app = make_app(BrokenEngine(site.specs(), site.store, site.state))
    answer = TestClient(app, raise_server_exceptions=False).post("/retrieve", json={"query": "a"})
    assert answer.status_code == 500
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "ZeroDivisionError" not in answer.text


def test_in_a_batch_a_late_answer_leaves_the_others(client: TestClient) -> None:
    # A millisecond is over before any query is embedded.
    requests = [{"query": PAUSE}, {"query": PAUSE, "deadline_ms": 1}]
    answer = client.post("/retrieve/batch", json={"requests": requests})
    assert answer.status_code == 200
    first, late = answer.json()["responses"]
    assert first["answerable"]
    assert late["errors"][0]["code"] == "deadline_exceeded"
    assert late["request_id"] == answer.headers["x-request-id"] + "-1"


def test_what_nothing_answers_is_said_with_a_reason(client: TestClient) -> None:
    answer = client.post("/retrieve", json={"query": "who won the 1986 world cup final"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["answerable"], body["passages"]) == (False, [])
    assert "below the threshold" in body["reason"]


def test_everything_that_can_be_asked_is_taken(client: TestClient) -> None:
    body = {
        "query": f"  {PAUSE}  ",
        "conversation": [{"role": "user", "text": "hi"}, {"role": "assistant", "text": "hello"}],
        "indexes": ["articles", "faqs", "articles"],
        "filters": {"locale": ["en"]},
        "max_passages": 2,
        "max_tokens": 500,
        "min_relevance": 0.0,
        "deadline_ms": 30_000,
        "explain": True,
    }
    found = client.post("/retrieve", json=body).json()
    assert 0 < len(found["passages"]) <= 2
    assert {passage["document"]["locale"] for passage in found["passages"]} == {"en"}
    assert sum(passage["tokens"] for passage in found["passages"]) <= 500
    assert found["dropped"]
    assert [item["stage"] for item in found["degraded"]] == ["rewrite"]


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({}, "query", "Field required"),
        ({"query": ""}, "query", "at least 1 character"),
        ({"query": " \n\t "}, "query", "at least 1 character"),
        ({"query": "x" * 100_000}, "query", "at most 8000 characters"),
        ({"query": 3}, "query", "valid string"),
        ({"query": None}, "query", "valid string"),
        ({"query": ["a"]}, "query", "valid string"),
        ({"query": "\ud800"}, "query", ""),
        ({"query": "a", "indexes": "articles"}, "indexes", "valid list"),
        ({"query": "a", "indexes": [3]}, "indexes.0", "valid string"),
        ({"query": "a", "filters": []}, "filters", "valid dictionary"),
        ({"query": "a", "filters": {"locale": 3}}, "filters.locale", "takes text, not 3"),
        ({"query": "a", "filters": {"locale": {}}}, "filters.locale", "takes text"),
        ({"query": "a", "filters": {"locale": "\ud800"}}, "filters.locale", "takes text"),
        ({"query": "a", "max_passages": 0}, "max_passages", "greater than or equal to 1"),
        ({"query": "a", "max_passages": "many"}, "max_passages", "valid integer"),
        ({"query": "a", "max_passages": 51}, "max_passages", "less than or equal to 50"),
        ({"query": "a", "max_tokens": -1}, "max_tokens", "greater than or equal to 1"),
        ({"query": "a", "min_relevance": 1.1}, "min_relevance", "less than or equal to 1"),
        ({"query": "a", "min_relevance": float("nan")}, "min_relevance", ""),
        ({"query": "a", "deadline_ms": 0}, "deadline_ms", "greater than or equal to 1"),
        ({"query": "a", "explain": "yes"}, "explain", "valid boolean"),
        ({"query": "a", "max_passages": True}, "max_passages", "valid integer"),
        ({"query": "a", "max_passages": "2"}, "max_passages", "valid integer"),
        ({"query": "a", "max_tokens": 2.5}, "max_tokens", "valid integer"),
        ({"query": "a", "min_relevance": "0.5"}, "min_relevance", "valid number"),
        ({"query": "a", "conversation": [{"role": "user"}]}, "conversation.0.text", "required"),
        ([], None, "JSON object, sent with 'content-type: application/json'"),
        ("query", None, "JSON object"),
        (None, None, ""),
    ],
)
def test_a_body_that_is_not_valid_names_the_field(
    client: TestClient, body: Any, field: str | None, said: str
) -> None:
    error = errors_of(client, body)
    assert error["field"] == field
    assert said in error["message"]


@pytest.mark.parametrize(
    ("body", "field", "valid"),
    [
        ({"query": "a", "indexes": ["faq"]}, "indexes", INDEXES),
        (
            {"query": "a", "indexes": ["faqs"], "filters": {"year": 1}},
            "filters.year",
            ["locale"],
        ),
        ({"query": "a", "limit": 3}, "limit", sorted(RetrieveRequest.model_fields)),
        ({"query": "a", "requests": []}, "requests", sorted(RetrieveRequest.model_fields)),
        (
            {"query": "a", "conversation": [{"role": "user", "text": "b", "name": "c"}]},
            "conversation.0.name",
            ["role", "text"],
        ),
        (
            {"query": "a", "conversation": [{"role": "bot", "text": "b"}]},
            "conversation.0.role",
            ["user", "assistant"],
        ),
    ],
)
def test_an_unknown_name_is_answered_with_the_valid_ones(
    client: TestClient, body: Any, field: str, valid: list[str]
) -> None:
    error = errors_of(client, body)
    assert (error["field"], error["valid"]) == (field, valid)


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "a", "\\ud800": 1}',
        b'{"query": "a", "filters": {"\\ud800": 1}}',
        b'{"query": "a", "indexes": ["\\ud800"]}',
        b'{"query": "a", "filters": {"locale": ["\\udfff"]}}',
    ],
)
def test_halves_of_surrogate_pairs_are_refused_wherever_they_stand(
    client: TestClient, body: bytes
) -> None:
    assert errors_of(client, body)["message"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"query": "a"', b"\xff\xfe", b"query=a", b"[" * 9999]
)
def test_a_body_that_is_not_json_is_a_400_or_a_422(client: TestClient, body: bytes) -> None:
    answer = client.post("/retrieve", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["errors"][0]["message"]


def test_a_body_that_is_not_utf_8_is_said(client: TestClient) -> None:
    error = errors_of(client, b'{"query": "caf\xe9"}', 400)
    assert error == {
        "code": "json_invalid",
        "message": "the body is not JSON: it is not UTF-8",
        "field": None,
        "valid": [],
    }


def test_broken_json_says_where(client: TestClient) -> None:
    error = errors_of(client, b'{"query": "a",}', 400)
    assert error["code"] == "json_invalid"
    assert "not JSON" in error["message"]


@pytest.mark.parametrize("path", ["/retrieve", "/retrieve/batch"])
def test_two_megabytes_are_too_large(client: TestClient, path: str) -> None:
    error = errors_of(client, {"query": "a", "more": "x" * 2_000_000}, 413, path)
    assert error["code"] == "body_too_large"
    assert "1000000 bytes" in error["message"]


def test_two_megabytes_in_pieces_are_too_large_as_well(client: TestClient) -> None:
    pieces = (b"x" * 100_000 for _ in range(20))
    assert client.post("/retrieve", content=pieces).status_code == 413


def test_the_caller_s_request_id_comes_back(client: TestClient) -> None:
    answer = client.post("/retrieve", json={"query": PAUSE}, headers={"x-request-id": "ticket-7"})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "ticket-7"
    answer = client.get("/nowhere", headers={"x-request-id": "ticket-8"})
    assert (answer.status_code, answer.json()["request_id"]) == (404, "ticket-8")


@pytest.mark.parametrize("given", [b"", b"a\tb", b"\xe9", b"x" * 1000])
def test_a_request_id_is_made_or_cut_where_it_cannot_be_kept(
    client: TestClient, given: bytes
) -> None:
    found = client.get("/healthz", headers={b"x-request-id": given}).headers["x-request-id"]
    assert found
    assert len(found) <= 128
    assert found.isascii()


def test_requests_without_an_id_get_different_ones(client: TestClient) -> None:
    ids = {client.get("/healthz").headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


def test_a_wrong_method_is_said_in_the_same_shape(client: TestClient) -> None:
    answer = client.get("/retrieve")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["errors"][0]["code"] == "http"


def test_a_batch_is_answered_in_order(client: TestClient) -> None:
    questions = [PAUSE, "who won the 1986 world cup final", "How do I change my address?"]
    body = {"requests": [{"query": question} for question in questions]}
    answer = client.post("/retrieve/batch", json=body, headers={"x-request-id": "b"})
    found = answer.json()["responses"]
    assert [one["request_id"] for one in found] == ["b-0", "b-1", "b-2"]
    assert [one["answerable"] for one in found] == [True, False, True]
    alone = client.post("/retrieve", json={"query": questions[2]}).json()
    assert found[2]["passages"] == alone["passages"]


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "requests"),
        ([{"query": "a"}] * 33, "requests"),
        ([{"query": "a"}, {"query": ""}], "requests.1.query"),
        ([{"query": "a"}, {"query": "b", "limit": 1}], "requests.1.limit"),
        ([{"query": "a"}, {"query": "b", "indexes": ["x"]}], "requests.1.indexes"),
        ([{"query": "a"}, {"query": "b", "filters": {"x": 1}}], "requests.1.filters.x"),
    ],
)
def test_one_bad_request_of_a_batch_is_named(
    client: TestClient, requests: list[Any], field: str
) -> None:
    error = errors_of(client, {"requests": requests}, path="/retrieve/batch")
    assert error["field"] == field


def test_an_unknown_field_of_a_batch_lists_the_batch_s_own(client: TestClient) -> None:
    body = {"requests": [{"query": "a"}], "conversation": []}
    assert errors_of(client, body, path="/retrieve/batch")["valid"] == ["requests"]


def test_the_indexes_are_listed(client: TestClient) -> None:
    rows = client.get("/indexes").json()["indexes"]
    assert [row["name"] for row in rows] == INDEXES
    for row in rows:
        assert row["current"]
        assert row["documents"] <= row["chunks"]
        assert row["build"] in row["collection"]
        assert row["filters"]["locale"] == "keyword"


def test_health_and_readiness(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "indexes": {}})


@pytest.fixture
def unindexed(site: Site) -> TestClient:
    return TestClient(make_app(site.engine()), raise_server_exceptions=False)


def test_nothing_indexed_is_healthy_but_not_ready(site: Site, unindexed: TestClient) -> None:
    assert unindexed.get("/healthz").status_code == 200
    answer = unindexed.get("/readyz")
    assert answer.status_code == 503
    assert "reindex faqs" in answer.json()["indexes"]["faqs"]
    error = errors_of(unindexed, {"query": "a"}, 503)
    assert error["code"] == "not_ready"
    assert "reindex faqs" in error["message"]
    site.faqs(faq("basil"))
    site.reindex()
    assert unindexed.get("/readyz").status_code == 200
    found = unindexed.post("/retrieve", json={"query": "What is basil?", "min_relevance": 0})
    assert found.json()["answerable"]


def test_a_store_that_is_gone_is_a_503_in_the_same_shape(site: Site, unindexed: TestClient) -> None:
    site.faqs(faq("basil"))
    site.reindex()
    site.store.close()
    assert errors_of(unindexed, {"query": "a"}, 503)["code"] == "not_ready"
    assert "closed" in unindexed.get("/readyz").json()["indexes"]["faqs"]


def test_a_deadline_that_cannot_be_kept_is_a_504(client: TestClient) -> None:
    body = {"query": "how do I pause my plan? " * 300, "deadline_ms": 1}
    error = errors_of(client, body, 504)
    assert (error["code"], error["field"]) == ("deadline_exceeded", "deadline_ms")


def test_the_documentation_needs_no_network(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assets = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    assert assets
    for asset in assets:
        assert asset.startswith("/")
        found = client.get(asset)
        assert (found.status_code, bool(found.content)) == (200, True), asset
    assert "http://" not in page.text
    assert "https://" not in page.text


def examples(client: TestClient) -> list[tuple[str, Any]]:
    schema = client.get("/openapi.json").json()
    found = []
    for path, operations in schema["paths"].items():
        if "requestBody" in operations.get("post", {}):
            reference = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
            body = schema["components"]["schemas"][reference["$ref"].rsplit("/", 1)[1]]
            found += [(path, example) for example in body["examples"]]
    return found


def test_every_example_of_the_documentation_works_when_it_is_posted(client: TestClient) -> None:
    found = examples(client)
    assert {path for path, _ in found} == {"/retrieve", "/retrieve/batch", "/answer"}
    for path, example in found:
        answer = client.post(path, json=example)
        assert answer.status_code == 200, answer.text
        assert "true" in answer.text, "an example that nothing answers shows little"
