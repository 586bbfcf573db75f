"""Units: the sentences and other wholes of a chunk."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chunkers import ArticleChunker, Content, ContentType, Document, Format, extract
from chunkers.document import Chunk
from chunkers.units import unit_spans

MARKDOWN = """\
# Pausing

You can pause for up to six months. Nothing is charged meanwhile. Really.

1. Open the app and sign in.
2. Choose **Pause** in the menu.

| Plan | Pause |
| ---- | ----- |
| Sill | yes   |

## Code

```sh
curl example.test
```
"""


def document(text: str) -> Document:
    content = Content(
        id="d",
        content_type=ContentType.ARTICLE,
        format=Format.MARKDOWN,
        data=text.encode(),
        revision="1",
    )
    return extract(content)


def chunks(source: Document, **sizes: int) -> list[Chunk]:
    return ArticleChunker(**sizes).chunk(
        source, build="b", count=lambda texts: [len(text.split()) for text in texts]
    )


def units(text: str) -> list[str]:
    source = document(text)
    (chunk,) = chunks(source, max_tokens=400, min_tokens=400)
    return [chunk.text[start:end] for start, end in unit_spans(source, chunk)]


def test_a_heading_goes_with_the_first_sentence_and_a_short_sentence_with_the_next() -> None:
    found = units(MARKDOWN)
    assert found[0] == "# Pausing\n\nYou can pause for up to six months."
    assert found[1] == "Nothing is charged meanwhile."


def test_lists_tables_and_code_are_whole() -> None:
    found = units(MARKDOWN)
    assert any(u.startswith("Really.") and u.endswith("in the menu.") for u in found)
    assert any(unit.startswith("| Plan") and unit.endswith("yes   |") for unit in found)
    assert found[-1].startswith("## Code")
    assert "curl" in found[-1]


def test_what_ends_with_a_heading_keeps_it() -> None:
    assert units("Some words that make a whole sentence.\n\n## The end") == [
        "Some words that make a whole sentence.",
        "## The end",
    ]


@given(
    st.lists(
        st.sampled_from(
            ["A sentence of some length here. ", "No. ", "\n\n", "- item\n", "# H\n\n", "`x` "]
        ),
        min_size=1,
        max_size=30,
    ).map("".join),
    st.integers(8, 40),
)
def test_units_are_in_order_and_hold_all_that_is_not_blank(text: str, size: int) -> None:
    source = document("start\n\n" + text)
    for chunk in chunks(source, max_tokens=size, min_tokens=4):
        spans = unit_spans(source, chunk)
        held = ["".join(chunk.text[start:end].split()) for start, end in spans]
        assert "".join(held) == "".join(chunk.text.split())
        assert all(a < b for a, b in spans)
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
