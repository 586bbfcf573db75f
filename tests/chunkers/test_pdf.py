from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from chunkers import ContentType, Document, ExtractError, Format, PdfChunker, extract
from tests.chunkers.pdfs import Word, lines, pdf
from tests.chunkers.samples import (
    assert_blocks_tile,
    assert_sound,
    block_texts,
    content,
    word_pieces,
)

PROSE = [
    "You can pause a plan whenever you like, and we keep all of your data in",
    "the meantime. Nobody is billed while the plan is paused, and everybody in",
    "your team can still sign in, read the documents and export them for later.",
]


def read(data: bytes) -> Document:
    document = extract(content(data, Format.PDF, ContentType.PDF, id="guide.pdf"))
    assert_blocks_tile(document)
    return document


def test_headings_paragraphs_and_pages() -> None:
    first = [Word(72, 740, "Plans", 20), *lines(PROSE), *lines(PROSE, y=640)]
    second = [Word(72, 740, "Pausing", 14, bold=True), *lines(PROSE)]
    document = read(pdf([first, second]))
    prose = " ".join(PROSE)
    assert block_texts(document) == [
        ("heading", "Plans"), ("paragraph", prose), ("paragraph", prose),
        ("heading", "Pausing"), ("paragraph", prose),
    ]  # fmt: skip
    assert [block.level for block in document.blocks] == [1, 0, 0, 2, 0]
    assert [block.page for block in document.blocks] == [1, 1, 1, 2, 2]
    assert document.title == "Plans"


def test_running_heads_feet_and_page_numbers_go() -> None:
    names = ["Alpha", "Beta", "Gamma", "Delta", "Epsilon"]
    pages = [
        [
            Word(72, 770, "Acme Guide"),
            *lines([f"{name} is the body of a page.", *PROSE]),
            Word(72, 30, "Chapter on plans" if n < 3 else "Chapter on teams"),
            Word(500, 30, f"{n + 7}"),
        ]
        for n, name in enumerate(names)
    ]
    text = read(pdf(pages)).text
    assert "Acme Guide" not in text
    assert "Chapter" not in text
    assert all(name in text for name in names)
    assert text.count("You can pause") == 5


def test_words_that_lines_broke_are_made_whole() -> None:
    broken = ["The docu-", "ment has a well-", "known and a self-made part. It is well-known."]
    assert read(pdf([lines(broken)])).text == (
        "The document has a well-known and a self-made part. It is well-known."
    )


def test_a_paragraph_goes_on_over_the_page() -> None:
    document = read(pdf([lines([*PROSE, "and this sentence has"]), lines(["its end here."])]))
    assert document.text.endswith("and this sentence has its end here.")
    assert len(document.blocks) == 1


def test_an_indented_line_opens_a_paragraph() -> None:
    words = [*lines(PROSE[:2]), Word(90, 676, PROSE[0]), Word(72, 664, PROSE[1])]
    assert len(read(pdf([words])).blocks) == 2


def test_lists_are_gathered() -> None:
    words = [
        *lines(["Before you pause:"]),
        Word(80, 680, "\x95"), Word(95, 680, "Tell your team about"), Word(95, 668, "the date."),
        Word(80, 656, "\x95"), Word(95, 656, "Export your data."),
        Word(80, 630, "1."), Word(95, 630, "Open Billing."),
    ]  # fmt: skip
    assert block_texts(read(pdf([words]))) == [
        ("paragraph", "Before you pause:"),
        ("list", "- Tell your team about the date.\n- Export your data.\n1. Open Billing."),
    ]


def table(rows: list[list[str]], y: float) -> list[Word]:
    columns = (72, 250, 400)
    return [
        Word(x, y - 14 * index, cell, 10, bold=cell in {"Plan", "Price", "Seats"})
        for index, row in enumerate(rows)
        for x, cell in zip(columns, row, strict=True)
        if cell
    ]


HEAD = ["Plan", "Price", "Seats"]


def test_a_table_over_two_pages_is_one_table() -> None:
    rows = [[f"Plan {n}", f"${n},000", f"{n}"] for n in range(1, 7)]
    first = [*lines(PROSE, y=760), *table([HEAD, *rows[:3]], 700)]
    second = [*table([HEAD, *rows[3:]], 760), *lines(PROSE, y=600)]
    document = read(pdf([first, second]))
    tables = [text for kind, text in block_texts(document) if kind == "table"]
    assert tables == [
        "| Plan | Price | Seats |\n| --- | --- | --- |\n"
        + "\n".join(f"| Plan {n} | ${n},000 | {n} |" for n in range(1, 7))
    ]


def test_a_header_over_several_columns_heads_each() -> None:
    label = "Price in euros, a month, for every single seat"
    words = [
        Word(250, 714, label),
        *table([["", "2023", "2024"], ["Basic", "1.00", "2.00"], ["Team", "3.00", "4.00"]], 700),
    ]
    assert block_texts(read(pdf([words]))) == [
        (
            "table",
            f"|  | {label} 2023 | {label} 2024 |\n"
            "| --- | --- | --- |\n| Basic | 1.00 | 2.00 |\n| Team | 3.00 | 4.00 |",
        )
    ]


def test_two_columns_are_read_one_after_the_other() -> None:
    left = [f"left column line {n:02d} with words" for n in range(20)]
    right = [f"right column line {n:02d} with words" for n in range(20)]
    words = [
        Word(72, 750, "A title over both of the columns", 16),
        *(
            word
            for pair in zip(lines(left, size=12), lines(right, x=330, size=12), strict=True)
            for word in pair
        ),
    ]
    text = read(pdf([words])).text
    assert text.startswith("A title over both")
    assert text.index("left column line 19") < text.index("right column line 00")


def test_turned_pages_read_as_upright_ones() -> None:
    upright, turned = (read(pdf([lines(PROSE, y=400)], rotate=turn)) for turn in (0, 90))
    assert turned.text == upright.text == " ".join(PROSE)


def test_the_file_s_own_title_is_used_unless_it_is_a_program_s() -> None:
    titles = {"Guide to Plans": "Guide to Plans", "Microsoft Word - guide.docx": ""}
    for given, expected in titles.items():
        data = pdf([lines(PROSE)], title=given)
        assert read(data).title == expected


@pytest.mark.parametrize(
    ("catalog", "expected"),
    [
        ("/Lang (en)", "en"),
        ("/Lang <FEFF00700074002D00420052>", "pt-BR"),
        ("/Lang ()", None),
        ("/Lang 5", None),
        ("", None),
    ],
)
def test_the_locale_is_the_language_that_the_file_says(catalog: str, expected: str | None) -> None:
    assert read(pdf([lines(PROSE)], catalog=catalog)).locale == expected


def test_the_content_s_own_locale_goes_before_the_file_s() -> None:
    data = pdf([lines(PROSE)], catalog="/Lang (en)")
    given = content(data, Format.PDF, ContentType.PDF, id="guide.pdf")
    assert extract(replace(given, locale="es")).locale == "es"


def test_an_encrypted_pdf_asks_for_its_password() -> None:
    key = "00" * 32
    lock = f"/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{key}> /U <{key}> >>"
    data = pdf([lines(PROSE)], trailer=f"{lock} /ID [<{key[:32]}> <{key[:32]}>]")
    with pytest.raises(ExtractError, match="encrypted and needs a password"):
        read(data)


@pytest.mark.parametrize("data", [b"%PDF-1.7 cut", b"no pdf at all", b"%PDF-1.4\n" + b"\x00" * 99])
def test_a_damaged_pdf_is_an_error(data: bytes) -> None:
    with pytest.raises(ExtractError, match="damaged or cut short"):
        read(data)


def test_a_page_that_is_missing_is_an_error() -> None:
    data = pdf([lines(PROSE), lines(PROSE)]).replace(
        b"/Kids [5 0 R 7 0 R]", b"/Kids [5 0 R 99 0 R]"
    )
    with pytest.raises(ExtractError, match="page 2 of the PDF is damaged"):
        read(data)


def test_a_scan_needs_ocr() -> None:
    with pytest.raises(ExtractError, match="no text layer; run OCR first"):
        read(pdf([[]]))


def test_chunks_know_their_page() -> None:
    document = read(pdf([lines([f"{name} comes first.", *PROSE]) for name in "ABCD"]))
    chunks = PdfChunker(max_tokens=70).chunk(document, build="b", count=word_pieces)
    assert_sound(document, chunks)
    assert [chunk.page for chunk in chunks] == [1, 2, 3, 4]


def test_threads_may_read_at_once() -> None:
    data = pdf([lines(PROSE)] * 20)
    with ThreadPoolExecutor(8) as pool:
        texts = {document.text for document in pool.map(read, [data] * 24)}
    assert len(texts) == 1
