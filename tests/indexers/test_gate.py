"""What a build has to pass: golden queries, sampled chunks, shape and size."""

import json
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from indexers.bm25 import SparseVector
from indexers.collections import Target, choose_target
from indexers.errors import ShrinkError, VerificationError
from indexers.gate import check_new_build, read_golden
from indexers.jobs.documents import Task
from indexers.jobs.finishing import finish
from indexers.jobs.job import JobRequest
from indexers.jobs.planning import plan
from indexers.jobs.work import run_batch
from indexers.state import Stored
from indexers.store import Point, Schema
from tests.builders import FAQS, Site, faq, write_jsonl

ONE = "    gate: {golden: golden.jsonl, within: 1}\n"
FIVE = [faq(id_) for id_ in ("kiln", "glaze", "wheel", "apron", "sponge")]


def golden(site: Site, pairs: Iterable[tuple[str, str]]) -> None:
    """Write the golden file of the index."""
    lines = [{"query": query, "document": document} for query, document in pairs]
    write_jsonl(site.folder / "golden.jsonl", lines)


def live(site: Site) -> str:
    return site.store.aliases()["faqs"]


# Golden queries.


def test_a_build_whose_golden_queries_find_their_documents_goes_live(site: Site) -> None:
    site.catalog = FAQS + ONE
    site.faqs(*FIVE)
    golden(site, [("What is kiln?", "kiln"), ("Tell me of the wheel", "wheel")])
    assert site.reindex().switched


def test_a_build_that_lost_a_golden_query_does_not_go_live(site: Site) -> None:
    site.faqs(*FIVE)
    before = site.reindex().collection
    site.catalog = FAQS + ONE
    golden(site, [("What is kiln?", "kiln"), ("What is glaze?", "apron")])
    lost = r"1 of 2 golden queries do not find their document: 'What is glaze\?' \(apron\)"
    with pytest.raises(VerificationError, match=rf"searches still see the live one\. {lost}"):
        site.reindex(full=True)
    assert live(site) == before
    assert len(site.points()) == len(FIVE)


def test_a_first_build_that_lost_one_leaves_nothing_live(site: Site) -> None:
    site.catalog = FAQS + ONE
    site.faqs(*FIVE)
    golden(site, [("What is kiln?", "gone")])
    with pytest.raises(VerificationError, match=r"nothing is live yet\. 1 of 1 golden queries"):
        site.reindex()
    assert site.store.aliases() == {}


def test_a_document_may_be_found_further_down(site: Site) -> None:
    site.faqs(*FIVE)
    golden(site, [("What is kiln?", faq_["id"]) for faq_ in FIVE])
    site.catalog = FAQS + ONE.replace("within: 1", "within: 5")
    assert site.reindex().switched


def test_no_more_than_three_lost_queries_are_named(site: Site) -> None:
    site.catalog = FAQS + ONE
    site.faqs(*FIVE)
    golden(site, [("What is kiln?", f"lost {number}") for number in range(5)])
    with pytest.raises(VerificationError, match="5 of 5 golden queries") as refused:
        site.reindex()
    assert "(lost 2)" in str(refused.value)
    assert "(lost 3)" not in str(refused.value)


def test_a_golden_file_that_is_not_there_is_said(site: Site) -> None:
    site.catalog = FAQS + ONE
    site.faqs(*FIVE)
    with pytest.raises(VerificationError, match=r"golden queries cannot be read: .*golden\.jsonl"):
        site.reindex()


@pytest.mark.parametrize(
    "line",
    ["{broken", "[]", "7", "null", '"text"', "{}", '{"query": "x"}', '{"document": "kiln"}'],
)
def test_a_broken_golden_line_is_said(site: Site, line: str) -> None:
    path = write_jsonl(site.folder / "golden.jsonl", [{"query": "q", "document": "d"}, "", line])
    said = r'golden\.jsonl:3: not a JSON object with "query" and "document"'
    with pytest.raises(VerificationError, match=said):
        read_golden(path)


def test_a_golden_file_that_is_not_text_is_said(site: Site) -> None:
    path = write_jsonl(site.folder / "golden.jsonl", [b"\xff\xfe"])
    with pytest.raises(VerificationError, match=r"golden queries cannot be read: .*utf-8"):
        read_golden(path)


@pytest.mark.parametrize("mark", ["\u2028", "\u0085"], ids=["U+2028", "U+0085"])
def test_a_golden_line_ends_at_a_line_feed_alone(site: Site, mark: str) -> None:
    """JSON may hold these two as they are, though to Python they end a line."""
    query = f"one{mark}two"
    line = json.dumps({"query": query, "document": "d"}, ensure_ascii=False)
    path = write_jsonl(site.folder / "golden.jsonl", [line])
    assert read_golden(path) == [(query, "d")]


# Sampled chunks.


def garbled(site: Site, samples: str) -> None:
    """Build anew, with the vectors of one chunk spoilt before the gate looks at them."""
    site.catalog = FAQS + f"    gate: {{within: 1, samples: {samples}}}\n"
    work = site.work(full=True)
    plan(work)
    run_batch(work, 0)
    points = site.store.page(work.target().collection, 10)
    id_ = next(id_ for id_, payload in points.items() if payload["document_id"] == "glaze")
    dense = np.zeros(384, np.float32)
    dense[0] = 1
    lost = Point(id=id_, dense=dense, sparse=SparseVector((), ()), payload=points[id_])
    site.store.upsert(work.target().collection, [lost])
    finish(work)


def test_a_build_with_a_chunk_that_does_not_find_itself_does_not_go_live(site: Site) -> None:
    site.faqs(*FIVE)
    before = site.reindex().collection
    with pytest.raises(
        VerificationError, match=r"1 of 5 sampled chunks do not find themselves: glaze#0"
    ):
        garbled(site, samples="20")
    assert live(site) == before


def test_the_sample_may_be_none(site: Site) -> None:
    site.faqs(*FIVE)
    garbled(site, samples="0")
    assert len(site.points()) == len(FIVE)


def test_a_chunk_may_find_a_copy_of_itself(site: Site) -> None:
    site.catalog = FAQS + "    gate: {within: 1}\n"
    site.faqs(*[faq(id_, "Why?", "Because it is.") for id_ in "abcdef"])
    assert site.reindex().switched


# Shape and size.


def target_of(site: Site, dimension: int, documents: int, replaces: str | None) -> Target:
    """A build whose collection has vectors of a dimension, and that says to hold documents."""
    spec = site.specs()["faqs"]
    made = choose_target(spec, site.store, site.state, full=True)
    site.store.create(made.collection, Schema(dimension=dimension))
    stored = {str(number): Stored("r", 0) for number in range(documents)}
    site.state.save_documents(made.collection, stored)
    return replace(made, replaces=replaces)


def check(site: Site, target: Target, *, allow_shrink: bool = False) -> None:
    request = JobRequest(index="faqs", allow_shrink=allow_shrink)
    failed = [
        Task(number=0, document_id="x", action="new", location="faqs.jsonl:7", reason="broken")
    ]
    check_new_build(site.specs()["faqs"], target, failed, request, site.store, site.state)


def test_a_build_of_another_shape_does_not_go_live(site: Site) -> None:
    with pytest.raises(VerificationError, match="its vectors are 3 by cosine, not 384 by cosine"):
        check(site, target_of(site, dimension=3, documents=0, replaces=None))
    check(site, target_of(site, dimension=384, documents=0, replaces=None))


def test_every_reason_is_named(site: Site) -> None:
    before = target_of(site, dimension=384, documents=10, replaces=None).collection
    small = target_of(site, dimension=3, documents=4, replaces=before)
    with pytest.raises(VerificationError) as refused:
        check(site, small)
    said = str(refused.value)
    assert "it holds 4 documents, the live one 10. 1 failed, the first one faqs.jsonl:7" in said
    assert "; its vectors are 3 by cosine" in said
    with pytest.raises(VerificationError) as refused:
        check(site, small, allow_shrink=True)
    assert "documents" not in str(refused.value)


@pytest.mark.parametrize(
    ("max_shrink", "left", "passes"),
    [
        ("0", 4, False),
        ("0.2", 4, True),
        ("0.2", 3, False),
        ("1", 0, True),
    ],
)
def test_an_index_may_lose_as_much_as_its_catalog_says(
    site: Site, max_shrink: str, left: int, passes: bool
) -> None:
    site.faqs(*FIVE)
    before = site.reindex().collection
    site.catalog = FAQS + f"    gate: {{max_shrink: {max_shrink}}}\n"
    site.faqs(*FIVE[:left])
    for full in (False, True):
        if passes:
            assert site.reindex(full=full, dry_run=True).scanned == left
            continue
        with pytest.raises(ShrinkError, match=r"holds 5; nothing was touched\. .*--allow-shrink"):
            site.reindex(full=full)
    assert live(site) == before
    assert len(site.points()) == len(FIVE)


def test_a_share_that_may_go_may_go_in_place(site: Site) -> None:
    site.faqs(*FIVE)
    before = site.reindex().collection
    site.catalog = FAQS + "    gate: {max_shrink: 1}\n"
    site.faqs()
    assert site.reindex().deleted == len(FIVE)
    assert live(site) == before


def test_documents_that_fail_count_as_lost(site: Site) -> None:
    site.catalog = FAQS + "    gate: {max_shrink: 0.2}\n"
    site.faqs(*FIVE)
    before = site.reindex().collection
    site.faqs(*FIVE[:3], {"id": "apron", "question": "x"}, {"id": "sponge", "question": "x"})
    said = r"it holds 3 documents, the live one 5\. 2 failed, the first one faqs\.jsonl:4: field"
    with pytest.raises(VerificationError, match=said):
        site.reindex(full=True)
    assert live(site) == before
