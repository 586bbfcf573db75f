"""How the client bears with an API, what it refuses, and where it never sends the token."""

import gzip
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import formatdate

import pytest

from indexers.errors import SourceError
from indexers.sources.json_api import (
    ATTEMPTS,
    MAX_BYTES,
    JsonApi,
    JsonObject,
    Patience,
    check_base_url,
    token,
)
from tests.indexers.help_centres import Answer, Server, serving
from tests.servers import free_port

QUICK = Patience(timeout_s=2.0, max_wait_s=8.0, backoff_s=0.01)
BUSY = {"error": "TooManyRequests"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as served:
        yield served


def opened(url: str, patience: Patience = QUICK) -> "closing[JsonApi]":
    headers = {"Authorization": "Bearer s3cret"}
    return closing(JsonApi(url, headers, patience, "look at the token"))


def fetch(server: Server, path: str = "/things", patience: Patience = QUICK) -> JsonObject:
    with opened(server.url, patience) as api:
        return api.get(path)


def fails(server: Server, patience: Patience = QUICK) -> str:
    with pytest.raises(SourceError) as failure:
        fetch(server, patience=patience)
    assert "s3cret" not in str(failure.value)
    return str(failure.value)


def link(page: JsonObject) -> str | None:
    found: str | None = page.get("next")
    return found


def pages(server: Server) -> list[JsonObject]:
    with opened(server.url) as api:
        return list(api.pages("/things", {"page[size]": "2"}, link))


def test_an_object_is_asked_for_with_the_token_and_the_parameters(server: Server) -> None:
    with opened(server.url) as api:
        found = api.get("/a b/ç.json", {"page[size]": "100", "q": "é&="})
    assert found == {"path": "/a%20b/%C3%A7.json", "query": {"page[size]": "100", "q": "é&="}}
    assert server.seen[0].headers["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("said", ["seconds", "date", "epoch"])
def test_a_429_is_obeyed(server: Server, said: str) -> None:
    at = time.time() + 1.2
    headers = {
        "seconds": {"Retry-After": "1"},
        # Both are whole seconds: up to one less than meant.
        "date": {"Retry-After": formatdate(at + 1, usegmt=True)},
        "epoch": {"X-RateLimit-Reset": str(int(at + 1)), "X-RateLimit-Remaining": "0"},
    }
    server.script = [Answer(BUSY, 429, headers[said])]
    assert fetch(server) == {"path": "/things", "query": {}}
    assert len(server.seen) == 2
    assert 1.0 <= server.pauses()[0] < 3.0


def test_an_api_that_asks_for_too_much_time_is_not_waited_for(server: Server) -> None:
    server.script = [Answer(BUSY, 429, {"Retry-After": "3600"})]
    assert fails(server) == (
        f"{server.url}/things: 429 Too Many Requests; it asks to wait 3600 s; given up at attempt 1"
    )
    assert len(server.seen) == 1


@pytest.mark.parametrize("after", ["", "soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_429_that_says_no_time_is_asked_again_after_a_growing_wait(
    server: Server, after: str
) -> None:
    server.script = [Answer(BUSY, 429, {"Retry-After": after})] * 4
    patience = Patience(timeout_s=2.0, max_wait_s=8.0, backoff_s=0.02)
    assert fetch(server, patience=patience)["path"] == "/things"
    assert server.pauses()[0] >= 0.02
    assert server.pauses()[3] >= 0.16


def test_an_api_that_breaks_down_is_tried_again_a_few_times(server: Server) -> None:
    server.script = [Answer(b"<html>", 502), Answer(b"", 503)]
    assert fetch(server)["path"] == "/things"
    assert len(server.seen) == 3
    server.seen.clear()
    server.script = [Answer(b"", 500)] * 20
    assert "500 Internal Server Error; given up at attempt 6" in fails(server)
    assert len(server.seen) == ATTEMPTS


def test_a_breakdown_is_no_rate_limit(server: Server) -> None:
    reset = {"X-RateLimit-Reset": str(int(time.time() + 60))}  # In Intercom's every answer.
    server.script = [Answer(b"", 500, reset)]
    assert fetch(server)["path"] == "/things"
    assert server.pauses()[0] < 1


def test_an_api_that_nobody_serves_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with opened(url) as api, pytest.raises(SourceError, match="Connection refused; given up"):
        api.get("/things")


def test_an_api_that_never_answers_has_a_time_limit(server: Server) -> None:
    server.script = [Answer(silent=True)] * 20
    started = time.monotonic()
    reason = fails(server, Patience(timeout_s=0.1, max_wait_s=1.0, backoff_s=0.01))
    assert "timed out; given up" in reason
    assert time.monotonic() - started < 3


def test_an_answer_that_drips_has_a_time_limit(server: Server) -> None:
    server.script = [Answer({"text": "x" * 1000}, drip=0.02)] * 20
    reason = fails(server, Patience(timeout_s=0.05, max_wait_s=0.9, backoff_s=0.01))
    assert "not all there after 0.5 s" in reason


def test_an_answer_that_is_too_large_is_refused_even_where_it_is_compressed(
    server: Server,
) -> None:
    bomb = gzip.compress(b" " * (MAX_BYTES + 1), compresslevel=1)
    server.script = [Answer(bomb, headers={"Content-Encoding": "gzip"})]
    assert f"more than {MAX_BYTES} bytes" in fails(server)
    server.script = [Answer(b"no gzip", headers={"Content-Encoding": "gzip"})]
    assert "incorrect header check" in fails(server)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(b"<!DOCTYPE html>"), "things: not JSON: "),
        (Answer(b'{"a": "\xe9"}'), "things: not JSON: "),
        (Answer(b"[" * 100_000), "things: not JSON: "),
        (Answer(["a"]), "things: not a JSON object"),
        (Answer({"error": "x"}, 401), "401 Unauthorized: look at the token"),
        (Answer({"error": "x"}, 403), "403 Forbidden: look at the token"),
        (Answer({"error": "x"}, 404), "404 Not Found: the API has nothing of this name"),
        (Answer({"error": "x"}, 400), "400 Bad Request"),
        (Answer(b"", 204), "204 No Content"),
    ],
)
def test_what_is_not_the_answer_is_said_at_once(
    server: Server, answer: Answer, reason: str
) -> None:
    server.script = [answer]
    assert reason in fails(server)
    assert len(server.seen) == 1


def test_a_redirect_is_not_followed(server: Server) -> None:
    with serving(Server()) as other:
        server.script = [Answer(b"", 301, {"Location": f"{other.url}/things?key=1"})]
        assert f"it moved to {other.url}/things; base_url must name" in fails(server)
        assert not other.seen


def test_pages_follow_their_links(server: Server) -> None:
    first, second = f"{server.url}/things?page[after]=b%3D%3D&x=", "/things?page=3"
    server.script = [Answer({"next": first}), Answer({"next": second}), Answer({"next": None})]
    assert [page.get("next") for page in pages(server)] == [first, second, None]
    asked = [request.query for request in server.seen]
    assert asked == [{"page[size]": "2"}, {"page[after]": "b=="}, {"page": "3"}]


def test_pages_are_fetched_one_by_one(server: Server) -> None:
    server.script = [Answer({"next": "/things?page=2"})]
    with opened(server.url) as api:
        next(api.pages("/things", {}, link))
    assert len(server.seen) == 1


def test_a_link_to_another_host_is_refused_and_the_token_is_not_sent(server: Server) -> None:
    with serving(Server()) as other:
        server.script = [Answer({"next": f"{other.url}/things?page=2"})]
        with pytest.raises(SourceError, match=rf"links to {other.url}/; the token is not sent"):
            pages(server)
        assert not other.seen


@pytest.mark.parametrize(
    "there", ["https://[", "https://a:b/", "//elsewhere.example/a", "ftp://127.0.0.1/a"]
)
def test_a_link_to_nowhere_is_refused(server: Server, there: str) -> None:
    server.script = [Answer({"next": there})]
    with pytest.raises(SourceError, match="links to"):
        pages(server)


def test_pages_that_lead_back_to_one_of_them_are_noticed(server: Server) -> None:
    server.script = [Answer({"next": "/b"}), Answer({"next": "/c"}), Answer({"next": "/b"})]
    with pytest.raises(SourceError, match="/b: its pages never end"):
        pages(server)
    assert server.paths() == ["/things", "/b", "/c"]


def test_a_token_comes_from_the_variable_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELP_TOKEN", " abc\n")
    assert token("HELP_TOKEN") == "abc"


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "a\x00b", "clé"])
def test_a_token_that_cannot_be_one_is_named_but_not_shown(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.delenv("HELP_TOKEN", raising=False)
    if "\x00" not in value:
        monkeypatch.setenv("HELP_TOKEN", value)
    with pytest.raises(SourceError, match="the environment variable HELP_TOKEN") as failure:
        token("HELP_TOKEN")
    assert not value.strip() or value not in str(failure.value)


@pytest.mark.parametrize("url", ["https://a.example", "https://a.example:8443/", "http://[::1]:8"])
def test_a_token_may_be_sent_by_https_and_to_this_machine(url: str) -> None:
    check_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "https://",
        "http://a.example",
        "https://user:word@a.example",
        "https://a.example/api",
        "https://a.example?x=1",
        "https://[",
        "https://a:b",
    ],
)
def test_a_token_may_not_be_sent_otherwise(url: str) -> None:
    with pytest.raises(ValueError, match="base_url must be like"):
        check_base_url(url)


@pytest.mark.parametrize("name", ["timeout_s", "max_wait_s", "backoff_s"])
def test_patience_is_above_zero(name: str) -> None:
    given = {"timeout_s": 1.0, "max_wait_s": 1.0, "backoff_s": 1.0, name: 0.0}
    with pytest.raises(ValueError, match=f"{name} must be above 0, not 0"):
        Patience(**given)
