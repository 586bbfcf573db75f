"""What each index is, told from the state alone."""

from dataclasses import replace

import pytest

from indexers.status import index_status
from tests.builders import ARTICLES, FAQS, Site, faq


def test_an_index_that_was_never_indexed(site: Site) -> None:
    status = index_status(site.specs()["faqs"], site.state)
    assert (status.build, status.collection, status.indexed_at) == (None, None, None)
    assert (status.documents, status.chunks, status.current) == (0, 0, False)


def test_an_indexed_one_says_what_it_holds_and_when(site: Site) -> None:
    site.faqs(faq("a"), faq("b"))
    report = site.reindex()
    status = index_status(site.specs()["faqs"], site.state)
    assert (status.documents, status.chunks, status.current) == (2, 2, True)
    assert status.collection == report.collection
    assert report.collection.startswith(f"faqs-{status.build}-")
    assert status.indexed_at is not None


def test_a_source_is_its_kind_and_its_path(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.catalog = FAQS + ARTICLES.removeprefix("indexes:\n")
    faqs, articles = site.specs().values()
    root = site.folder
    monkeypatch.chdir(root)
    assert index_status(faqs, site.state).source == "jsonl faqs.jsonl"
    assert index_status(articles, site.state).source == "directory articles"
    monkeypatch.chdir(root.parent)
    assert index_status(faqs, site.state).source == f"jsonl {root.name}/faqs.jsonl"
    (root / "elsewhere").mkdir()
    monkeypatch.chdir(root / "elsewhere")
    assert index_status(faqs, site.state).source == f"jsonl {root}/faqs.jsonl"


def test_a_changed_catalog_is_noticed(site: Site) -> None:
    site.faqs(faq("a"))
    site.reindex()
    site.catalog = FAQS + "    filters: {locale: keyword}\n"
    assert not index_status(site.specs()["faqs"], site.state).current


def test_a_catalog_that_asks_for_a_model_nobody_has_is_still_told_of(site: Site) -> None:
    site.faqs(faq("a"))
    site.reindex()
    model = "{kind: sentence_transformers, name: ./no/such/model}"
    site.catalog = FAQS + f"    build: {{embedder: {model}}}\n"
    status = index_status(site.specs()["faqs"], site.state)
    assert status.documents == 1
    assert not status.current


def test_the_last_finished_build_is_the_live_one(site: Site) -> None:
    site.faqs(faq("a"))
    first = site.reindex().collection
    second = site.reindex(full=True).collection
    third = site.reindex(full=True).collection
    assert len({first, second, third}) == 3
    assert index_status(site.specs()["faqs"], site.state).collection == third
    record = next(build for build in site.state.builds() if build.collection == second)
    site.state.save_build(replace(record, collection="unfinished", finished_at=None))
    assert index_status(site.specs()["faqs"], site.state).collection == third


def test_another_index_s_builds_do_not_count(site: Site) -> None:
    site.catalog = FAQS + ARTICLES.removeprefix("indexes:\n")
    site.faqs(faq("a"))
    site.reindex("faqs")
    assert index_status(site.specs()["articles"], site.state).build is None
