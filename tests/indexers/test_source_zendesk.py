"""What a Zendesk help centre lists and gives to read, against a server of its API's format."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from chunkers import ContentType, extract
from indexers.errors import DocumentError, SourceError
from indexers.located import LocatedError, construct, load
from indexers.plan import plan_reindex
from indexers.sources import Entry, Skipped, Source, Unreadable
from indexers.sources.zendesk import ZendeskSource
from indexers.state import Stored
from tests.indexers.help_centres import (
    EMAIL,
    TOKEN,
    Answer,
    Record,
    Zendesk,
    serving,
    zendesk_article,
    zendesk_place,
)

ARTICLE = ContentType.ARTICLE


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zendesk]:
    """A help centre in English and French, with five English articles and one French one."""
    monkeypatch.setenv("ZENDESK_TOKEN", TOKEN)
    with serving(Zendesk()) as served:
        served.sections = [
            zendesk_place(71, "Invoices", category_id=5),
            zendesk_place(71, "Factures", "fr", category_id=5),
        ]
        served.categories = [zendesk_place(5, "Billing"), zendesk_place(5, "Facturation", "fr")]
        served.articles = [zendesk_article(id_) for id_ in (101, 102, 103, 104, 105)]
        served.articles.append(
            zendesk_article(101, "fr", title="Où trouver ma facture ?", body="<p>Ici, à côté : 🧾")
        )
        yield served


def source(centre: Zendesk, **fields: Any) -> ZendeskSource:
    quick = {"timeout_s": 2.0, "max_wait_s": 5.0, "backoff_s": 0.01}
    given = {"content_type": ARTICLE, "base_url": centre.url, "email": EMAIL, **quick, **fields}
    return ZendeskSource(**given)


def entries(source: Source, known: Mapping[str, str] | None = None) -> dict[str, Entry]:
    return {item.id: item for item in source.list(known or {}) if isinstance(item, Entry)}


def record(entry: Entry) -> Record:
    assert entry.content is not None
    found: Record = json.loads(entry.content.data)
    return found


def left_out(source: Source) -> dict[str, str]:
    others = [item for item in source.list({}) if not isinstance(item, Entry)]
    return {item.where: item.reason for item in others}


def revisions(source: Source) -> dict[str, str]:
    return {id_: entry.revision for id_, entry in entries(source).items()}


def manifest(source: Source) -> dict[str, Stored]:
    return {id_: Stored(revision, 1) for id_, revision in revisions(source).items()}


@pytest.mark.parametrize("by_offset", [False, True])
def test_every_locale_is_listed_over_all_its_pages(centre: Zendesk, by_offset: bool) -> None:
    centre.page_size, centre.by_offset = 2, by_offset
    english = [f"{id_}/en-us" for id_ in (101, 102, 103, 104, 105)]
    assert list(entries(source(centre))) == [*english, "101/fr"]
    paths = centre.paths()
    assert paths[0] == "/api/v2/help_center/locales.json"
    assert paths.count("/api/v2/help_center/en-us/articles.json") == 3
    first = next(request for request in centre.seen if request.path.endswith("articles.json"))
    assert first.query == {"page[size]": "100", "sort_by": "created_at", "sort_order": "asc"}


def test_the_locales_that_are_named_are_asked_for_alone(centre: Zendesk) -> None:
    assert list(entries(source(centre, locales=("fr",)))) == ["101/fr"]
    assert not any("en-us" in path or "locales" in path for path in centre.paths())


def test_a_locale_that_the_help_centre_has_not_is_an_error(centre: Zendesk) -> None:
    with pytest.raises(SourceError, match=r"/help_center/de/sections.json: 404 Not Found"):
        entries(source(centre, locales=("de",)))


def test_an_article_becomes_a_document(centre: Zendesk) -> None:
    centre.articles[0] |= {"label_names": ["vat", "pdf"]}
    content = entries(source(centre))["101/en-us"].content
    assert content is not None
    document = extract(content)
    assert (document.id, document.title, document.locale) == ("101/en-us", "How to 101", "en-us")
    assert document.url == "https://acme.zendesk.com/hc/en-us/articles/101-How-to-101"
    assert document.updated_at == "2026-03-01T09:30:00Z"
    assert document.metadata == {
        "section": "Invoices",
        "category": "Billing",
        "labels": ["pdf", "vat"],
    }
    assert document.text == "## Step 101\n\nOpen the settings and choose number 101."
    assert document.revision == content.revision


def test_names_and_text_are_in_the_articles_language(centre: Zendesk) -> None:
    found = record(entries(source(centre))["101/fr"])
    assert found["title"] == "Où trouver ma facture ?"
    assert found["html"] == "<p>Ici, à côté : 🧾"
    assert found["metadata"] == {"section": "Factures", "category": "Facturation"}


def test_a_section_that_is_not_translated_has_no_name(centre: Zendesk) -> None:
    centre.sections = [item for item in centre.sections if item["locale"] != "fr"]
    assert record(entries(source(centre))["101/fr"])["metadata"] == {}


def test_drafts_and_empty_articles_are_skipped(centre: Zendesk) -> None:
    centre.articles[0]["draft"] = True
    centre.articles[1]["body"] = None
    centre.articles[2]["body"] = " \n"
    skipped = [item for item in source(centre).list({}) if isinstance(item, Skipped)]
    assert {item.where: item.reason for item in skipped} == {
        "101/en-us": "a draft",
        "102/en-us": "its body is empty",
        "103/en-us": "its body is empty",
    }


def test_articles_for_some_users_only_are_skipped_unless_asked_for(centre: Zendesk) -> None:
    centre.articles[0]["user_segment_id"] = 12
    centre.articles[1]["user_segment_ids"] = [12, 13]
    reason = "only some users may see it (it has a user segment)"
    assert left_out(source(centre)) == {"101/en-us": reason, "102/en-us": reason}
    assert left_out(source(centre, restricted=True)) == {}


def test_an_article_that_does_not_say_who_may_see_it_is_not_taken_for_public(
    centre: Zendesk,
) -> None:
    del centre.articles[0]["user_segment_id"], centre.articles[0]["user_segment_ids"]
    reason = "field user_segment_id is missing, so it may not be public"
    assert left_out(source(centre)) == {"101/en-us": reason}


def test_a_translation_that_is_outdated_says_so_or_is_skipped(centre: Zendesk) -> None:
    for item in (centre.articles[0], centre.articles[-1]):
        item["outdated_locales"] = ["fr"]
    found = entries(source(centre))
    assert record(found["101/fr"])["metadata"]["outdated"] is True
    assert "outdated" not in record(found["101/en-us"])["metadata"]
    reason = "its translation is marked as outdated"
    assert left_out(source(centre, outdated=False)) == {"101/fr": reason}


def test_what_is_known_comes_without_content(centre: Zendesk) -> None:
    known = revisions(source(centre))
    centre.articles[1] |= {"updated_at": "2026-04-01T00:00:00Z"}
    centre.articles[2] |= {"body": "<p>New text"}
    again = entries(source(centre), known)
    assert {id_ for id_, entry in again.items() if entry.content} == {"102/en-us", "103/en-us"}
    changed = {id_ for id_, entry in again.items() if entry.revision != known[id_]}
    assert changed == {"102/en-us", "103/en-us"}


def test_votes_are_no_change(centre: Zendesk) -> None:
    known = revisions(source(centre))
    for item in centre.articles:
        item |= {"vote_sum": 99, "vote_count": 100, "position": 3}
    assert revisions(source(centre)) == known


def test_a_section_of_another_name_is_a_change_of_its_articles(centre: Zendesk) -> None:
    known = revisions(source(centre))
    centre.categories[0]["name"] = "Payments"
    again = revisions(source(centre))
    changed = [id_ for id_ in known if again[id_] != known[id_]]
    assert changed == [f"{id_}/en-us" for id_ in (101, 102, 103, 104, 105)]


def test_an_article_that_is_gone_or_closed_is_deleted(centre: Zendesk) -> None:
    stored = manifest(source(centre))
    centre.articles[0]["user_segment_id"] = 12
    del centre.articles[4], centre.articles[1]
    plan = plan_reindex(source(centre).list({}), stored)
    assert plan.deleted == ("101/en-us", "102/en-us", "105/en-us")
    assert plan.unchanged == 3


@pytest.mark.parametrize("by_offset", [False, True])
def test_a_listing_that_breaks_off_half_way_is_an_error(centre: Zendesk, by_offset: bool) -> None:
    centre.page_size, centre.by_offset = 2, by_offset
    centre.broken = "page=3" if by_offset else "page[after]=aWQ=4"
    stored = manifest(source(centre, locales=("fr",)))
    with pytest.raises(SourceError, match="500 Internal Server Error; given up at attempt 6"):
        plan_reindex(source(centre).list({}), stored)


def test_an_offset_page_that_lost_an_article_hides_it(centre: Zendesk) -> None:
    centre.by_offset, centre.page_size = True, 3
    stored = manifest(source(centre))
    centre.seen.clear()
    listing = source(centre, locales=("en-us",)).list({})
    first = next(listing)
    del centre.articles[0]  # So that the fourth moves to the page that was read.
    plan = plan_reindex([first, *listing], stored)
    assert plan.deleted == ()
    assert plan.kept == 2  # The fourth English one, and the French one.
    assert plan.failures[-1].reason == "5 were counted and 4 listed; did some change meanwhile?"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": None}, "field title must be text, not NoneType"),
        ({"body": 3}, "field body must be text, not int"),
        ({"updated_at": 1767348000}, "field updated_at must be text, not int"),
        ({"html_url": None}, "field html_url must be text, not NoneType"),
        ({"draft": None}, "field draft must be true or false"),
    ],
)
def test_an_article_with_a_wrong_field_is_named_and_kept(
    centre: Zendesk, change: Record, reason: str
) -> None:
    stored = manifest(source(centre))
    centre.articles[0] |= change
    plan = plan_reindex(source(centre).list({}), stored)
    assert [(f.where, f.reason) for f in plan.failures] == [("101/en-us", reason)]
    assert plan.deleted == ()


@pytest.mark.parametrize("change", [{"id": None}, {"id": "../7"}, {"id": 7.5}, {"id": True}])
def test_an_article_whose_id_cannot_be_known_hides_one(centre: Zendesk, change: Record) -> None:
    stored = manifest(source(centre))
    centre.articles[0] |= change
    plan = plan_reindex(source(centre).list({}), stored)
    assert [f.where for f in plan.failures] == ["articles: page 1, item 1"]
    assert (plan.deleted, plan.kept) == ((), 1)


@pytest.mark.parametrize(
    "page",
    [
        {"articles": []},
        {"articles": [], "meta": None},
        {"articles": [], "meta": {"has_more": True}, "links": {"next": None}},
        {"articles": [], "next_page": 2},
    ],
)
def test_a_page_that_does_not_say_what_follows_is_an_error(centre: Zendesk, page: Record) -> None:
    empty = {"meta": {"has_more": False}, "links": {"next": None}}
    centre.script = [Answer({"sections": [], **empty}), Answer({"categories": [], **empty})]
    centre.script.append(Answer(page))
    with pytest.raises(SourceError, match="says neither that it is the last nor what follows"):
        entries(source(centre, locales=("fr",)))


def test_a_wrong_token_is_said_with_what_to_check(
    centre: Zendesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZENDESK_TOKEN", "another")
    advice = f"ZENDESK_TOKEN must hold an API token of {EMAIL} that may read the help centre"
    with pytest.raises(SourceError, match=f"401 Unauthorized: {advice}") as failure:
        entries(source(centre))
    assert "another" not in str(failure.value)
    assert len(centre.seen) == 1


def test_without_an_email_the_token_is_one_of_oauth(
    centre: Zendesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELP_TOKEN", TOKEN)
    assert len(entries(source(centre, email="", token_env="HELP_TOKEN"))) == 6
    assert centre.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_token_that_is_missing_is_said_before_anything_is_asked(
    centre: Zendesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ZENDESK_TOKEN")
    with pytest.raises(SourceError, match="the environment variable ZENDESK_TOKEN must hold"):
        entries(source(centre))
    assert not centre.seen


def test_a_rate_limit_in_the_middle_is_waited_for(centre: Zendesk) -> None:
    centre.script = [Answer({"error": "TooManyRequests"}, 429, {"Retry-After": "1"})]
    assert len(entries(source(centre))) == 6
    assert centre.paths()[:2] == ["/api/v2/help_center/locales.json"] * 2
    assert centre.pauses()[0] >= 1


def test_a_next_page_of_another_host_is_refused(centre: Zendesk) -> None:
    with serving(Zendesk()) as other:
        page = {"next_page": f"{other.url}/api/v2/help_center/fr/sections.json", "sections": []}
        centre.script = [Answer(page)]
        with pytest.raises(SourceError, match="the token is not sent to others"):
            entries(source(centre, locales=("fr",)))
        assert not other.seen


def test_a_server_that_hangs_has_a_time_limit(centre: Zendesk) -> None:
    centre.script = [Answer(silent=True)] * 9
    with pytest.raises(SourceError, match="timed out; given up"):
        entries(source(centre, timeout_s=0.1, max_wait_s=0.5))


@pytest.mark.parametrize("found", [None, "en-us", [None], ["../x"]])
def test_locales_that_are_none_are_an_error(centre: Zendesk, found: object) -> None:
    centre.script = [Answer({"locales": found})]
    with pytest.raises(SourceError, match="name them in locales"):
        entries(source(centre))


def test_an_article_is_read_as_it_was_listed(centre: Zendesk) -> None:
    entry = entries(source(centre))["101/fr"]
    centre.seen.clear()
    assert source(centre).read(entry) == entry.content
    assert centre.paths()[0] == "/api/v2/help_center/fr/articles/101.json"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": "<p>New"}, "the next run takes it up"),
        ({"draft": True}, "a draft"),
        ({"user_segment_id": 12}, "only some users may see it"),
        ({"title": None}, "field title must be text"),
        ({"id": 999}, "404 Not Found"),
    ],
)
def test_an_article_that_is_not_what_was_listed_is_not_read(
    centre: Zendesk, change: Record, reason: str
) -> None:
    entry = entries(source(centre))["101/fr"]
    centre.articles[-1] |= change
    with pytest.raises(DocumentError, match=reason):
        source(centre).read(entry)


def test_an_export_lists_what_the_api_lists(centre: Zendesk, tmp_path: Path) -> None:
    end = {"meta": {"has_more": False}, "links": {"next": None}}
    path = tmp_path / "help centre.json"
    pages = [
        {"articles": centre.articles[:4], "meta": {"has_more": True}, "links": {"next": "/2"}},
        {"sections": centre.sections, **end},
        {"categories": centre.categories, **end},
        {"articles": centre.articles[4:], **end},
    ]
    path.write_text(json.dumps(pages))
    export = ZendeskSource(content_type=ARTICLE, export=path)
    assert revisions(export) == revisions(source(centre))
    entry = entries(export)["105/en-us"]
    assert export.read(entry) == entry.content
    french = ZendeskSource(content_type=ARTICLE, export=path, locales=("FR",))
    assert list(entries(french)) == ["101/fr"]
    path.write_text(json.dumps(pages[:1]))
    with pytest.raises(SourceError, match="its last page says that more follow"):
        entries(export)


def test_an_export_with_sections_in_the_same_page_needs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "page.json"
    page = {"articles": [zendesk_article(1)], "count": 1, "next_page": None}
    place = zendesk_place(71, "Invoices", category_id=5)
    path.write_text(json.dumps({**page, "sections": [place]}))
    (entry,) = entries(ZendeskSource(content_type=ARTICLE, export=path)).values()
    assert record(entry)["metadata"] == {"section": "Invoices"}


def test_an_export_without_articles_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "page.json"
    path.write_text('{"posts": [], "next_page": null}')
    with pytest.raises(SourceError, match="has no list 'articles'"):
        entries(ZendeskSource(content_type=ARTICLE, export=path))


def test_an_article_without_a_locale_hides_one(tmp_path: Path) -> None:
    path = tmp_path / "page.json"
    path.write_text(json.dumps({"articles": [zendesk_article(1, locale="")], "next_page": None}))
    (item,) = ZendeskSource(content_type=ARTICLE, export=path).list({})
    reason = "article 1 has no locale"
    assert item == Unreadable(where="articles: 1", reason=reason, hides_id=True)


def test_the_catalog_builds_the_source(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text(
        "kind: zendesk\nbase_url: https://acme.zendesk.com\nemail: a@b.example\n"
        "locales: [en-us, fr]\nrestricted: true\ntimeout_s: 5\n"
    )
    built: ZendeskSource = construct(ZendeskSource, load(path), content_type=ARTICLE)
    assert built == ZendeskSource(
        content_type=ARTICLE,
        base_url="https://acme.zendesk.com",
        email="a@b.example",
        locales=("en-us", "fr"),
        restricted=True,
    )
    assert (built.timeout_s, built.token_env) == (5.0, "ZENDESK_TOKEN")


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("base_url: http://acme.zendesk.com", ARTICLE, "base_url must be like 'https://"),
        ("email: a@b.example", ARTICLE, "give either base_url or export"),
        ("base_url: https://a.example\nexport: a.json", ARTICLE, "either base_url or export"),
        ("base_url: https://a.example\nlocales: [en/us]", ARTICLE, "'en/us' is no locale"),
        ("base_url: https://a.example\nbackoff_s: 0", ARTICLE, "backoff_s must be above 0"),
        ("base_url: https://a.example", ContentType.FAQ, "of type article, not faq"),
    ],
)
def test_settings_that_cannot_be_are_said(
    tmp_path: Path, text: str, kind: ContentType, reason: str
) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text(f"kind: zendesk\n{text}\n")
    with pytest.raises(LocatedError, match=reason):
        construct(ZendeskSource, load(path), content_type=kind)
