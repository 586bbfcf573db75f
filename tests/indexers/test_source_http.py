"""What a web site lists and gives to read, against real servers on loopback."""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from chunkers import ContentType, Format, extract
from indexers.errors import DocumentError, SourceError
from indexers.located import LocatedError, construct, load
from indexers.plan import plan_reindex
from indexers.sources import Entry, Listed, Skipped, Unreadable
from indexers.sources.http import GIVE_UP_AFTER, HttpSource
from indexers.state import Stored
from tests.indexers.web_site import QUICK, Answer, Site, moved, serving
from tests.indexers.web_site import site as site

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def sitemap(*locations: str, of: str = "urlset") -> Answer:
    """A sitemap of pages, or an index of sitemaps."""
    item = "url" if of == "urlset" else "sitemap"
    listed = "".join(
        f"<{item}>\n<loc> {location} </loc><lastmod>2024-05-01</lastmod></{item}>"
        for location in locations
    )
    xml = f'<?xml version="1.0" encoding="UTF-8"?><!-- --><{of} xmlns="{NAMESPACE}">{listed}</{of}>'
    return Answer(xml.encode(), "application/xml")


def source(site: Site, **fields: Any) -> HttpSource:
    place = {} if "urls" in fields else {"sitemap": f"{site.url}/sitemap.xml"}
    quick = {**QUICK, "requests_per_second": 1000.0, "allow_private_hosts": ("127.0.0.1",)}
    return HttpSource(**{"content_type": ContentType.ARTICLE, **place, **quick, **fields})


def paths(site: Site, found: HttpSource, known: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What is listed, by its path on the site."""
    items: dict[str, Listed] = {}
    for item in found.list(known or {}):
        items[item.where.removeprefix(site.url)] = item
    return items


def entry(site: Site, path: str, known: Mapping[str, str] | None = None) -> Entry:
    """The one page that a list of addresses has."""
    (found,) = source(site, urls=(f"{site.url}{path}",)).list(known or {})
    assert isinstance(found, Entry)
    return found


def deleted(site: Site, found: HttpSource, *known: str) -> set[str]:
    """The paths, of those that were indexed before, that a re-index would delete."""
    manifest = {f"{site.url}{path}": Stored(revision="1", chunks=1) for path in known}
    gone = plan_reindex(found.list({}), manifest).deleted
    return {id_.removeprefix(site.url) for id_ in gone}


def article(text: str, **headers: str) -> Answer:
    return Answer(f"<title>T</title><p>{text}".encode(), headers=headers)


def dated(age: timedelta) -> str:
    return format_datetime(datetime.now(UTC) - age, usegmt=True)


def test_the_pages_of_a_sitemap_are_listed_with_their_content(site: Site) -> None:
    site.pages |= {
        "/sitemap.xml": sitemap(f"{site.url}/b?x=1&amp;y=2", f"{site.url}/a", f"{site.url}/a#top"),
        "/a": article("Apples"),
        "/b?x=1&y=2": article("Bananas"),
    }
    found = list(source(site).list({}))
    assert [item.where for item in found] == [f"{site.url}/b?x=1&y=2", f"{site.url}/a"]
    for item, text in zip(found, ["Bananas", "Apples"], strict=True):
        assert isinstance(item, Entry)
        assert item.content is not None
        assert (item.id, item.content.url) == (item.where, item.where)
        assert item.content.revision == item.revision
        document = extract(item.content)
        assert (document.text, document.title) == (text, "T")
    assert site.paths() == ["/sitemap.xml", "/b?x=1&y=2", "/a"]


def test_a_list_of_addresses_is_listed_in_its_order(site: Site) -> None:
    site.pages |= {"/b": article("B"), "/a": article("A")}
    urls = (f"{site.url}/b", f"{site.url}/a", f"{site.url}/b#part")
    assert list(paths(site, source(site, urls=urls))) == ["/b", "/a"]


def test_indexes_of_sitemaps_are_followed(site: Site) -> None:
    inner = sitemap(f"{site.url}/c")
    site.pages |= {
        "/sitemap.xml": sitemap(f"{site.url}/1.xml", f"{site.url}/2.xml", of="sitemapindex"),
        "/1.xml": sitemap(
            f"{site.url}/3.xml.gz", f"{site.url}/4.xml", f"{site.url}/1.xml", of="sitemapindex"
        ),
        "/2.xml": sitemap(f"{site.url}/a"),
        "/3.xml.gz": Answer(gzip.compress(sitemap(f"{site.url}/b").body), "application/gzip"),
        "/4.xml": Answer(gzip.compress(inner.body), headers={"Content-Encoding": "gzip"}),
        **{f"/{name}": article(name) for name in "abc"},
    }
    assert list(paths(site, source(site))) == ["/b", "/c", "/a"]


def test_a_sitemap_lists_its_own_host_and_the_hosts_named(site: Site) -> None:
    with serving() as other:
        pages = (f"{site.url}/a", f"{other.url}/b")
        site.pages |= {"/sitemap.xml": sitemap(*pages), "/a": article("A")}
        other.pages["/b"] = article("B")
        found = paths(site, source(site))
        assert isinstance(found["/a"], Entry)
        assert found[f"{other.url}/b"] == Skipped(
            where=f"{other.url}/b", reason="not on the sitemap's host, nor on one of hosts"
        )
        assert other.asked == []
        found = paths(site, source(site, hosts=(other.host,)))
        assert isinstance(found[f"{other.url}/b"], Entry)


def test_a_sitemap_that_moved_lists_the_host_where_it_is(site: Site) -> None:
    with serving() as other:
        site.pages["/sitemap.xml"] = moved(f"{other.url}/sitemap.xml")
        other.pages |= {"/sitemap.xml": sitemap(f"{other.url}/a"), "/a": article("A")}
        assert list(paths(other, source(site))) == ["/a"]


def test_an_image_in_a_sitemap_is_no_page(site: Site) -> None:
    image = f'<i:image xmlns:i="urn:image"><i:loc>{site.url}/i.png</i:loc></i:image>'
    body = sitemap(f"{site.url}/a").body.replace(b"</url>", f"{image}</url>".encode())
    site.pages |= {"/sitemap.xml": Answer(body), "/a": article("A")}
    assert list(paths(site, source(site))) == ["/a"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(b"<urlset><url>"), "not XML: "),
        (Answer(b""), "not XML: "),
        (Answer(b"<!doctype html><p>Not found"), "not XML: "),
        (Answer(b"<html/>"), "neither a urlset nor a sitemapindex, but 'html'"),
        (Answer(status=404), "404 Not Found"),
        (Answer(status=503), "503 Service Unavailable; given up at attempt 3"),
        (Answer(b"half", cut=True), "given up at attempt 3"),
        (Answer(b"\x1f\x8bhalf"), "not a whole gzip file"),
        (Answer(gzip.compress(b" " * 53_000_000)), "more than 52428800 bytes once it is decomp"),
        (moved("http://10.0.0.1/"), "10.0.0.1, which is not public"),
        (Answer(b'<!DOCTYPE u [<!ENTITY a "b">]><urlset/>'), "has a document type, which may"),
        (
            Answer(b'<!DOCTYPE u [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset>&a;</urlset>'),
            "has a document type, which may",
        ),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_sitemap_that_cannot_be_read_deletes_nothing(
    site: Site, answer: Answer, reason: str, nested: bool
) -> None:
    where = "/nested.xml" if nested else "/sitemap.xml"
    site.pages |= {
        "/sitemap.xml": sitemap(f"{site.url}/1.xml", f"{site.url}/nested.xml", of="sitemapindex"),
        "/1.xml": sitemap(f"{site.url}/a"),
        "/a": article("A"),
        where: answer,
    }
    with pytest.raises(SourceError, match=f"the sitemap {site.url}{where}: .*{reason}"):
        list(source(site).list({}))


def test_entities_are_not_expanded(site: Site) -> None:
    """A billion laughs, which would be three gigabytes."""
    entities = "".join(
        f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 10)
    )
    laughs = f'<!DOCTYPE u [<!ENTITY e0 "laugh">{entities}]>'
    body = f"{laughs}<urlset><url><loc>&e9;</loc></url></urlset>"
    site.pages["/sitemap.xml"] = Answer(body.encode())
    with pytest.raises(SourceError):
        list(source(site).list({}))


def test_sitemaps_on_other_hosts_and_pages_without_end_are_named(site: Site) -> None:
    site.pages["/sitemap.xml"] = sitemap("http://other.example/s.xml", of="sitemapindex")
    with pytest.raises(SourceError, match=r"names one on another host, .*; name other.example in"):
        list(source(site).list({}))
    site.pages["/sitemap.xml"] = sitemap(*(f"{site.url}/{number}" for number in range(4)))
    with pytest.raises(SourceError, match="more than 3 pages"):
        list(source(site, max_pages=3).list({}))
    assert set(site.paths()) == {"/sitemap.xml"}


@pytest.mark.parametrize(
    "location", ["", "/relative", "ftp://a/b", "http://u:secret@a/", "http://a:b"]
)
def test_what_is_no_address_may_hide_a_page(site: Site, location: str) -> None:
    site.pages |= {"/sitemap.xml": sitemap(location, f"{site.url}/a"), "/a": article("A")}
    hidden, listed = source(site).list({})
    assert isinstance(hidden, Unreadable)
    assert hidden.hides_id
    assert isinstance(listed, Entry)
    assert "secret" not in repr(hidden)


def test_a_page_with_an_etag_is_asked_for_again_by_it(site: Site) -> None:
    site.pages["/a"] = article("A", ETag='W/"v1"', **{"Last-Modified": dated(timedelta(days=1))})
    first = entry(site, "/a")
    assert first.revision.endswith(' etag:W/"v1"')
    again = entry(site, "/a", {first.id: first.revision})
    assert site.header("If-None-Match") == [None, 'W/"v1"']
    assert (again, again.content) == (first, None)
    site.pages["/a"] = article("B", ETag='"v2"')
    changed = entry(site, "/a", {first.id: first.revision})
    assert changed.content is not None
    assert changed.revision != first.revision


def test_a_page_with_a_date_is_asked_for_again_by_it(site: Site) -> None:
    date = dated(timedelta(days=1))
    site.pages["/a"] = article("A", **{"Last-Modified": date})
    first = entry(site, "/a")
    assert first.revision.endswith(f" modified:{date}")
    again = entry(site, "/a", {first.id: first.revision})
    assert site.header("If-Modified-Since") == [None, date]
    assert (again, again.content) == (first, None)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ETag": "without quotes"},
        {"Last-Modified": "yesterday"},
        {"Last-Modified": "Mon, 99 Jan 2024 10:00:00 GMT"},
        {"Last-Modified": dated(timedelta(days=-1))},
    ],
)
def test_a_page_without_a_validator_is_compared_by_its_bytes(
    site: Site, headers: dict[str, str]
) -> None:
    site.pages["/a"] = article("A", **headers)
    first = entry(site, "/a")
    assert len(first.revision) == 32
    again = entry(site, "/a", {first.id: first.revision})
    assert (again, again.content) == (first, None)
    assert {*site.header("If-None-Match"), *site.header("If-Modified-Since")} == {None}
    site.pages["/a"] = article("B", **headers)
    assert entry(site, "/a", {first.id: first.revision}).content is not None


def test_a_date_in_the_second_of_the_answer_is_not_trusted(site: Site) -> None:
    """The page could be changed once more within it."""
    site.pages["/a"] = article("A", **{"Last-Modified": dated(timedelta())})
    assert len(entry(site, "/a").revision) == 32


def test_the_same_bytes_with_another_etag_are_the_same(site: Site) -> None:
    site.pages["/a"] = [article("A", ETag=f'"{number}"') for number in range(2)]
    first = entry(site, "/a")
    again = entry(site, "/a", {first.id: first.revision})
    assert (again, again.content) == (first, None)


def test_a_revision_that_another_source_made_asks_for_all(site: Site) -> None:
    site.pages["/a"] = article("A", ETag='"1"')
    for known in ("x", "a" * 32, 'etag:"1"', f'{"a" * 32} etag:"1"\r\nHost: b'):
        assert entry(site, "/a", {f"{site.url}/a": known}).content is not None
    assert set(site.header("If-None-Match")) == {None}


def test_a_page_that_is_gone_is_deleted_and_one_that_fails_stays(site: Site) -> None:
    statuses = {"/404": 404, "/410": 410, "/401": 401, "/403": 403, "/500": 500, "/204": 204}
    site.pages |= {path: Answer(status=status) for path, status in statuses.items()}
    site.pages |= {"/long": Answer(b"x" * 2000), "/inside": moved("http://10.0.0.1/")}
    site.pages |= {"/loop": moved("/loop"), "/half": Answer(b"half", cut=True)}
    names = [*statuses, "/long", "/inside", "/loop", "/half"]
    site.pages["/sitemap.xml"] = sitemap(*(f"{site.url}{path}" for path in names))
    wanted = source(site, max_bytes=1999)
    found = paths(site, wanted)
    assert {path for path, item in found.items() if isinstance(item, Skipped)} == {"/404", "/410"}
    assert all(isinstance(found[path], Unreadable) for path in names[2:])
    assert not any(getattr(item, "hides_id", False) for item in found.values())
    assert found["/403"].reason == "403 Forbidden"
    assert found["/500"].reason == "500 Internal Server Error; given up at attempt 3"
    assert deleted(site, wanted, *names, "/unlisted") == {"/404", "/410", "/unlisted"}


def test_what_robots_forbid_is_skipped(site: Site) -> None:
    robots = b"User-agent: passages\nDisallow: /private/\n"
    pages = (f"{site.url}/private/a", f"{site.url}/b")
    site.pages |= {"/robots.txt": Answer(robots), "/sitemap.xml": sitemap(*pages)}
    site.pages |= {"/private/a": article("A"), "/b": article("B")}
    found = paths(site, source(site))
    assert isinstance(found["/private/a"], Skipped)
    assert found["/private/a"].reason.endswith("/robots.txt forbids /private/a")
    assert isinstance(found["/b"], Entry)
    assert site.paths() == ["/sitemap.xml", "/b"]


def test_a_site_that_stops_answering_ends_the_listing(site: Site) -> None:
    numbers = range(GIVE_UP_AFTER + 2)
    site.pages["/sitemap.xml"] = sitemap(*(f"{site.url}/{number}" for number in numbers))
    site.pages |= {f"/{number}": Answer(status=503) for number in numbers}
    with pytest.raises(
        SourceError, match=f"5 pages in a row did not answer, the last one {site.url}/4"
    ):
        list(source(site).list({}))
    site.pages["/2"] = article("here")
    assert len(paths(site, source(site))) == len(numbers)


@pytest.mark.parametrize(
    ("content_type", "formats"),
    [
        (
            ContentType.ARTICLE,
            {"/html": Format.HTML, "/xhtml": Format.HTML, "/md": Format.MARKDOWN}
            | {"/text": Format.TEXT, "/readme.md": Format.MARKDOWN},
        ),
        (ContentType.FAQ, {"/json": Format.JSON}),
        (
            ContentType.SNIPPET,
            {"/md": Format.MARKDOWN, "/text": Format.TEXT, "/readme.md": Format.MARKDOWN}
            | {"/json": Format.JSON},
        ),
        (ContentType.PDF, {"/pdf": Format.PDF}),
    ],
)
def test_a_media_type_says_the_format(
    site: Site, content_type: ContentType, formats: dict[str, Format]
) -> None:
    types = {
        "/html": "text/html; charset=utf-8",
        "/xhtml": "application/xhtml+xml",
        "/md": "text/markdown",
        "/text": "Text/Plain",
        "/readme.md": "text/plain",
        "/json": "application/json",
        "/pdf": "application/pdf",
        "/image": "image/png",
        "/none": "",
    }
    site.pages |= {path: Answer(b"{}", type_) for path, type_ in types.items()}
    urls = tuple(f"{site.url}{path}" for path in types)
    found = paths(site, source(site, urls=urls, content_type=content_type))
    listed = {path: item for path, item in found.items() if isinstance(item, Entry)}
    assert {path: item.content and item.content.format for path, item in listed.items()} == formats
    others = [item for path, item in found.items() if path not in formats]
    assert all(isinstance(item, Skipped) for item in others)
    assert found["/image"].reason.startswith("image/png, not of type ")
    assert found["/none"].reason.startswith("without a Content-Type, not of type ")


@pytest.mark.parametrize(
    ("charset", "data"),
    [
        ("utf-8", "Größe, “ja”".encode()),
        ("ISO-8859-1", "Größe, “ja”".encode("cp1252")),
        ("windows-1252", "Größe, “ja”".encode("cp1252")),
        ("iso-8859-1", "Größe, “ja”".encode()),
        ('"shift_jis"', "設定を開く".encode("shift_jis")),
        ("utf-16", "Größe, “ja”".encode("utf-16")),
    ],
)
def test_a_text_is_in_the_encoding_that_its_head_names(
    site: Site, charset: str, data: bytes
) -> None:
    site.pages["/a"] = Answer(data, f"text/plain; charset={charset}")
    content = entry(site, "/a").content
    assert content is not None
    assert extract(content).text in ("Größe, “ja”", "設定を開く")


@pytest.mark.parametrize("charset", ["punycode", "unicode_escape", "no-such", "zlib"])
def test_an_encoding_that_the_web_does_not_have_is_not_used(site: Site, charset: str) -> None:
    site.pages["/a"] = Answer(b"caf\xe9", f"text/plain; charset={charset}")
    content = entry(site, "/a").content
    assert content is not None
    assert content.data == b"caf\xe9"


def test_a_redirected_page_keeps_its_id_and_names_its_address(site: Site) -> None:
    site.pages |= {"/old": moved("/new", 301), "/new": article("A", ETag='"1"')}
    found = entry(site, "/old")
    assert found.content is not None
    assert (found.id, found.content.id) == (f"{site.url}/old", f"{site.url}/old")
    assert found.content.url == f"{site.url}/new"
    assert entry(site, "/old", {found.id: found.revision}).content is None


def test_a_listed_page_is_read_again(site: Site) -> None:
    record = json.dumps({"question": "Why?", "answer": "Because."}).encode()
    site.pages["/a"] = Answer(record, "application/json", headers={"ETag": '"1"'})
    wanted = source(site, urls=(f"{site.url}/a",), content_type=ContentType.FAQ)
    (listed,) = wanted.list({})
    assert isinstance(listed, Entry)
    content = wanted.read(listed)
    assert content == listed.content
    assert site.header("If-None-Match") == [None, None]
    site.pages["/a"] = Answer(record, "application/json", headers={"ETag": '"2"'})
    assert wanted.read(listed).revision == listed.revision
    for answer, reason in [
        (Answer(b"{}", "application/json"), "changed while it was being indexed; the next run"),
        (Answer(status=404), "is no longer there"),
        (Answer(status=403), "403 Forbidden"),
        (Answer(status=500), "500 Internal Server Error; given up"),
        (Answer(b"<p>"), "is of another type by now: text/html"),
        (Answer(b"<p>", cut=True, type="application/json"), "given up at attempt 3"),
    ]:
        site.pages["/a"] = answer
        with pytest.raises(DocumentError, match=reason):
            wanted.read(listed)


def test_listing_is_lazy_and_closes_its_connections(site: Site) -> None:
    site.pages |= {f"/{name}": article(name) for name in "ab"}
    listing = source(site, urls=(f"{site.url}/a", f"{site.url}/b")).list({})
    assert isinstance(next(iter(listing)), Entry)
    assert site.paths() == ["/a"]
    del listing


def test_a_private_address_is_named_in_the_listing(site: Site) -> None:
    site.pages["/a"] = article("A")
    urls = (f"{site.url}/a", f"http://localhost:{site.url.rpartition(':')[2]}/a")
    found = list(source(site, urls=urls).list({}))
    assert isinstance(found[0], Entry)
    assert isinstance(found[1], Unreadable)
    assert found[1].where == urls[1]
    assert "is not public; if it may be read, name it in allow_private_hosts" in found[1].reason
    with pytest.raises(SourceError, match=r"127.0.0.1, which is not public"):
        list(source(site, allow_private_hosts=()).list({}))


def test_a_catalog_names_what_is_wrong(tmp_path: Path) -> None:
    def read(text: str) -> HttpSource:
        file = tmp_path / "source.yaml"
        file.write_text(f"kind: http\n{text}\n")
        return construct(HttpSource, load(file), content_type=ContentType.ARTICLE)

    plain = read("sitemap: https://help.example.com/sitemap.xml")
    assert (plain.requests_per_second, plain.allow_private_hosts) == (4.0, ())
    assert read("urls: [https://a.example/, https://a.example/b]").urls[1] == "https://a.example/b"
    for text, message in {
        "max_pages: 5": "either a sitemap or urls must be given",
        "sitemap: http://a/s.xml\nurls: [http://a/]": "either a sitemap or urls must be given",
        "sitemap: sitemap.xml": "'sitemap.xml' is not an http or https address",
        "urls: [ftp://a/]": "'ftp://a/' is not an http or https address",
        "urls: [http://me:secret@a/]": "'http://a/' is given with a user name or password",
        "sitemap: http://a/s.xml\nhosts: [http://b/]": "a host is given like",
        "sitemap: http://a/s.xml\nallow_private_hosts: [a/b]": "a host is given like",
        "sitemap: http://a/s.xml\nmax_pages: 0": "max_pages must be above 0, not 0",
        "sitemap: http://a/s.xml\ntimeout_s: -1": "timeout_s must be above 0, not -1",
        "sitemap: http://a/s.xml\nrequests_per_second: 0": "requests_per_second must be above 0",
    }.items():
        with pytest.raises(LocatedError, match=message):
            read(text)
