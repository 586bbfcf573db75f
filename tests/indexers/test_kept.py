"""Documents kept as they were extracted: what comes back is what went in."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from chunkers import extract
from chunkers.document import Block, BlockKind, Content, ContentType, Document, Format
from indexers.database import IN_LIMIT
from indexers.state import State
from tests.postgres import bare

ARTICLE = """# Pots

Water them *daily*, 🙂 and \u4e2d\u6587 too.

## Care

- one
- two

| pot | size |
|---|---|
| red | 9 |

```python
pot = "red"
```
"""


@pytest.fixture
def state(database_url: str) -> Iterator[State]:
    made = State(database_url)
    yield made
    made.close()


def article(id_: str = "pots.md", revision: str = "r1", text: str = ARTICLE) -> Document:
    return extract(
        Content(
            id=id_,
            content_type=ContentType.ARTICLE,
            format=Format.MARKDOWN,
            data=text.encode(),
            revision=revision,
            url="https://example.org/pots",
            metadata={"tags": ["a", "b"], "year": 2026, "draft": False, "by": None},
        )
    )


def kept(state: State, document: Document, index: str = "help") -> Document | None:
    wanted = {document.id: document.revision}
    return state.kept.get(index, document.content_type, wanted).get(document.id)


def test_a_document_comes_back_as_it_was(state: State) -> None:
    faq = extract(
        Content(
            id="f",
            content_type=ContentType.FAQ,
            format=Format.JSON,
            data=b'{"id": "f", "question": "Why?", "answer": "So.", "variants": ["How come?"]}',
            revision="r1",
        )
    )
    assert len(article().blocks) > 5
    assert faq.questions == ("Why?", "How come?")
    state.kept.save("help", [article(), faq])
    assert kept(state, article()) == article()
    assert kept(state, faq) == faq


def test_the_latest_version_takes_the_place_of_the_earlier(state: State) -> None:
    state.kept.save("help", [article(revision="r1")])
    state.kept.save("help", [article(revision="r2", text="Other text.")])
    assert kept(state, article(revision="r1")) is None
    found = kept(state, article(revision="r2"))
    assert found is not None
    assert found.text == "Other text."
    assert state.kept.revisions("help", ContentType.ARTICLE) == {"pots.md": "r2"}


def test_an_index_has_documents_of_its_own(state: State) -> None:
    state.kept.save("help", [article()])
    assert kept(state, article(), index="blog") is None
    assert state.kept.revisions("blog", ContentType.ARTICLE) == {}


def test_one_of_another_content_type_counts_as_not_there(state: State) -> None:
    state.kept.save("help", [article()])
    wanted = {"pots.md": "r1"}
    assert state.kept.get("help", ContentType.SNIPPET, wanted) == {}
    assert state.kept.revisions("help", ContentType.SNIPPET) == {}


def test_one_of_an_earlier_extractor_counts_as_not_there(state: State) -> None:
    state.kept.save("help", [article()])
    with bare(state.url) as connection:
        connection.execute(sa.text("UPDATE kept_documents SET extractor = 'article 0'"))
    assert kept(state, article()) is None
    assert state.kept.revisions("help", ContentType.ARTICLE) == {}
    state.kept.save("help", [article()])
    assert kept(state, article()) == article()


def test_what_is_forgotten_is_gone(state: State) -> None:
    state.kept.save("help", [article("a"), article("b")])
    state.kept.save("blog", [article("a")])
    state.kept.forget("help", ["a", "never there"])
    state.kept.forget("help", [])
    assert set(state.kept.revisions("help", ContentType.ARTICLE)) == {"b"}
    assert set(state.kept.revisions("blog", ContentType.ARTICLE)) == {"a"}


def test_more_documents_than_fit_one_question_are_found(state: State) -> None:
    one = article(text="A line.")
    many = [replace(one, id=f"{number}.md") for number in range(2 * IN_LIMIT + 1)]
    state.kept.save("help", many)
    wanted = {document.id: document.revision for document in many}
    assert state.kept.get("help", ContentType.ARTICLE, wanted) == {d.id: d for d in many}
    state.kept.forget("help", list(wanted)[1:])
    assert list(state.kept.revisions("help", ContentType.ARTICLE)) == ["0.md"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    made = State(tmp_path_factory.mktemp("kept") / "passages.db")
    yield made
    made.close()


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
BLOCKS = st.builds(
    Block,
    kind=st.sampled_from(BlockKind),
    start=st.integers(0, 20),
    end=st.integers(21, 40),
    level=st.integers(0, 6),
    page=st.none() | st.integers(1, 9),
)
DOCUMENTS = st.builds(
    Document,
    id=st.just("d"),
    content_type=st.sampled_from(ContentType),
    text=TEXTS,
    blocks=st.lists(BLOCKS, max_size=3).map(tuple),
    revision=st.just("r"),
    title=TEXTS,
    questions=st.lists(TEXTS, max_size=3).map(tuple),
    url=st.none() | TEXTS,
    locale=st.none() | TEXTS,
    updated_at=st.none() | TEXTS,
    metadata=st.dictionaries(TEXTS, VALUES | st.lists(VALUES, max_size=2), max_size=3),
)


@given(document=DOCUMENTS)
def test_any_document_comes_back_as_it_was(shared: State, document: Document) -> None:
    shared.kept.save("any", [document])
    assert kept(shared, document, index="any") == document
