import pytest

from chunkers import ExtractError, Format, extract
from chunkers.headings import plain_heading
from tests.chunkers.samples import assert_blocks_tile, block_texts, content, markdown

FRONT = """---
title: Pause a plan
lang: en
date: 2024-05-01
url: https://acme.test/pause
tags: [billing, plans]
weight: .inf
---
# Pausing

Text.
"""


def test_front_matter_is_read_and_removed() -> None:
    document = markdown(FRONT)
    assert document.text == "# Pausing\n\nText.\n"
    assert document.title == "Pause a plan"
    assert document.locale == "en"
    assert document.updated_at == "2024-05-01"
    assert document.url == "https://acme.test/pause"
    assert document.metadata == {"tags": ["billing", "plans"]}


def test_a_byte_order_mark_and_windows_lines_are_no_obstacle() -> None:
    source = b"\xef\xbb\xbf---\r\ntitle: T\r\n---\r\n# A\r\n\r\ntext\r\n"
    document = extract(content(source, Format.MARKDOWN))
    assert document.title == "T"
    assert block_texts(document) == [("heading", "# A"), ("paragraph", "text")]


@pytest.mark.parametrize(
    ("yaml", "reason"),
    [
        ("title: a: b", "front matter, line 2: mapping values are not allowed"),
        ("a: 1\nb: [x", "front matter, line"),
        ("date: 2024-13-45", "month must be in 1..12"),
        ("a: &x [1]\nb: *x", "line 3: aliases are not accepted"),
        ("a: " + "[" * 3000, "front matter"),
        ("x: !!bool maybe", "line 2: 'maybe' is not of the type bool"),
        ("a: 1\nx: !!timestamp foo", "line 3: 'foo' is not of the type timestamp"),
        ("a: [{x: !!int ''}]", "line 2: '' is not of the type int"),
        ("a: 1" + ":59" * 300 + ".5", "front matter: int too large"),
        (r'a: "\UFFFFFFFF"', "front matter: Python int too large"),
    ],
)
def test_broken_front_matter_is_an_error(yaml: str, reason: str) -> None:
    with pytest.raises(ExtractError, match=reason):
        markdown(f"---\n{yaml}\n---\nText")


def test_characters_that_text_cannot_hold_are_replaced_in_front_matter() -> None:
    yaml = r"""title: "a\uD800b"
url: "nul\0"
"\uDFFF": ["\uD83D", {deep: "\uD800"}]"""
    document = markdown(f"---\n{yaml}\n---\nText")
    assert (document.title, document.url) == ("a\ufffdb", "nul\ufffd")
    assert document.metadata == {"\ufffd": ["\ufffd", {"deep": "\ufffd"}]}


def test_numbers_that_no_store_takes_are_left_out_of_the_front_matter() -> None:
    long = "0x" + "F" * 5000
    document = markdown(f"---\ntitle: {long}\nsizes: [3, {long}, .nan]\n---\nText")
    assert document.title == ""
    assert document.metadata == {"sizes": [3]}


def test_a_thematic_break_is_not_front_matter() -> None:
    assert markdown("---\n\nIt: is [prose\n\n---\n").text.startswith("---")
    assert markdown("---\nJust prose\n---\nText").text.startswith("---\nJust prose")


def test_blocks_are_exact_spans_of_the_source() -> None:
    source = """Setext *title*
==============

Some text
over two lines.

- one
  - two

1. first

| a | b |
| - | - |
| 1 | 2 |

```py
x = 1
```

    indented

> quoted

[ref]: https://acme.test "kept"

<div class="x">
raw
</div>

***
"""
    document = markdown(source)
    assert document.text == source
    assert document.title == "Setext title"
    assert [kind for kind, _ in block_texts(document)] == [
        "heading", "paragraph", "list", "list", "table", "code", "code", "quote",
        "paragraph", "paragraph", "paragraph",
    ]  # fmt: skip
    assert '[ref]: https://acme.test "kept"' in [text for _, text in block_texts(document)]
    assert_blocks_tile(document)


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("## Set **up** `acme` {#setup}", "Set up acme"),
        ("### [Link](https://x.test) & more ###", "Link & more"),
        ("# Title<a name='x'></a>", "Title"),
        ("Setext _it_\n---", "Setext it"),
        ("# C\\# and snake_case_name", "C# and snake_case_name"),
        ("## [!UICONTROL Maintenance Mode] on", "Maintenance Mode on"),
        ("<h2>From HTML</h2>", "From HTML"),
    ],
)
def test_heading_labels_have_no_markup(source: str, plain: str) -> None:
    assert plain_heading(source) == plain


@pytest.mark.parametrize(
    "source",
    [
        '<call-out type="warning">\n\n### no heading\n\n</call-out>',
        "{% include alert.html %}\n\n{: .list}\n* a\n",
        "<table>\n<tr><td>\n\n| a |\n\n</td></tr>",
        "<script>\n\nunclosed",
        ">[!NOTE]\n>\n>Careful.\n",
        "> " * 300 + "deep",
        "- " * 300 + "deep",
        "| a |\n|---|\n" + "| b |\n" * 50,
        "\x0c# Not a heading\u2028still\x85text\r# One\rtext",
    ],
)
def test_whatever_is_embedded_is_kept(source: str) -> None:
    document = markdown(source)
    assert document.text == source
    assert_blocks_tile(document)


@pytest.mark.parametrize(
    "source",
    [
        ":::note\n\nFirst.\n\nSecond.\n\n:::",
        '<call-out type="x">\n\nFirst.\n\n</call-out>',
        "{% callout %}\n\nFirst.\n\n{% endcallout %}",
        "<details>\n<summary>Why?</summary>\n\nFirst.\n\n</details>",
        ">[!NOTE]\n>\n>First.",
    ],
)
def test_a_callout_is_one_quote(source: str) -> None:
    assert block_texts(markdown(source + "\n\nAfter.")) == [
        ("quote", source),
        ("paragraph", "After."),
    ]


def test_a_callout_that_never_closes_is_only_its_tag() -> None:
    kinds = [kind for kind, _ in block_texts(markdown("<call-out>\n\ntext\n\n# Heading\n\nmore"))]
    assert kinds == ["quote", "paragraph", "heading", "paragraph"]


def test_html_headings_and_tables_have_their_kind() -> None:
    document = markdown("<h2>Setup</h2>\n\n<table>\n<tr><td>1</td></tr>\n</table>\n")
    assert [kind for kind, _ in block_texts(document)] == ["heading", "table"]
    assert document.blocks[0].level == 2


def test_only_front_matter_is_an_error() -> None:
    with pytest.raises(ExtractError, match="nothing but front matter"):
        markdown("---\ntitle: x\n---\n\n")
