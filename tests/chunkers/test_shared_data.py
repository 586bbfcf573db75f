"""The readers and chunkers on real help centres and real PDFs, where these are at hand."""

import time
from pathlib import Path

import pytest

from chunkers import (
    ArticleChunker,
    ContentType,
    Document,
    ExtractError,
    Format,
    PdfChunker,
    extract,
)
from tests.chunkers.samples import (
    SHARED,
    assert_blocks_tile,
    assert_sound,
    content,
    needs_shared_data,
    word_pieces,
)

pytestmark = needs_shared_data

UNREADABLE = {
    "libreoffice-writer-password": "needs a password",
    "imagemagick-ASCII85Decode": "run OCR",
    "imagemagick-CCITTFaxDecode": "run OCR",
    "imagemagick-lzw": "run OCR",
    "unreadablemetadata": "damaged",
    "grayscale-image": "run OCR",
    "cmyk-image": "run OCR",
}


def read(path: Path, form: Format, kind: ContentType) -> Document:
    document = extract(content(path.read_bytes(), form, kind, id=path.name))
    assert_blocks_tile(document)
    return document


@pytest.mark.parametrize(
    ("folder", "step"),
    [("help_logingov", 1), ("help_sendgrid", 1), ("help_adobe_commerce_kb", 1), ("aws_docs_qa", 9)],
)
def test_every_article_is_read_and_cut(folder: str, step: int) -> None:
    paths = sorted((SHARED / folder).glob("*/**/*.md"))[::step]
    assert len(paths) > 50
    for path in paths:
        document = read(path, Format.MARKDOWN, ContentType.ARTICLE)
        chunks = ArticleChunker().chunk(document, build="b", count=word_pieces)
        assert_sound(document, chunks)
        assert max(word_pieces([chunk.text for chunk in chunks])) <= 200


@pytest.mark.parametrize(
    "path", sorted(SHARED.glob("pdf_parser_corpus/**/*.pdf")), ids=lambda p: p.stem
)
def test_hard_pdfs_are_read_or_say_why_not(path: Path) -> None:
    reason = UNREADABLE.get(path.stem)
    if reason:
        with pytest.raises(ExtractError, match=reason):
            read(path, Format.PDF, ContentType.PDF)
        return
    document = read(path, Format.PDF, ContentType.PDF)
    chunks = PdfChunker().chunk(document, build="b", count=word_pieces)
    assert_sound(document, chunks)


@pytest.mark.parametrize("name", ["2023 Q2 AAPL", "2023 Q1 INTC", "2023 Q1 AMZN", "2023 Q1 NVDA"])
def test_filings_are_read_in_seconds(name: str) -> None:
    start = time.perf_counter()
    path = SHARED / "docugami_10q" / "pdfs" / f"{name}.pdf"
    document = read(path, Format.PDF, ContentType.PDF)
    chunks = PdfChunker().chunk(document, build="b", count=word_pieces)
    assert time.perf_counter() - start < 30
    assert_sound(document, chunks)
    assert sum(block.kind == "table" for block in document.blocks) > 20


def test_dense_tables_keep_their_rows_and_their_columns() -> None:
    path = SHARED / "docugami_10q" / "pdfs" / "2023 Q2 AAPL.pdf"
    text = read(path, Format.PDF, ContentType.PDF).text
    assert "| Products | $73,929 | $77,457 | $170,317 | $181,886 |" in text
    assert "| Three Months Ended April 1, 2023 | Three Months Ended March 26, 2022 |" in text
    assert "Q2 2023 Form 10-Q |" not in text
