"""Which collection a re-index writes to."""

from indexers.collections import choose_target
from tests.builders import FAQS, Site, faq

CHANGED = FAQS + "    filters: {locale: keyword}\n"


def target(site: Site, *, full: bool = False) -> tuple[str, bool, str | None]:
    chosen = choose_target(site.specs()["faqs"], site.store, site.state, full=full)
    return chosen.collection, chosen.live, chosen.replaces


def test_a_first_build_replaces_nothing(site: Site) -> None:
    name, live, replaces = target(site)
    assert name.startswith("faqs-")
    assert (live, replaces) == (False, None)


def test_the_live_collection_is_changed_in_place(site: Site) -> None:
    site.faqs(faq("a"))
    name = site.reindex().collection
    assert target(site) == (name, True, None)


def test_full_takes_a_name_that_was_never_there(site: Site) -> None:
    site.faqs(faq("a"))
    names = [site.reindex(full=True).collection for _ in range(3)]
    name, live, replaces = target(site, full=True)
    assert name not in names
    assert (live, replaces) == (False, names[-1])


def test_a_changed_build_goes_beside_the_live_one(site: Site) -> None:
    site.faqs(faq("a"))
    name = site.reindex().collection
    site.catalog = CHANGED
    other, live, replaces = target(site)
    assert other != name
    assert (live, replaces) == (False, name)


def test_a_build_whose_collection_is_gone_starts_again_under_a_new_name(site: Site) -> None:
    site.faqs(faq("a"))
    name = site.reindex().collection
    site.store.drop(name)
    assert target(site)[0] != name
    report = site.reindex()
    assert report.new == report.chunks_stored == 1
    assert site.store.aliases() == {"faqs": report.collection}
