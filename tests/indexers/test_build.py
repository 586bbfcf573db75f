"""A re-index from end to end: the real sources, model, state and embedded store."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from indexers.build import BATCH_CHUNKS, Progress
from indexers.errors import (
    IndexBusyError,
    ShrinkError,
    SourceError,
    StoreError,
    VerificationError,
)
from indexers.jobs.job import JobRequest
from indexers.store import Point
from indexers.store.edge import EdgeStore
from tests.builders import ARTICLES, FAQS, Record, Site, faq, reasons

TWO = [faq("a"), faq("b")]
OTHER_CHUNKER = "    build: {chunker: {kind: snippet}}\n"


def counts(report: Any) -> tuple[int, ...]:
    names = ("scanned", "new", "changed", "unchanged", "deleted")
    return tuple(getattr(report, name) for name in names)


def test_the_first_run_indexes_everything(site: Site) -> None:
    site.faqs(*TWO)
    report = site.reindex()
    assert counts(report) == (2, 2, 0, 0, 0)
    assert (report.chunks_generated, report.chunks_stored) == (2, 2)
    assert (report.texts_embedded, report.texts_reused) == (2, 0)
    assert (report.switched, report.failures, report.skipped) == (True, (), ())
    assert site.store.aliases() == {"faqs": report.collection}


def test_a_run_with_nothing_changed_writes_nothing(site: Site) -> None:
    site.faqs(*TWO)
    first = site.reindex()
    before = site.points()
    report = site.reindex()
    assert counts(report) == (2, 0, 0, 2, 0)
    assert (report.chunks_generated, report.chunks_stored) == (0, 2)
    assert (report.collection, report.switched) == (first.collection, False)
    assert site.points() == before


def test_only_what_changed_is_written(site: Site) -> None:
    site.faqs(faq("a"), faq("b"), faq("c"))
    site.reindex()
    site.faqs(faq("a"), faq("b", answer="Something else."), faq("d"))
    report = site.reindex()
    assert counts(report) == (3, 1, 1, 1, 1)
    assert report.texts_embedded == 2
    found = site.points()
    assert set(found) == {"a#0", "b#0", "d#0"}
    assert "Something else." in found["b#0"][1]["text"]


def test_a_document_that_shrinks_leaves_no_old_chunk(site: Site) -> None:
    site.catalog = ARTICLES
    site.articles({"pots.md": pages(6)})
    assert site.reindex().chunks_stored > 1
    site.articles({"pots.md": "# Pots\n\nThere are none.\n"})
    report = site.reindex()
    assert report.chunks_stored == 1
    assert set(site.points()) == {"pots.md#0"}


def pages(count: int) -> str:
    """Markdown with a section of some 60 words for each page."""
    sections = [
        f"## Part {number}\n\n" + f"Pot {number} is watered on day {number}. " * 12
        for number in range(count)
    ]
    return "# Pots\n\n" + "\n\n".join(sections) + "\n"


def test_text_that_comes_back_is_not_embedded_again(site: Site) -> None:
    site.faqs(*TWO)
    site.reindex()
    site.faqs(TWO[0])
    assert site.reindex().deleted == 1
    site.faqs(*TWO)
    report = site.reindex()
    assert (report.new, report.texts_embedded, report.texts_reused) == (1, 0, 1)


def test_ids_may_be_anything_that_is_text(site: Site) -> None:
    ids = ["a b/c d", "é ñ 中文 🙂", 'it\'s "quoted"; DROP TABLE documents;--', "x" * 2000, "%_?*"]
    site.faqs(*[faq(id_, "Why?", f"Because {n}.") for n, id_ in enumerate(ids)], faq(7))
    assert site.reindex().failures == ()
    assert {payload["document_id"] for _, payload in site.points().values()} == {*ids, "7"}
    site.faqs(faq(7))
    assert site.reindex(allow_shrink=True).deleted == len(ids)
    assert set(site.points()) == {"7#0"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"id": "bad", "question": "x"}, "field answer is missing"),
        ({"id": "bad", "question": 7, "answer": "x"}, "field question must be a string, not int"),
        ({"id": "bad", "question": "x", "answer": "y", "title": 7}, "field title must be a string"),
        ({"id": "bad", "question": "x", "answer": "y", "url": ["u"]}, "field url must be a string"),
        ({"id": "bad", "question": "x", "answer": " "}, "field answer is empty"),
        ({"id": "bad", "question": "x", "answer": "y", "variants": "z"}, "a list of strings"),
        ({"id": "bad", "question": "x", "answer": "y", "metadata": []}, "metadata must be an obj"),
        ({"id": "bad", "question": "x", "answer": "y", "year": "old"}, "takes a whole number"),
        ({"id": "bad", "question": "x", "answer": "y", "year": 10**30}, "takes a whole number"),
        ('{"id": "bad", "question": "x", "answer": "y", "price": NaN}', "takes a finite number"),
        ("{broken", "not JSON"),
        (faq("a"), "id 'a' is taken by faqs.jsonl:1"),
    ],
)
def test_a_document_that_cannot_be_read_is_named_and_the_rest_goes_on(
    site: Site, line: Record | str, reason: str
) -> None:
    site.catalog = FAQS + "    filters: {year: integer, price: float}\n"
    site.faqs(faq("a"), line, faq("b"))
    report = site.reindex()
    assert list(reasons(report)) == ["faqs.jsonl:2"]
    assert reason in reasons(report)["faqs.jsonl:2"]
    assert set(site.points()) == {"a#0", "b#0"}
    assert (report.scanned, report.chunks_stored) == (3, 2)


def test_a_document_that_becomes_unreadable_keeps_its_old_version(site: Site) -> None:
    site.faqs(*TWO)
    site.reindex()
    before = site.points()
    site.faqs({"id": "a", "question": "no answer"}, TWO[1])
    report = site.reindex()
    assert reasons(report) == {"faqs.jsonl:1": "field answer is missing"}
    assert site.points() == before
    site.faqs("{broken", TWO[1])
    report = site.reindex()
    assert (report.deleted, report.kept) == (0, 1)
    assert site.points() == before


def test_a_new_fingerprint_builds_aside_and_switches(site: Site) -> None:
    site.faqs(*TWO)
    first = site.reindex()
    site.catalog = FAQS + OTHER_CHUNKER
    seen: list[Mapping[str, str]] = []

    def watch(progress: Progress) -> None:
        seen.append(site.store.aliases())

    second = site.reindex(on_progress=watch)
    assert second.collection != first.collection
    assert second.switched
    assert all(aliases == {"faqs": first.collection} for aliases in seen)
    assert site.store.aliases() == {"faqs": second.collection}
    assert site.store.collections() == sorted([first.collection, second.collection])


def test_going_back_to_a_kept_build_costs_only_what_changed(site: Site) -> None:
    site.faqs(*TWO)
    first = site.reindex()
    site.catalog = FAQS + OTHER_CHUNKER
    site.reindex()
    site.catalog = FAQS
    site.faqs(*TWO, faq("c"))
    report = site.reindex()
    assert (report.collection, report.switched) == (first.collection, True)
    assert counts(report) == (3, 1, 0, 2, 0)
    assert site.store.aliases() == {"faqs": first.collection}
    assert set(site.points(first.collection)) == {"a#0", "b#0", "c#0"}


def test_builds_before_the_previous_one_are_pruned(site: Site) -> None:
    site.faqs(*TWO)
    collections = [site.reindex(full=True).collection for _ in range(4)]
    assert site.store.collections() == sorted(collections), "searches may still read them"
    site.an_hour_passes()
    site.reindex()
    assert site.store.collections() == sorted(collections[-2:])
    assert {build.collection for build in site.state.builds()} == set(collections[-2:])


def test_full_builds_the_same_again_without_embedding(site: Site) -> None:
    site.faqs(*TWO)
    first = site.reindex()
    before = site.points()
    report = site.reindex(full=True)
    assert report.collection != first.collection
    assert counts(report) == (2, 2, 0, 0, 0)
    assert (report.texts_embedded, report.texts_reused, report.switched) == (0, 2, True)
    assert site.points() == before


def test_other_indexes_collections_are_left_alone(site: Site) -> None:
    site.catalog = FAQS + ARTICLES.removeprefix("indexes:\n")
    site.faqs(*TWO)
    site.articles({"a.md": "# A\n\nAn article of one sentence."})
    articles = site.reindex("articles").collection
    for _ in range(3):
        site.reindex("faqs", full=True)
    assert articles in site.store.collections()
    assert site.store.aliases()["articles"] == articles


def test_a_dry_run_says_what_it_would_do_and_touches_nothing(site: Site) -> None:
    site.faqs(*TWO, "{broken")
    report = site.reindex(dry_run=True)
    assert counts(report) == (3, 2, 0, 0, 0)
    assert (report.dry_run, report.switched, len(report.failures)) == (True, False, 1)
    assert (site.store.collections(), site.store.aliases(), site.state.builds()) == ([], {}, [])
    site.faqs(*TWO)
    site.reindex()
    before = (site.points(), site.state.builds())
    site.faqs(faq("b", answer="Something else."), faq("c"))
    assert counts(site.reindex(dry_run=True)) == (2, 1, 1, 0, 1)
    assert (site.points(), site.state.builds()) == before


@pytest.mark.parametrize("catalog", [FAQS, FAQS + OTHER_CHUNKER], ids=["in place", "aside"])
def test_a_source_that_lists_nothing_does_not_empty_the_index(site: Site, catalog: str) -> None:
    site.faqs(*TWO)
    before = site.reindex().collection
    points = site.points()
    site.faqs()
    site.catalog = catalog
    for full, dry_run in ((False, False), (True, False), (False, True)):
        with pytest.raises(ShrinkError, match="the index holds 2; nothing was touched"):
            site.reindex(full=full, dry_run=dry_run)
    assert site.store.aliases() == {"faqs": before}
    assert site.points() == points


def test_emptying_an_index_can_be_forced(site: Site) -> None:
    site.faqs(*TWO)
    site.reindex()
    site.faqs()
    with pytest.raises(ShrinkError, match="--allow-shrink"):
        site.reindex()
    report = site.reindex(allow_shrink=True)
    assert (report.deleted, report.chunks_stored) == (2, 0)
    assert site.points() == {}
    assert counts(site.reindex()) == (0, 0, 0, 0, 0), "it is empty now, and that is no news"


def test_a_source_that_lost_most_of_its_documents_deletes_none(site: Site) -> None:
    site.faqs(*[faq(id_) for id_ in "abcde"])
    site.reindex()
    before = site.points()
    site.faqs(faq("a"), faq("b"))
    with pytest.raises(ShrinkError, match=r"lists 2 documents that can be read, .* holds 5"):
        site.reindex()
    assert site.points() == before
    site.faqs(faq("a"), faq("b"), faq("c"))
    assert site.reindex().deleted == 2
    site.faqs(*[faq(id_) for id_ in "vwxyz"])
    assert counts(site.reindex()) == (5, 5, 0, 0, 3), "as many as before, under other ids"


@pytest.mark.parametrize("catalog", [FAQS, FAQS + OTHER_CHUNKER], ids=["full", "fingerprint"])
def test_a_build_of_unreadable_documents_never_goes_live(site: Site, catalog: str) -> None:
    site.faqs(*TWO)
    before = site.reindex().collection
    site.catalog = catalog
    site.faqs("{broken", "{broken, too")
    with pytest.raises(ShrinkError, match=r"2 failed, the first one faqs\.jsonl:1: not JSON"):
        site.reindex(full=True)
    site.faqs({"id": "a", "question": "x"}, {"id": "b", "question": "x"})
    with pytest.raises(VerificationError, match=r"holds 0 documents, the live one 2\. .*:1: field"):
        site.reindex(full=True)
    assert site.store.aliases() == {"faqs": before}
    assert len(site.points()) == 2


def test_one_re_index_of_an_index_at_a_time(site: Site) -> None:
    site.faqs(*TWO)
    with site.state.only_one("faqs"), pytest.raises(IndexBusyError, match="'faqs' is being"):
        site.reindex()
    with site.state.only_one("articles"):
        assert site.reindex().chunks_stored == 2


def test_no_re_index_beside_a_job_of_the_same_index(site: Site) -> None:
    site.faqs(*TWO)
    job, _ = site.state.jobs.submit(JobRequest(index="faqs"))
    with pytest.raises(IndexBusyError, match=f"'faqs' is being re-indexed by job {job.id}"):
        site.reindex()
    site.state.jobs.cancel(job.id)
    assert site.reindex().chunks_stored == 2


def test_a_document_of_many_chunks_is_stored_in_several_batches(site: Site) -> None:
    site.catalog = ARTICLES + "    build: {chunker: {kind: article, max_tokens: 16}}\n"
    site.articles({"long.md": pages(80)})
    assert site.reindex().chunks_stored > BATCH_CHUNKS
    assert site.reindex().unchanged == 1


def test_a_first_run_over_nothing_makes_an_empty_index(site: Site) -> None:
    site.faqs()
    report = site.reindex()
    assert (report.scanned, report.chunks_stored, report.switched) == (0, 0, True)


def test_a_source_that_vanished_touches_nothing(site: Site) -> None:
    site.faqs(*TWO)
    site.reindex()
    before = site.points()
    (site.folder / "faqs.jsonl").unlink()
    with pytest.raises(SourceError, match=r"faqs\.jsonl is not a file"):
        site.reindex()
    assert site.points() == before


def test_progress_tells_every_stage_in_order(site: Site) -> None:
    site.faqs(*TWO, "{broken", {"id": "c"})
    seen: list[Progress] = []
    site.reindex(on_progress=seen.append)
    stages = [progress.stage for progress in seen]
    work = ["listing", "indexing", "deleting", "verifying", "optimizing", "checking", "switching"]
    assert stages == work
    assert (seen[-1].documents, seen[-1].total, seen[-1].chunks) == (3, 3, 2)


def test_a_store_that_lost_chunks_is_found_out_and_mended(site: Site) -> None:
    site.faqs(*TWO)
    first = site.reindex()
    site.store.delete_document(first.collection, "a")
    site.faqs(*TWO, faq("c"))
    with pytest.raises(VerificationError, match=r"holds 2 chunks, but 3 .*reindex --full"):
        site.reindex()
    report = site.reindex(full=True)
    assert report.chunks_stored == 3
    assert set(site.points(report.collection)) == {"a#0", "b#0", "c#0"}


class FaultyStore(EdgeStore):
    """An embedded store on a disk that fills up: the write, deletion or switch that `fails` names
    is done by half and raises, after `spared` that went well."""

    def __init__(self, folder: Path, fails: str, spared: int = 0) -> None:
        super().__init__(folder)
        self.fails, self.spared = fails, spared

    def upsert(self, collection: str, points: Sequence[Point]) -> None:
        if self._full("upsert"):
            super().upsert(collection, points[: len(points) // 2])
            raise StoreError("no space left on device")
        super().upsert(collection, points)

    def delete_document(self, collection: str, document_id: str, keep: Iterable[str] = ()) -> None:
        if self._full("delete"):
            raise StoreError("no space left on device")
        super().delete_document(collection, document_id, keep)

    def switch(self, alias: str, collection: str) -> None:
        if self._full("switch"):
            raise StoreError("no space left on device")
        super().switch(alias, collection)

    def _full(self, operation: str) -> bool:
        if operation != self.fails:
            return False
        self.spared -= 1
        return self.spared < 0


def reindex_on_a_full_disk(site: Site, fails: str, spared: int = 0) -> None:
    site.close()
    site.open()
    site.store.close()
    site.store = FaultyStore(site.folder / "data" / "store", fails, spared)
    with pytest.raises(StoreError, match="no space left"):
        site.reindex()
    site.close()
    site.open()


def changed_articles() -> tuple[dict[str, str], dict[str, str]]:
    before = {f"{n}/pot.md": pages(3 + n) for n in range(4)}
    after = {**before, "1/pot.md": pages(1), "2/pot.md": pages(9), "new.md": pages(2)}
    return before, after


def uninterrupted(folder: Path, files: Mapping[str, str]) -> Any:
    folder.mkdir()
    site = Site(folder, ARTICLES)
    site.articles(files)
    site.reindex()
    points = site.points()
    site.close()
    return points


@pytest.mark.parametrize("fails", ["upsert", "switch"])
def test_a_first_run_that_broke_off_is_taken_up_again(site: Site, fails: str) -> None:
    _, files = changed_articles()
    site.catalog = ARTICLES
    site.articles(files)
    reindex_on_a_full_disk(site, fails)
    assert site.store.aliases() == {}, "nothing half-built is ever searched"
    report = site.reindex()
    assert report.texts_embedded == 0, "what was embedded before the crash is not embedded again"
    assert report.switched
    assert site.points() == uninterrupted(site.folder / "other", files)
    assert len(site.store.collections()) == 1


@pytest.mark.parametrize(("fails", "spared"), [("upsert", 0), ("delete", 0), ("delete", 1)])
def test_a_change_that_broke_off_leaves_no_orphan_and_no_duplicate(
    site: Site, fails: str, spared: int
) -> None:
    before, after = changed_articles()
    site.catalog = ARTICLES
    site.articles(before)
    site.reindex()
    site.articles(after)
    reindex_on_a_full_disk(site, fails, spared)
    report = site.reindex()
    assert not report.switched
    assert site.points() == uninterrupted(site.folder / "other", after)


def test_batches_that_were_finished_before_a_crash_are_not_done_again(site: Site) -> None:
    site.faqs(*[faq(f"n{number}", "Why?", f"Due to {number}.") for number in range(1100)])
    reindex_on_a_full_disk(site, "upsert", spared=9)
    report = site.reindex()
    assert report.scanned == report.chunks_stored == 1100
    assert 500 <= report.unchanged < 1100
    assert report.changed > 0
    assert len(site.points()) == 1100


def test_what_a_crash_half_wrote_and_then_became_unreadable_is_removed(site: Site) -> None:
    site.catalog = ARTICLES
    site.articles({"a.md": pages(3), "b.md": pages(6)})
    reindex_on_a_full_disk(site, "upsert")
    site.articles({"b.md": b"\x00\x01 not text"})
    report = site.reindex()
    assert "NUL" in reasons(report)["b.md"]
    assert {payload["document_id"] for _, payload in site.points().values()} == {"a.md"}


def test_what_a_crash_half_wrote_and_then_vanished_is_removed(site: Site) -> None:
    site.faqs(*TWO)
    reindex_on_a_full_disk(site, "upsert")
    site.faqs(faq("b"), "{broken")
    report = site.reindex()
    assert report.kept == 1
    assert set(site.points()) == {"b#0"}
    assert site.reindex().chunks_stored == 1
