"""What an Intercom help centre lists and gives to read, against a server of its API's format."""

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
from indexers.sources.intercom import API_VERSION, IntercomSource
from indexers.state import Stored
from tests.indexers.help_centres import (
    TOKEN,
    Answer,
    Intercom,
    Record,
    intercom_article,
    intercom_collection,
    intercom_content,
    serving,
)

ARTICLE = ContentType.ARTICLE


@pytest.fixture
def centre(monkeypatch: pytest.MonkeyPatch) -> Iterator[Intercom]:
    """A help centre in English; its first article of five is in French and Portuguese, too."""
    monkeypatch.setenv("INTERCOM_TOKEN", TOKEN)
    with serving(Intercom()) as served:
        translated = {"fr": {"type": "group_content", "name": "Facturation"}}
        served.collections = [
            intercom_collection(8, "Refunds", parent_id="7"),
            intercom_collection(7, "Billing", translated_content=translated),
        ]
        served.articles = [intercom_article(id_) for id_ in (41, 42, 43, 44, 45)]
        served.articles[0] |= {
            "parent_id": 8,
            "parent_type": "collection",
            "translated_content": {
                "type": "article_translated_content",
                "en": intercom_content(41),
                "de": None,
                "fr": intercom_content(41, "fr", title="Où ça ?", body="<p>Là-bas 🧾"),
                "pt-BR": intercom_content(41, "pt-BR", updated_at=1767434400),
            },
        }
        yield served


def source(centre: Intercom, **fields: Any) -> IntercomSource:
    quick = {"timeout_s": 2.0, "max_wait_s": 5.0, "backoff_s": 0.01}
    given = {"content_type": ARTICLE, "base_url": centre.url, **quick, **fields}
    return IntercomSource(**given)


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


@pytest.mark.parametrize("form", ["link", "cursor", "number"])
def test_every_language_is_listed_over_all_pages(centre: Intercom, form: str) -> None:
    centre.page_size, centre.form = 2, form
    others = [f"{id_}/en" for id_ in (42, 43, 44, 45)]
    assert list(entries(source(centre))) == ["41/en", "41/fr", "41/pt-BR", *others]
    assert centre.paths() == ["/help_center/collections", *["/articles"] * 3]
    asked = [request.query.get("page") for request in centre.seen]
    assert asked == ([None] * 4 if form == "cursor" else [None, None, "2", "3"])
    assert {request.headers["Intercom-Version"] for request in centre.seen} == {API_VERSION}


def test_page_numbers_that_are_text_are_numbers(centre: Intercom) -> None:
    pages = {"type": "pages", "page": "1", "per_page": "50", "total_pages": 2}
    centre.script = [Answer({"type": "list", "data": [], "pages": pages, "total_count": 0})]
    assert len(entries(source(centre))) == 7
    assert centre.seen[1].query == {"per_page": "50", "page": "2"}


def test_the_languages_that_are_named_are_listed_alone(centre: Intercom) -> None:
    assert list(entries(source(centre, locales=("fr", "pt-br")))) == ["41/fr", "41/pt-BR"]
    assert left_out(source(centre, locales=("fr",))) == {}


def test_an_article_becomes_a_document(centre: Intercom) -> None:
    content = entries(source(centre))["41/en"].content
    assert content is not None
    document = extract(content)
    assert (document.id, document.title, document.locale) == ("41/en", "How to 41", "en")
    assert document.url == "https://help.acme.example/en/articles/41-how-to-41"
    assert document.updated_at == "2026-01-02T10:00:00Z"
    assert document.metadata == {"collections": ["Billing", "Refunds"]}
    assert document.text == "Open the settings and choose number 41."
    assert document.revision == content.revision


def test_a_translation_has_its_own_text_date_and_names(centre: Intercom) -> None:
    found = entries(source(centre))
    assert record(found["41/pt-BR"])["updated_at"] == "2026-01-03T10:00:00Z"
    french = record(found["41/fr"])
    assert (french["title"], french["html"]) == ("Où ça ?", "<p>Là-bas 🧾")
    assert french["url"] == "https://help.acme.example/fr/articles/41-how-to-41"
    assert french["metadata"] == {"collections": ["Facturation", "Refunds"]}


def test_a_translation_without_a_date_or_address_has_the_articles_date(centre: Intercom) -> None:
    french = centre.articles[0]["translated_content"]["fr"]
    del french["updated_at"], french["url"]
    found = record(entries(source(centre))["41/fr"])
    assert (found["updated_at"], found["url"]) == ("2026-01-02T10:00:00Z", None)


def test_a_help_centre_of_one_language_has_the_one_that_is_named(centre: Intercom) -> None:
    centre.articles = [intercom_article(41, None)]
    assert [(id_, record(entry)["locale"]) for id_, entry in entries(source(centre)).items()] == [
        ("41", None)
    ]
    (entry,) = entries(source(centre, locales=("en",))).values()
    assert (entry.id, record(entry)["locale"]) == ("41/en", "en")
    assert source(centre, locales=("en",)).read(entry) == entry.content
    assert list(entries(source(centre, locales=("en", "fr")))) == ["41"]


def test_drafts_and_empty_articles_are_skipped(centre: Intercom) -> None:
    centre.articles[0] |= {"state": "draft"}
    centre.articles[0]["translated_content"]["fr"] |= {"state": "draft"}
    centre.articles[1] |= {"body": ""}
    centre.articles[2] |= {"body": None}
    skipped = [item for item in source(centre).list({}) if isinstance(item, Skipped)]
    assert {item.where: item.reason for item in skipped} == {
        "41/en": "a draft",
        "41/fr": "a draft",
        "42/en": "its body is empty",
        "43/en": "its body is empty",
    }
    assert list(entries(source(centre))) == ["41/pt-BR", "44/en", "45/en"]


def test_what_is_known_comes_without_content(centre: Intercom) -> None:
    known = revisions(source(centre))
    centre.articles[1] |= {"updated_at": 1775000000}
    centre.articles[0]["translated_content"]["fr"] |= {"body": "<p>Ailleurs"}
    again = entries(source(centre), known)
    assert {id_ for id_, entry in again.items() if entry.content} == {"41/fr", "42/en"}
    assert {id_ for id_ in known if again[id_].revision != known[id_]} == {"41/fr", "42/en"}


def test_a_collection_of_another_name_is_a_change_of_its_articles(centre: Intercom) -> None:
    known = revisions(source(centre))
    centre.collections[1]["name"] = "Payments"
    again = revisions(source(centre))
    assert [id_ for id_ in known if again[id_] != known[id_]] == ["41/en", "41/pt-BR"]


def test_collections_that_hold_each_other_come_to_an_end(centre: Intercom) -> None:
    centre.collections[1]["parent_id"] = "8"
    names = record(entries(source(centre))["41/en"])["metadata"]["collections"]
    assert names[-2:] == ["Billing", "Refunds"]


def test_an_article_that_is_gone_is_deleted(centre: Intercom) -> None:
    stored = manifest(source(centre))
    del centre.articles[3]
    centre.articles[0]["translated_content"]["fr"] = None
    plan = plan_reindex(source(centre).list({}), stored)
    assert plan.deleted == ("41/fr", "44/en")


@pytest.mark.parametrize("form", ["link", "cursor", "number"])
def test_a_listing_that_breaks_off_half_way_is_an_error(centre: Intercom, form: str) -> None:
    stored = manifest(source(centre))
    centre.page_size, centre.form = 2, form
    centre.broken = "starting_after=3" if form == "cursor" else "page=3"
    with pytest.raises(SourceError, match="500 Internal Server Error; given up at attempt 6"):
        plan_reindex(source(centre).list({}), stored)


def test_an_article_that_moves_while_pages_are_read_hides_another(centre: Intercom) -> None:
    stored = manifest(source(centre))
    centre.page_size = 2
    listing = source(centre).list({})
    first = next(listing)  # The first page is read now.
    centre.articles.insert(0, centre.articles.pop(3))  # Changed, so that it comes first.
    plan = plan_reindex([first, *listing], stored)
    assert (plan.deleted, plan.kept) == ((), 1)
    assert plan.failures[0].reason == "5 were counted and 4 listed; did some change meanwhile?"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": None}, "field title must be text, not NoneType"),
        ({"body": ["x"]}, "field body must be text, not list"),
        ({"state": None}, "field state must be published or draft, not None"),
        ({"state": "archived"}, "field state must be published or draft, not 'archived'"),
        ({"updated_at": None}, "field updated_at must be a whole number of seconds"),
        ({"updated_at": "2026-01-01"}, "field updated_at must be a whole number of seconds"),
        ({"updated_at": 10**20}, f"field updated_at is no time: {10**20}"),
        ({"url": 7}, "field url must be text, not int"),
    ],
)
def test_an_article_with_a_wrong_field_is_named_and_kept(
    centre: Intercom, change: Record, reason: str
) -> None:
    stored = manifest(source(centre))
    centre.articles[1] |= change
    plan = plan_reindex(source(centre).list({}), stored)
    assert [(f.where, f.reason) for f in plan.failures] == [("42/en", reason)]
    assert plan.deleted == ()


def test_a_translation_that_is_none_is_named_and_kept(centre: Intercom) -> None:
    stored = manifest(source(centre))
    centre.articles[0]["translated_content"]["fr"] = "Où ça ?"
    plan = plan_reindex(source(centre).list({}), stored)
    assert [f.where for f in plan.failures] == ["41/fr"]
    assert plan.deleted == ()


@pytest.mark.parametrize("change", [{"translated_content": ["fr"]}, {"default_locale": 3.5}])
def test_an_article_that_hides_its_languages_hides_documents(
    centre: Intercom, change: Record
) -> None:
    stored = manifest(source(centre))
    centre.articles[0] |= change
    plan = plan_reindex(source(centre).list({}), stored)
    assert [f.where for f in plan.failures] == ["articles: 41"]
    assert (plan.deleted, plan.kept) == ((), 3)


def test_an_article_without_an_id_hides_one(centre: Intercom) -> None:
    del centre.articles[4]["id"]
    item = next(item for item in source(centre).list({}) if isinstance(item, Unreadable))
    assert (item.where, item.hides_id) == ("data: page 1, item 5", True)


@pytest.mark.parametrize(
    "pages", ["1 of 3", {"type": "pages", "next": {"per_page": 50}, "page": 1, "total_pages": 2}]
)
def test_a_page_that_does_not_say_what_follows_is_an_error(centre: Intercom, pages: object) -> None:
    centre.script = [Answer({"type": "list", "data": [], "total_count": 0, "pages": pages})]
    with pytest.raises(SourceError, match="a page of Intercom's"):
        entries(source(centre))


def test_a_cursor_that_the_api_does_not_heed_is_no_endless_loop(centre: Intercom) -> None:
    pages = {"type": "pages", "next": {"starting_after": "abc"}, "page": 1}
    centre.script = [Answer({"type": "list", "data": [], "pages": pages})] * 9
    with pytest.raises(SourceError, match="/help_center/collections: its pages never end"):
        entries(source(centre))


def test_a_wrong_token_is_said_with_what_to_check(
    centre: Intercom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERCOM_TOKEN", "another")
    with pytest.raises(SourceError, match="401 Unauthorized: INTERCOM_TOKEN must") as failure:
        entries(source(centre))
    assert str(failure.value).endswith("may read articles, and base_url be its region's")
    assert "another" not in str(failure.value)


def test_a_token_that_is_missing_is_said_before_anything_is_asked(centre: Intercom) -> None:
    with pytest.raises(SourceError, match="the environment variable NO_TOKEN must hold"):
        entries(source(centre, token_env="NO_TOKEN"))
    assert not centre.seen


def test_a_rate_limit_is_waited_for(centre: Intercom) -> None:
    centre.script = [Answer({"type": "error.list"}, 429, {"Retry-After": "1"})]
    assert len(entries(source(centre))) == 7
    assert centre.pauses()[0] >= 1


def test_a_next_page_of_another_host_is_refused(centre: Intercom) -> None:
    with serving(Intercom()) as other:
        pages = {"type": "pages", "next": f"{other.url}/articles?page=2"}
        centre.script = [Answer({"type": "list", "data": [], "pages": pages})]
        with pytest.raises(SourceError, match="the token is not sent to others"):
            entries(source(centre))
        assert not other.seen


def test_a_server_that_hangs_has_a_time_limit(centre: Intercom) -> None:
    centre.script = [Answer(silent=True)] * 9
    with pytest.raises(SourceError, match="timed out; given up"):
        entries(source(centre, timeout_s=0.1, max_wait_s=0.5))


@pytest.mark.parametrize("id_", ["41/fr", "42/en"])
def test_an_article_is_read_as_it_was_listed(centre: Intercom, id_: str) -> None:
    entry = entries(source(centre))[id_]
    centre.seen.clear()
    assert source(centre).read(entry) == entry.content
    assert centre.paths() == [f"/articles/{id_[:2]}", "/help_center/collections"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"body": "<p>New"}, "the next run takes it up"),
        ({"state": "draft"}, "a draft"),
        ({"title": None}, "field title must be text"),
        ({"default_locale": "nl"}, "is no longer there"),
        ({"id": "99"}, "404 Not Found"),
    ],
)
def test_an_article_that_is_not_what_was_listed_is_not_read(
    centre: Intercom, change: Record, reason: str
) -> None:
    entry = entries(source(centre))["42/en"]
    centre.articles[1] |= change
    with pytest.raises(DocumentError, match=reason):
        source(centre).read(entry)


def test_an_export_lists_what_the_api_lists(centre: Intercom, tmp_path: Path) -> None:
    path = tmp_path / "help centre.json"
    pages = [
        {"type": "list", "data": centre.articles[:3], "total_count": 5, "pages": None},
        {"type": "list", "data": centre.collections, "total_count": 2, "pages": None},
        {"type": "list", "data": centre.articles[3:], "total_count": 5, "pages": None},
    ]
    path.write_text(json.dumps(pages))
    export = IntercomSource(content_type=ARTICLE, export=path)
    assert revisions(export) == revisions(source(centre))
    entry = entries(export)["45/en"]
    assert export.read(entry) == entry.content


def test_an_export_of_a_page_only_deletes_nothing(centre: Intercom, tmp_path: Path) -> None:
    stored = manifest(source(centre))
    path = tmp_path / "page.json"
    page = {"type": "list", "data": centre.articles[:3], "total_count": 5}
    path.write_text(json.dumps(page))
    export = IntercomSource(content_type=ARTICLE, export=path)
    assert plan_reindex(export.list({}), stored).deleted == ()
    path.write_text(json.dumps({**page, "pages": {"page": 1, "total_pages": 2}}))
    with pytest.raises(SourceError, match="its last page says that more follow"):
        entries(export)


def test_the_catalog_builds_the_source(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text("kind: intercom\nlocales: [en]\nexport: help.json\n")
    assert construct(IntercomSource, load(path), content_type=ARTICLE) == IntercomSource(
        content_type=ARTICLE,
        base_url="https://api.intercom.io",
        token_env="INTERCOM_TOKEN",
        locales=("en",),
        export=tmp_path / "help.json",
    )


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("base_url: https://api.intercom.io/articles", ARTICLE, "base_url must be like"),
        ("locales: ['']", ARTICLE, "'' is no locale"),
        ("timeout_s: -1", ARTICLE, "timeout_s must be above 0"),
        ("token_env: T", ContentType.SNIPPET, "of type article, not snippet"),
    ],
)
def test_settings_that_cannot_be_are_said(
    tmp_path: Path, text: str, kind: ContentType, reason: str
) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text(f"kind: intercom\n{text}\n")
    with pytest.raises(LocatedError, match=reason):
        construct(IntercomSource, load(path), content_type=kind)
