"""Documents put or deleted beside what the source says, until the source knows better."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chunkers.document import Content, ContentType, Format
from indexers.errors import DocumentError
from indexers.pushed import Overlaid, Pushed, packed, unpacked
from indexers.sources import Entry, Listed, Skipped, Unreadable
from indexers.state import State


@pytest.fixture
def state(database_url: str) -> Iterator[State]:
    made = State(database_url)
    yield made
    made.close()


def content(id_: str, revision: str = "put") -> Content:
    return Content(
        id=id_,
        content_type=ContentType.FAQ,
        format=Format.JSON,
        data=f"{id_} \u00e9 {revision}".encode() + b"\x00\xff",
        revision=revision,
        title="T",
        url="https://example.org/a",
        locale="en",
        updated_at="2026-01-01",
        metadata={"tags": ["a"], "year": 2026},
    )


# What is remembered.


def test_changes_come_back_in_their_order(state: State) -> None:
    first = state.pushed.save("faqs", "b", content("b"), "r1")
    second = state.pushed.save("faqs", "a", None, None)
    assert state.pushed.all("faqs") == [first, second]
    assert (first.content, first.source_revision, first.revision) == (content("b"), "r1", "put")
    assert (second.content, second.source_revision, second.revision) == (None, None, None)
    assert state.pushed.all("faqs", after=first.sequence) == [second]
    assert state.pushed.changed("faqs", after=0) == {"a", "b"}
    assert state.pushed.changed("faqs", after=first.sequence) == {"a"}
    assert state.pushed.last("faqs") == second.sequence


def test_an_index_without_changes_has_none(state: State) -> None:
    state.pushed.save("faqs", "a", content("a"), None)
    assert state.pushed.all("articles") == []
    assert state.pushed.changed("articles", after=0) == frozenset()
    assert state.pushed.last("articles") == 0


def test_of_several_changes_of_a_document_the_last_counts(state: State) -> None:
    first = state.pushed.save("faqs", "a", content("a", "put 1"), "r1")
    between = state.pushed.save("faqs", "b", None, "r1")
    last = state.pushed.save("faqs", "a", content("a", "put 2"), "put 1")
    assert state.pushed.all("faqs") == [between, last]
    assert last.sequence > between.sequence > first.sequence
    assert last.source_revision == "r1", "the source's own, not that of the earlier change"


def test_a_change_that_was_changed_again_is_not_forgotten(state: State) -> None:
    first = state.pushed.save("faqs", "a", content("a", "put 1"), "r1")
    last = state.pushed.save("faqs", "a", content("a", "put 2"), "r1")
    state.pushed.forget("faqs", [first])
    assert state.pushed.all("faqs") == [last]
    state.pushed.forget("faqs", [last])
    assert state.pushed.all("faqs") == []


def test_a_number_never_comes_again(state: State) -> None:
    """A job that was planned at a number takes everything above it for news."""
    first = state.pushed.save("faqs", "a", content("a"), "r1")
    planned_at = state.pushed.last("faqs")
    state.pushed.forget("faqs", [first])
    later = state.pushed.save("faqs", "b", content("b"), "r1")
    assert later.sequence > planned_at
    assert state.pushed.changed("faqs", after=planned_at) == {"b"}
    assert state.pushed.all("faqs", after=planned_at) == [later]


CONTENTS = st.builds(
    Content,
    id=st.text(),
    content_type=st.sampled_from(ContentType),
    format=st.sampled_from(Format),
    data=st.binary(),
    revision=st.text(),
    title=st.text(),
    url=st.none() | st.text(),
    locale=st.none() | st.text(),
    updated_at=st.none() | st.text(),
    metadata=st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()),
)


@given(CONTENTS)
def test_any_content_survives_its_packing(value: Content) -> None:
    assert unpacked(packed(value)) == value


# What is listed.


@dataclass(frozen=True)
class Listing:
    """A source that holds what it is given."""

    items: tuple[Listed, ...] = ()

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        return iter(self.items)

    def read(self, entry: Entry) -> Content:
        if entry not in self.items:
            raise DocumentError("is not there")
        return content(entry.id, entry.revision)


def entry(id_: str, revision: str = "r1") -> Entry:
    return Entry(id=id_, revision=revision, where=f"faqs.jsonl:{id_}")


def put(id_: str, source_revision: str | None = "r1", sequence: int = 1) -> Pushed:
    return Pushed(
        document_id=id_, sequence=sequence, source_revision=source_revision, content=content(id_)
    )


def deleted(id_: str, source_revision: str | None = "r1") -> Pushed:
    return replace(put(id_, source_revision), content=None)


def laid(items: list[Listed], *changes: Pushed) -> tuple[list[Listed], list[Pushed]]:
    """What a source with changes laid over it lists, and what the source has caught up with."""
    changed = {change.document_id: change for change in changes}
    source = Overlaid(source=Listing(tuple(items)), pushed=changed, caught_up=[])
    return list(source.list({})), source.caught_up


def revisions(items: list[Listed]) -> list[tuple[str, str]]:
    return [(item.id, item.revision) for item in items if isinstance(item, Entry)]


def test_without_changes_the_source_is_listed_as_it_is() -> None:
    skipped, broken = Skipped(where="x", reason="odd"), Unreadable(where="y", reason="broken")
    items: list[Listed] = [entry("a"), skipped, broken]
    assert laid(items) == (items, [])


def test_a_put_document_stands_in_place_of_the_source_s() -> None:
    listed, caught_up = laid([entry("a"), entry("b")], put("a"))
    assert revisions(listed) == [("a", "put"), ("b", "r1")]
    assert isinstance(listed[0], Entry)
    assert listed[0].content == content("a"), "so that nobody reads it from the source"
    assert caught_up == []


def test_a_put_document_gives_way_once_the_source_s_has_changed() -> None:
    change = put("a", source_revision="r1")
    listed, caught_up = laid([entry("a", "r2")], change)
    assert listed == [entry("a", "r2")]
    assert caught_up == [change]


def test_a_deleted_document_stays_away_until_the_source_s_has_changed() -> None:
    change = deleted("a", source_revision="r1")
    assert laid([entry("a"), entry("b")], change) == ([entry("b")], [])
    assert laid([entry("a", "r2")], change) == ([entry("a", "r2")], [change])


def test_a_document_that_the_source_never_had_is_listed_behind_its_own() -> None:
    listed, caught_up = laid([entry("a")], put("new", source_revision=None))
    assert revisions(listed) == [("a", "r1"), ("new", "put")]
    assert caught_up == []


def test_a_new_document_gives_way_once_the_source_has_it() -> None:
    change = put("new", source_revision=None)
    assert laid([entry("new")], change) == ([entry("new")], [change])


def test_a_put_document_goes_when_it_has_gone_from_the_source() -> None:
    change = put("a", source_revision="r1")
    assert laid([entry("b")], change) == ([entry("b")], [change])


@pytest.mark.parametrize("before", ["r1", None])
def test_a_deleted_document_that_the_source_lacks_needs_no_note(before: str | None) -> None:
    change = deleted("a", source_revision=before)
    assert laid([entry("b")], change) == ([entry("b")], [change])


@pytest.mark.parametrize("change", [put("a"), deleted("a")], ids=["put", "deleted"])
def test_a_document_that_cannot_be_listed_now_has_not_changed(change: Pushed) -> None:
    broken = Unreadable(where="a", reason="no permission")
    listed, caught_up = laid([broken], change)
    assert caught_up == []
    assert listed[0] == broken
    assert revisions(listed) == ([("a", "put")] if change.content else [])


@pytest.mark.parametrize("change", [put("a"), deleted("a")], ids=["put", "deleted"])
def test_a_document_that_an_unreadable_line_may_hide_has_not_changed(change: Pushed) -> None:
    """Else one broken line, mended a day later, undoes every change for good."""
    broken = Unreadable(where="faqs.jsonl:1", reason="not JSON", hides_id=True)
    listed, caught_up = laid([broken, entry("b")], change)
    assert caught_up == []
    assert revisions(listed) in ([("b", "r1")], [("b", "r1"), ("a", "put")])


def test_a_deleted_document_that_is_listed_twice_stays_away() -> None:
    listed, caught_up = laid([entry("a"), entry("a"), entry("b")], deleted("a"))
    assert revisions(listed) == [("b", "r1")]
    assert caught_up == []


def test_what_is_caught_up_is_known_when_the_listing_has_ended() -> None:
    gone, changed, holds = put("gone"), put("changed", "r0"), put("holds")
    _, caught_up = laid([entry("changed"), entry("holds")], gone, changed, holds)
    assert caught_up == [changed, gone]


def test_reading_is_the_source_s_own() -> None:
    source = Overlaid(source=Listing((entry("a"),)), pushed={}, caught_up=[])
    assert source.read(entry("a")).revision == "r1"
    with pytest.raises(DocumentError, match="is not there"):
        source.read(entry("b"))


IDS = st.sampled_from(["a", "b"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("source"), IDS, st.none() | st.sampled_from(["r1", "r2", "r3"])),
        st.tuples(st.just("push"), IDS, st.none() | st.sampled_from(["put 1", "put 2"])),
        st.tuples(st.just("list"), IDS, st.none()),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    made = State(tmp_path_factory.mktemp("pushed") / "passages.db")
    yield made
    made.close()


@settings(deadline=None)
@given(steps=STEPS)
def test_a_change_holds_exactly_until_the_source_s_version_changes(
    shared: State, steps: list[tuple[str, str, str | None]]
) -> None:
    """A listing after any history: for each document the change since whose beginning the source
    has said the same, else what the source says."""
    shared.pushed.forget("any", shared.pushed.all("any"))
    source: dict[str, str] = {}
    holding: dict[str, tuple[str | None, str | None]] = {}
    for what, id_, revision in [*steps, ("list", "a", None)]:
        if what == "source":
            source.pop(id_, None)
            source.update({id_: revision} if revision else {})
        elif what == "push":
            began = holding[id_][1] if id_ in holding else source.get(id_)
            holding[id_] = (revision, began)
            pushed = content(id_, revision) if revision else None
            shared.pushed.save("any", id_, pushed, source.get(id_))
        else:
            holding = {
                name: (put_, began)
                for name, (put_, began) in holding.items()
                if source.get(name) == began and not (put_ is None and began is None)
            }
            expected = source | {name: put_ for name, (put_, _) in holding.items() if put_}
            for name, (put_, _) in holding.items():
                if put_ is None:
                    del expected[name]
            changes = {one.document_id: one for one in shared.pushed.all("any")}
            items = tuple(entry(name, there) for name, there in source.items())
            over = Overlaid(source=Listing(items), pushed=changes, caught_up=[])
            assert dict(revisions(list(over.list({})))) == expected
            shared.pushed.forget("any", over.caught_up)
            assert {one.document_id for one in shared.pushed.all("any")} == set(holding)
