"""What holds for any document: spans exact and in order, nothing lost, budgets kept."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from chunkers import (
    ArticleChunker,
    Chunker,
    ContentType,
    Document,
    ExtractError,
    FaqChunker,
    Format,
    PdfChunker,
    SnippetChunker,
    TokenCounter,
    count_cl100k_batch,
    extract,
    sentence_spans,
)
from tests.chunkers.samples import assert_blocks_tile, assert_sound, content, word_pieces

WORDS = st.sampled_from(
    ["plan", "Pause", "Dr.", "v1.2", "end.", "end!", "客服。", "您好", "**bold**", "`x`", "a|b",
     ":", "<b>", "https://x.test/a?b=c", "é\u0301", "x" * 90, "\u00a0", "😀", "&amp;", "-", "1."]
)  # fmt: skip
LINE = st.lists(WORDS, min_size=1, max_size=30).map(" ".join)
TABLE = st.lists(LINE, min_size=1, max_size=12).map(
    lambda cells: "\n".join(["| a | b |", "|---|---|", *(f"| {cell} | 1 |" for cell in cells)])
)
MARKDOWN_BLOCK = st.one_of(
    LINE,
    LINE.map("# {}".format),
    LINE.map("### {}".format),
    st.lists(LINE, max_size=8).map(lambda items: "\n".join(f"- {item}" for item in items)),
    st.lists(LINE, max_size=4).map(lambda items: "\n".join(f"1. {i}\n   - {i}" for i in items)),
    st.lists(LINE, max_size=12).map(lambda lines: "\n".join(["```py", *lines, "```"])),
    LINE.map("> {}".format),
    TABLE,
    st.sampled_from(["<div>", "</div>", ":::note", ":::", "---", "[a]: b", "{% x %}", "<!--"]),
    st.text(max_size=40).filter(lambda text: "\x00" not in text),
)
MARKDOWN = st.lists(MARKDOWN_BLOCK, max_size=14).map("\n\n".join)
TAGS = ["p", "div", "ul", "ol", "li", "table", "tr", "td", "th", "h1", "h2", "pre", "code",
        "b", "blockquote", "dl", "dt", "dd", "details", "br", "span", "main"]  # fmt: skip
HTML = st.lists(
    st.one_of(
        LINE,
        st.sampled_from(TAGS).map("<{}>".format),
        st.sampled_from(TAGS).map("</{}>".format),
        st.sampled_from(['<td rowspan="3">', '<th colspan="2">', '<div class="note">']),
    ),
    max_size=60,
).map("".join)
YAML = st.builds(
    "{}: {} {}".format,
    st.sampled_from(["title", "url", "lang", "date", "a", "1", r'"\uD800"', "? [a]\n"]),
    st.sampled_from(["", *(f"!!{name}" for name in ("bool", "int", "float", "timestamp", "null",
                     "binary", "set", "omap", "seq", "map", "str", "merge")), "!own", "&a", "*a"]),
    st.one_of(
        st.sampled_from(["maybe", '""', "0x" + "F" * 5000, "1" + ":59" * 300 + ".5", "2024-13-45",
                         r'"\uD800"', r'"\UFFFFFFFF"', r'"\0"', ".nan", "[a]", "{a: b}", "[", "=",
                         "-", "0b", "{[a]: b}", "|\n  x"]),
        st.text(max_size=8),
    ),
)  # fmt: skip
FRONT_MATTER = st.lists(YAML, max_size=3).map(
    lambda lines: "\n".join(["---", *lines, "---", "Text."]).encode("utf-8", "replace")
)
# Not unicode_escape: Python warns of most of what it decodes.
DECLARED = st.builds(
    '<meta charset="{}"><p>{}\\ud800+2AA-'.format,
    st.sampled_from(["undefined", "punycode", "idna", "raw_unicode_escape", "utf-7", "hex",
                     "utf-16", "latin-1", "gb18030", "iso-2022-jp", "no-such", "\u00e9", ""]),
    LINE,
).map(str.encode)  # fmt: skip
BYTES = st.one_of(
    st.binary(), FRONT_MATTER, st.builds(lambda a, b: a + b, DECLARED, st.binary(max_size=8))
)
COUNTERS: st.SearchStrategy[TokenCounter] = st.sampled_from([word_pieces, count_cl100k_batch])
FIELDS = st.fixed_dictionaries(
    {
        "max_tokens": st.integers(8, 120),
        "context_tokens": st.integers(0, 40),
        "min_tokens": st.integers(0, 60),
    }
)

often = settings(max_examples=120, deadline=None)


def read(source: str | bytes, form: Format) -> Document | None:
    try:
        return extract(content(source, form))
    except ExtractError:
        return None


def assert_chunks(document: Document, fields: dict[str, int], count: TokenCounter) -> None:
    assert_blocks_tile(document)
    chunks = ArticleChunker(**fields).chunk(document, build="b", count=count)
    assert_sound(document, chunks)
    assert max(count([chunk.text for chunk in chunks])) <= fields["max_tokens"]
    for chunk in chunks:
        parts = [chunk.context.title, *chunk.context.heading_path]
        assert sum(count(parts)) <= fields["context_tokens"]
        assert all(chunk.context.heading_path)


@often
@given(MARKDOWN, FIELDS, COUNTERS)
def test_markdown(source: str, fields: dict[str, int], count: TokenCounter) -> None:
    document = read(source, Format.MARKDOWN)
    if document:
        assert source.endswith(document.text)
        assert_chunks(document, fields, count)


@often
@given(HTML, FIELDS, COUNTERS)
def test_html(source: str, fields: dict[str, int], count: TokenCounter) -> None:
    document = read(source, Format.HTML)
    if document:
        assert_chunks(document, fields, count)


@often
@given(st.text(), FIELDS)
def test_text(source: str, fields: dict[str, int]) -> None:
    document = read(source, Format.TEXT)
    if document:
        assert document.text == source.removeprefix("\ufeff")
        assert_chunks(document, fields, word_pieces)


@often
@given(MARKDOWN, st.integers(8, 60), COUNTERS)
def test_faqs_and_snippets(answer: str, limit: int, count: TokenCounter) -> None:
    fields = {"question": "Why so?", "answer": answer, "title": "T", "text": answer}
    line = json.dumps(fields)
    chunkers: list[tuple[ContentType, Chunker]] = [
        (ContentType.FAQ, FaqChunker(max_tokens=limit)),
        (ContentType.SNIPPET, SnippetChunker(max_tokens=limit)),
    ]
    for kind, chunker in chunkers:
        if answer.strip():
            document = extract(content(line, Format.JSON, kind))
            assert_blocks_tile(document)
            chunks = chunker.chunk(document, build="b", count=count)
            assert_sound(document, chunks)
            assert max(count([chunk.text for chunk in chunks])) <= limit


@often
@given(MARKDOWN, st.integers(20, 80), st.integers(1, 10), COUNTERS)
def test_overlap(source: str, limit: int, overlap: int, count: TokenCounter) -> None:
    document = read(source, Format.MARKDOWN)
    if document:
        chunker = PdfChunker(max_tokens=limit, overlap_tokens=overlap)
        chunks = chunker.chunk(document, build="b", count=count)
        assert_sound(document, chunks, overlap=True)
        assert max(count([chunk.text for chunk in chunks])) <= limit


@settings(max_examples=300, deadline=None)
@given(BYTES, st.sampled_from([Format.MARKDOWN, Format.HTML]))
def test_any_bytes_are_a_document_or_an_extract_error(data: bytes, form: Format) -> None:
    document = read(data, form)
    if document:
        assert_chunks(
            document, {"max_tokens": 20, "context_tokens": 10, "min_tokens": 0}, count_cl100k_batch
        )
        json.dumps([document.title, document.url, document.metadata], ensure_ascii=False).encode()


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), MARKDOWN, HTML))
def test_sentences_hold_every_character(text: str) -> None:
    spans = sentence_spans(text)
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert edges == sorted(edges)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        assert not text[start:end].strip()
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in spans)
