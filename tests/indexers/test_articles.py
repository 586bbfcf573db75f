"""What of an export or a listing is an article, and when it is still the one that was listed."""

import json
from pathlib import Path

import pytest

from indexers.errors import DocumentError, SourceError
from indexers.sources.articles import Article, exported, items, listed, read_from
from indexers.sources.base import Entry, Unreadable
from indexers.sources.json_api import JsonObject


def link(page: JsonObject) -> str | None:
    found: str | None = page.get("next")
    return found


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
