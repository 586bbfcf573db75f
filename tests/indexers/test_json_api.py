"""How the client bears with an API, what it refuses, and where it never sends the token."""

import gzip
import json
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import formatdate
from pathlib import Path

import pytest

from indexers.errors import DocumentError, SourceError
from indexers.sources.base import Entry, Unreadable
from indexers.sources.json_api import (
    ATTEMPTS,
    MAX_BYTES,
    Article,
    JsonApi,
    JsonObject,
    Patience,
    check_base_url,
    exported,
    items,
    listed,
    read_from,
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


def article(id_: str = "1/en", title: str = "Hi") -> Article:
    return Article(
        id=id_,
        title=title,
        html="<p>x",
        url=None,
        locale="en",
        updated_at="2026-01-01T00:00:00Z",
        metadata={},
    )


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


def test_an_export_is_a_page_or_a_list_of_pages(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text('{"articles": ["é"]}', encoding="utf-8")
    assert list(exported(path, link)) == [{"articles": ["é"]}]
    path.write_text('[{"n": 1, "next": "/2"}, {"n": 2}]')
    assert [page["n"] for page in exported(path, link)] == [1, 2]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file"),
        ("{", "not JSON"),
        ("[]", "neither a page"),
        ("[1]", "neither a page"),
        ("3", "neither a page"),
        ('{"next": "/2"}', "its last page says that more follow"),
    ],
)
def test_an_export_that_is_not_whole_is_refused(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    path = tmp_path / "export.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SourceError, match=reason) as failure:
        exported(path, link)
    assert str(path) in str(failure.value)


def test_items_that_a_shift_may_have_hidden_are_told() -> None:
    a, b = {"id": 1}, {"id": "2"}
    assert list(items([{"all": [a], "n": 2}, {"all": [b], "n": 2}], "all", "n")) == [a, b]
    (*found, last) = items([{"all": [a, b], "n": 3}, {"all": [b], "n": 3}], "all", "n")
    assert found == [a, b, b]
    assert isinstance(last, Unreadable)
    assert last.hides_id
    assert last.reason == "3 were counted and 2 listed; did some change meanwhile?"


@pytest.mark.parametrize("item", [3, None, {}, {"id": True}, {"id": ""}, {"id": "../x"}])
def test_an_item_without_an_id_hides_one(item: object) -> None:
    (found,) = items([{"all": [item]}], "all", "n")
    reason = "not an object with an 'id'"
    assert found == Unreadable(where="all: page 1, item 1", reason=reason, hides_id=True)


@pytest.mark.parametrize("page", [{}, {"all": None}, {"all": {"1": {}}}])
def test_a_page_without_its_list_is_not_passed_over(page: JsonObject) -> None:
    with pytest.raises(SourceError, match="page 2 of the API's answer has no list 'all'"):
        list(items([{"all": []}, page], "all", "n"))


def test_an_article_is_listed_once_and_without_the_content_that_is_known() -> None:
    (entry,) = listed([article(), article(title="Moved to a later page")], {})
    assert isinstance(entry, Entry)
    assert entry.content is not None
    assert json.loads(entry.content.data)["title"] == "Hi"
    (known,) = listed([article()], {entry.id: entry.revision})
    assert isinstance(known, Entry)
    assert (known, known.content) == (entry, None)


def test_an_article_is_read_only_as_it_was_listed() -> None:
    (entry,) = listed([article()], {})
    assert isinstance(entry, Entry)
    assert read_from([article("2/en"), article()], entry) == entry.content
    with pytest.raises(DocumentError, match="the next run takes it up"):
        read_from([article(title="Bye")], entry)
    with pytest.raises(DocumentError, match="is no longer there"):
        read_from([article("2/en")], entry)
    with pytest.raises(DocumentError, match="no body"):
        read_from([Unreadable(where="1/en", reason="no body")], entry)


def test_text_that_utf8_cannot_hold_becomes_a_question_mark() -> None:
    content = article(title="half \ud83d of a pair, a whole 😀").content()
    assert json.loads(content.data)["title"] == "half ? of a pair, a whole 😀"
