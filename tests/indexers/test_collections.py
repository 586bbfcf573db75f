"""Which collection a re-index writes to, which one searches go back to, and which may go."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from indexers.collections import IN_USE_S, choose_target, prune, roll_back, switch
from indexers.errors import ConflictError
from indexers.jobs.job import JobState, now_iso
from indexers.jobs.planning import plan
from indexers.points import schema
from indexers.state import BuildRecord, Stored
from tests.builders import ARTICLES, FAQS, Site, faq

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


def test_a_build_that_was_rolled_back_is_not_taken_up_again(site: Site) -> None:
    site.faqs(faq("a"))
    first = site.reindex().collection
    site.catalog = CHANGED
    second = site.reindex().collection
    assert roll_back("faqs", site.store, site.state) == first
    assert target(site)[0] not in (first, second)


# Going back.


def live(site: Site, index: str = "faqs") -> str:
    return site.store.aliases()[index]


def build(site: Site, collection: str) -> BuildRecord:
    return next(one for one in site.state.builds() if one.collection == collection)


def builds(site: Site, count: int, keep: str = "{builds: 9}") -> list[str]:
    """So many builds of the index, each of which was live in turn; the live one is the last."""
    site.catalog = FAQS + f"    keep: {keep}\n"
    site.faqs(faq("a"))
    spec, made = site.specs()["faqs"], []
    for _ in range(count):
        record = choose_target(spec, site.store, site.state, full=True).record
        site.store.create(record.collection, schema(spec.build))
        site.state.save_build(replace(record, finished_at=now_iso()))
        site.state.save_documents(record.collection, {"a": Stored("before", 0)})
        switch("faqs", record.collection, site.store, site.state)
        made.append(record.collection)
    return made


def test_going_back_shows_the_build_of_before(site: Site) -> None:
    first, second = builds(site, 2)
    assert roll_back("faqs", site.store, site.state) == first
    assert live(site) == first
    assert build(site, second).rejected_at
    assert build(site, second).replaced_at
    assert not build(site, first).rejected_at
    assert not build(site, first).replaced_at
    assert set(site.store.collections()) == {first, second}


def test_going_back_again_goes_further_back(site: Site) -> None:
    first, second, _ = builds(site, 3)
    assert roll_back("faqs", site.store, site.state) == second
    assert roll_back("faqs", site.store, site.state) == first
    with pytest.raises(ConflictError, match="'faqs' has no earlier build to go back to"):
        roll_back("faqs", site.store, site.state)
    assert live(site) == first


def test_without_an_earlier_build_nothing_changes(site: Site) -> None:
    with pytest.raises(ConflictError, match="no earlier build"):
        roll_back("faqs", site.store, site.state)
    (only,) = builds(site, 1)
    with pytest.raises(ConflictError, match="no earlier build"):
        roll_back("faqs", site.store, site.state)
    assert live(site) == only
    assert not build(site, only).rejected_at


def test_a_build_that_never_was_live_is_nothing_to_go_back_to(site: Site) -> None:
    builds(site, 1)
    plan(site.work(full=True))
    with pytest.raises(ConflictError, match="no earlier build"):
        roll_back("faqs", site.store, site.state)


def test_a_build_whose_collection_is_gone_is_nothing_to_go_back_to(site: Site) -> None:
    first, second, _ = builds(site, 3)
    site.store.drop(second)
    assert roll_back("faqs", site.store, site.state) == first


def test_a_build_of_another_index_is_nothing_to_go_back_to(site: Site) -> None:
    builds(site, 1)
    site.catalog += ARTICLES.removeprefix("indexes:\n")
    site.articles({"a.md": "# A\n\nAn article of one sentence."})
    site.reindex("articles")
    site.reindex("articles", full=True)
    with pytest.raises(ConflictError, match="no earlier build"):
        roll_back("faqs", site.store, site.state)


# What may go.


def pruned(site: Site, *, unfinished: bool = False) -> list[str]:
    return prune(site.specs()["faqs"], site.store, site.state, unfinished=unfinished)


def left_ago(site: Site, collection: str, ago: timedelta) -> None:
    """Let searches have left a build so long ago."""
    at = (datetime.now(UTC) - ago).isoformat(timespec="milliseconds")
    site.state.save_build(replace(build(site, collection), replaced_at=at))


@pytest.mark.parametrize("keep", [0, 2])
def test_the_latest_builds_are_kept_by_number(site: Site, keep: int) -> None:
    made = builds(site, 4)
    site.an_hour_passes()
    site.catalog = FAQS + f"    keep: {{builds: {keep}}}\n"
    gone, kept = made[: 3 - keep], made[3 - keep :]
    assert sorted(pruned(site)) == sorted(gone)
    assert site.store.collections() == sorted(kept)
    assert {one.collection for one in site.state.builds()} == set(kept)
    assert site.state.manifest(gone[0]) == {}
    assert live(site) == made[3]
    assert pruned(site) == []


def test_builds_are_kept_for_so_many_days(site: Site) -> None:
    first, second, third = builds(site, 3)
    site.catalog = FAQS + "    keep: {builds: 9, days: 7}\n"
    left_ago(site, first, timedelta(days=7, hours=1))
    left_ago(site, second, timedelta(days=6, hours=23))
    assert pruned(site) == [first]
    assert site.store.collections() == sorted([second, third])


def test_days_keep_no_more_builds_than_their_number(site: Site) -> None:
    first, second, third = builds(site, 3)
    site.an_hour_passes()
    site.catalog = FAQS + "    keep: {builds: 1, days: 7}\n"
    assert pruned(site) == [first]
    assert site.store.collections() == sorted([second, third])


def test_the_live_build_never_goes(site: Site) -> None:
    (only,) = builds(site, 1)
    site.catalog = FAQS + "    keep: {builds: 0, days: 0}\n"
    left_ago(site, only, timedelta(days=365))
    assert pruned(site) == []
    assert live(site) == only


@pytest.mark.parametrize(("ago", "goes"), [(0, False), (IN_USE_S - 5, False), (IN_USE_S + 1, True)])
def test_what_searches_may_still_read_stays(site: Site, ago: float, goes: bool) -> None:
    first, second = builds(site, 2)
    site.catalog = FAQS + "    keep: {builds: 0}\n"
    left_ago(site, first, timedelta(seconds=ago))
    assert pruned(site) == ([first] if goes else [])
    assert site.store.collections() == sorted([second] if goes else [first, second])


def test_what_a_job_writes_stays_until_it_has_ended(site: Site) -> None:
    (only,) = builds(site, 1)
    work = site.work(full=True)
    plan(work)
    written = work.target().collection
    assert pruned(site) == []
    assert site.store.collections() == sorted([only, written])
    site.state.jobs.advance(work.job_id, JobState.CANCELLED)
    assert pruned(site) == [], "another job may go on with it"
    assert pruned(site, unfinished=True) == [written]
    assert site.store.collections() == [only]


def test_what_was_rolled_back_is_remembered_until_the_next_switch(site: Site) -> None:
    first, second = builds(site, 2)
    site.catalog = FAQS + "    keep: {builds: 0}\n"
    roll_back("faqs", site.store, site.state)
    site.an_hour_passes()
    assert pruned(site) == []
    site.reindex()
    assert build(site, second).rejected_at, "a re-index in place is no switch"
    third = site.reindex(full=True).collection
    assert site.store.collections() == sorted([first, third])


def test_builds_of_other_indexes_stay(site: Site) -> None:
    builds(site, 1)
    site.catalog += ARTICLES.removeprefix("indexes:\n")
    site.articles({"a.md": "# A\n\nAn article of one sentence."})
    articles = [site.reindex("articles", full=True).collection for _ in range(2)]
    site.an_hour_passes()
    site.catalog = site.catalog.replace("builds: 9", "builds: 0")
    assert pruned(site) == []
    assert set(articles) <= set(site.store.collections())
