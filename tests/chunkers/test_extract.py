import pytest

import chunkers
from chunkers import ChunkersError, ContentType, ExtractError, Format, extract
from tests.chunkers.samples import block_texts, content


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("data", [b"", b" \n\t"])
def test_an_empty_file_is_an_error(form: Format, data: bytes) -> None:
    kind = ContentType.PDF if form is Format.PDF else ContentType.ARTICLE
    with pytest.raises(ExtractError, match="the file is empty"):
        extract(content(data, form, kind))


@pytest.mark.parametrize("form", [Format.HTML, Format.MARKDOWN, Format.TEXT, Format.JSON])
def test_binary_data_in_a_text_format_is_an_error(form: Format) -> None:
    with pytest.raises(ExtractError, match="byte 3 is NUL"):
        extract(content(b"abc\x00def", form))
    with pytest.raises(ExtractError, match="byte 1 is not valid UTF-8"):
        extract(content(b"a\xff\xfe", form))
    with pytest.raises(ExtractError, match="UTF-16"):
        extract(content("text".encode("utf-16"), form))


@pytest.mark.parametrize(
    ("kind", "form", "valid"),
    [
        (ContentType.FAQ, Format.HTML, "valid: json"),
        (ContentType.PDF, Format.TEXT, "valid: pdf"),
        (ContentType.ARTICLE, Format.PDF, "valid: html, markdown, text, json"),
    ],
)
def test_a_format_that_the_type_does_not_take(kind: ContentType, form: Format, valid: str) -> None:
    with pytest.raises(ExtractError, match=valid):
        extract(content("x", form, kind))


def test_text_keeps_every_character() -> None:
    source = "One\nline two.  \n\n \n  Two\r\n\r\nThree\n"
    document = extract(content(source, Format.TEXT))
    assert document.text == source
    assert [text for _, text in block_texts(document)] == ["One\nline two.", "Two", "Three"]
    assert document.title == "", "an id is no title"


def test_text_of_white_space_after_the_mark_is_an_error() -> None:
    with pytest.raises(ExtractError, match="only white space"):
        extract(content(b"\xef\xbb\xbf \n", Format.TEXT))


def test_the_root_error_speaks_by_its_docstring() -> None:
    assert issubclass(ExtractError, ChunkersError)
    assert str(ExtractError()) == "The content could not be read."


def test_the_package_exports_what_it_names() -> None:
    assert all(hasattr(chunkers, name) for name in chunkers.__all__)
