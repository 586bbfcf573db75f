"""What a listing means against what is stored."""

from indexers.plan import plan_reindex
from indexers.sources import Entry, Listed, Skipped, Unreadable
from indexers.state import PENDING, Stored


def entry(id_: str, revision: str = "1") -> Entry:
    return Entry(id=id_, revision=revision, where=f"file:{id_}")


STORED = {name: Stored("1", 2) for name in ("same", "old", "gone")}


def test_documents_are_new_changed_unchanged_or_deleted() -> None:
    plan = plan_reindex([entry("same"), entry("old", "2"), entry("fresh")], STORED)
    assert [e.id for e in plan.new] == ["fresh"]
    assert [e.id for e in plan.changed] == ["old"]
    assert plan.deleted == ("gone",)
    assert (plan.scanned, plan.unchanged, plan.kept) == (3, 1, 0)


def test_a_document_that_was_being_written_is_written_again() -> None:
    plan = plan_reindex([entry("half")], {"half": Stored(PENDING, 0)})
    assert [e.id for e in plan.changed] == ["half"]


def test_of_two_documents_with_one_id_the_first_one_counts() -> None:
    plan = plan_reindex([entry("a", "1"), entry("a", "2")], {})
    assert [e.revision for e in plan.new] == ["1"]
    (failure,) = plan.failures
    assert (failure.where, failure.reason) == ("file:a", "id 'a' is taken by file:a")
    assert plan.scanned == 2


def test_an_unreadable_file_s_document_stays() -> None:
    plan = plan_reindex([Unreadable(where="gone", reason="no")], {"gone": Stored("1", 2)})
    assert plan.deleted == ()
    assert [failure.where for failure in plan.failures] == ["gone"]


def test_a_hidden_id_keeps_every_missing_document() -> None:
    listing: list[Listed] = [
        entry("same"),
        Unreadable(where="file:2", reason="not JSON", hides_id=True),
    ]
    plan = plan_reindex(listing, STORED)
    assert plan.deleted == ()
    assert plan.kept == 2


def test_what_is_skipped_is_said_and_counts_as_nothing() -> None:
    plan = plan_reindex([Skipped(where="a.png", reason="not text")], {})
    assert plan.scanned == 0
    assert not plan.failures
    assert [item.where for item in plan.skipped] == ["a.png"]
