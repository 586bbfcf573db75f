import base64
import random
from itertools import pairwise

import pytest

from chunkers import ArticleChunker, Chunk, Format, count_cl100k_batch, extract
from tests.chunkers.samples import assert_sound, content, html, markdown, word_pieces


def chunked(source: str, **fields: int) -> list[Chunk]:
    document = markdown(source)
    chunks = ArticleChunker(**fields).chunk(document, build="b", count=word_pieces)
    assert_sound(document, chunks, overlap=bool(fields.get("overlap_tokens")))
    limit = fields.get("max_tokens", 200)
    assert all(count <= limit for count in word_pieces([chunk.text for chunk in chunks]))
    return chunks


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def test_a_heading_stays_with_its_text_and_opens_a_chunk() -> None:
    source = f"# Plans\n\n{words(60)}.\n\n## Pausing\n\n{words(60)}.\n\n## Ending\n\n{words(60)}."
    chunks = chunked(source)
    assert [chunk.text.splitlines()[0] for chunk in chunks] == [
        "# Plans",
        "## Pausing",
        "## Ending",
    ]
    assert [chunk.context.heading_path for chunk in chunks] == [(), ("Pausing",), ("Ending",)]
    assert {chunk.context.title for chunk in chunks} == {"Plans"}


def test_small_siblings_share_a_chunk_and_cousins_do_not() -> None:
    source = "# T\n\n## A\n\n### a1\n\nx.\n\n### a2\n\ny.\n\n## B\n\n### b1\n\nz."
    texts = [chunk.text for chunk in chunked(source)]
    assert len(texts) == 1  # under T all are tiny
    long = (
        f"# T\n\n{words(50)}\n\n## A\n\n{words(50)}\n\n### a1\n\nx.\n\n### a2\n\ny.\n\n## B\n\nz."
    )
    starts = [chunk.text.splitlines()[0] for chunk in chunked(long)]
    assert starts == ["# T", "## A", "### a1", "## B"]


def test_a_lone_heading_goes_with_its_large_subsection() -> None:
    chunks = chunked(f"# T\n\n## A\n\n{words(150)}. {words(150)}.")
    assert chunks[0].text.startswith("# T\n\n## A\n\nword")


def test_tables_that_fit_are_whole() -> None:
    table = "| a | b |\n|---|---|\n" + "| one | two |\n" * 6
    chunks = chunked(f"{words(30)}.\n\n{table}\n{words(30)}.", max_tokens=80)
    assert any(table.strip() in chunk.text for chunk in chunks)


def test_a_cut_table_names_its_columns_in_every_chunk() -> None:
    rows = "".join(f"| plan {n} | {n} euros |\n" for n in range(40))
    chunks = chunked(f"# T\n\n## Prices\n\n| Plan | Price |\n|---|---|\n{rows}", max_tokens=60)
    assert len(chunks) > 3
    assert chunks[0].text.startswith("# T\n\n## Prices\n\n| Plan")
    assert chunks[0].context.heading_path == ("Prices",)
    for chunk in chunks[1:]:
        assert chunk.context.heading_path == ("Prices", "Plan | Price")
        assert chunk.text.startswith("| plan")
        assert chunk.text.endswith("|")


def test_lists_are_cut_between_items_and_code_between_lines() -> None:
    items = "\n".join(f"- item {n} {words(8)}\n  - inner {n}" for n in range(20))
    for chunk in chunked(items, max_tokens=50):
        assert chunk.text.startswith("- item")
    code = "```py\n" + "\n".join(f"call_{n}(argument)" for n in range(60)) + "\n```"
    for chunk in chunked(code, max_tokens=50)[1:]:
        assert chunk.text.startswith(("call_", "```"))


def test_a_lead_in_goes_with_what_it_leads_into() -> None:
    steps = "\n".join(f"1. step {words(6)}" for _ in range(4))
    source = f"{words(40)}.\n\nTo pause a plan:\n\n{steps}"
    chunks = chunked(source, max_tokens=56)
    assert chunks[1].text.startswith("To pause a plan:\n\n1. step")


def test_paragraphs_are_cut_between_sentences() -> None:
    paragraph = " ".join(f"Sentence {n} says {words(5)}." for n in range(40))
    chunks = chunked(paragraph, max_tokens=40)
    assert all(chunk.text.startswith("Sentence") for chunk in chunks)
    assert all(chunk.text.endswith(".") for chunk in chunks)


@pytest.mark.parametrize(
    "source",
    [
        "客服可以帮助您解决问题" * 200,
        base64.b64encode(random.Random(7).randbytes(6000)).decode(),
        "a" * 9000,
        "https://x.test/" + "path/" * 500,
        words(2000),
    ],
)
def test_text_without_seams_is_cut_all_the_same(source: str) -> None:
    chunks = chunked(source, max_tokens=64)
    assert len(chunks) > 3
    # A tokenizer that reads all this as one unknown word must not make one chunk of it.
    document = markdown(source)
    blind = ArticleChunker(max_tokens=64).chunk(document, build="b", count=lambda t: [1] * len(t))
    assert max(len(chunk.text) for chunk in blind) <= 64 * 16


def test_a_tokenizer_that_counts_spaces_is_kept_within_the_budget_too() -> None:
    document = markdown("\n\n".join(f"- a{n}\n\n  b\n\n\n  c" for n in range(200)))
    chunks = ArticleChunker(max_tokens=30).chunk(document, build="b", count=count_cl100k_batch)
    assert_sound(document, chunks)
    assert max(chunk.tokens for chunk in chunks) <= 30


def test_the_last_chunk_is_not_a_crumb() -> None:
    source = "\n\n".join(f"{words(9)} {n}." for n in range(11))
    sizes = word_pieces([chunk.text for chunk in chunked(source, max_tokens=100)])
    assert len(sizes) == 2
    assert min(sizes) > 40


def test_overlap_repeats_whole_sentences() -> None:
    source = " ".join(f"Sentence {n} says {words(5)}." for n in range(40))
    chunks = chunked(source, max_tokens=60, overlap_tokens=20)
    for before, after in pairwise(chunks):
        shared = before.text[after.start - before.start :]
        assert shared.startswith("Sentence")
        assert word_pieces([shared])[0] <= 20


def test_context_keeps_to_its_budget_by_losing_its_middle() -> None:
    parts = "\n\n".join(f"{'#' * level} {words(8, f'level{level}')}" for level in range(1, 6))
    chunk = chunked(f"{parts}\n\ntext", context_tokens=50, min_tokens=0)[-1]
    assert chunk.context.title.startswith("level1")
    assert [label[:6] for label in chunk.context.heading_path] == ["level5"]
    tiny = chunked(f"{parts}\n\ntext", context_tokens=6, min_tokens=0)[-1].context
    assert word_pieces([tiny.title + " ".join(tiny.heading_path)])[0] <= 6
    none = chunked("# T\n\ntext", context_tokens=0)[0].context
    assert (none.title, none.heading_path) == ("", ())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_tokens": 7}, "max_tokens must be a whole number from 8 to 8192, not 7"),
        ({"overlap_tokens": 150}, "overlap_tokens must be a whole number from 0 to 100"),
        ({"context_tokens": -1}, "context_tokens must be"),
        ({"min_tokens": -4}, "min_tokens must be a whole number from 0 to 8192"),
        ({"max_tokens": "9"}, "not '9'"),
    ],
)
def test_fields_are_checked(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ArticleChunker(**fields)


def test_ids_are_of_document_span_and_build() -> None:
    document = html("<h1>T</h1><p>text</p>")
    ids = [
        [chunk.id for chunk in ArticleChunker().chunk(document, build=build, count=word_pieces)]
        for build in ("a", "a", "b")
    ]
    assert ids[0] == ids[1] != ids[2]


def test_plain_text_has_chunks_without_headings() -> None:
    document = extract(content(f"{words(150)}.\n\n{words(150)}.", Format.TEXT))
    chunks = ArticleChunker().chunk(document, build="b", count=word_pieces)
    assert_sound(document, chunks)
    assert len(chunks) == 2
