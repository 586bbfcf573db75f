import json

import pytest

from chunkers import ContentType, Document, ExtractError, Format, extract
from tests.chunkers.samples import assert_blocks_tile, block_texts, content

FAQ = {
    "id": "f1",
    "question": "How do I pause my plan?",
    "answer": "Open **Billing**:\n\n- Choose *Pause*.\n",
    "variants": ["put plan on hold", " "],
    "topic": "billing",
}


def record(fields: object, kind: ContentType) -> Document:
    return extract(content(json.dumps(fields), Format.JSON, kind, id="f1"))


def test_a_faq_is_its_question_and_its_answer() -> None:
    document = record(FAQ, ContentType.FAQ)
    assert block_texts(document) == [
        ("heading", "How do I pause my plan?"),
        ("paragraph", "Open **Billing**:"),
        ("list", "- Choose *Pause*."),
    ]
    assert document.title == "How do I pause my plan?"
    assert document.questions == ("How do I pause my plan?", "put plan on hold")
    assert document.metadata == {"topic": "billing"}
    assert_blocks_tile(document)


def test_a_snippet_keeps_its_tags() -> None:
    fields = {"id": "s1", "title": "Refund", "text": "We refund within 5 days.", "tags": ["money"]}
    document = record(fields, ContentType.SNIPPET)
    assert (document.title, document.text) == ("Refund", "We refund within 5 days.")
    assert document.metadata == {"tags": ["money"]}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"html": "<p>Hi <b>you</b></p>"}, "Hi you"),
        ({"markdown": "Hi **you**"}, "Hi **you**"),
        ({"text": "  Hi you"}, "  Hi you"),
    ],
)
def test_an_article_has_one_body(body: dict[str, str], text: str) -> None:
    common = {"title": "T", "url": "https://x.test", "locale": "es", "updated_at": "2024-01-01"}
    document = record({**common, **body, "metadata": {"team": "a"}}, ContentType.ARTICLE)
    assert document.text == text
    assert (document.title, document.url, document.locale) == ("T", "https://x.test", "es")
    assert document.updated_at == "2024-01-01"
    assert document.metadata == {"team": "a"}


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        (ContentType.FAQ, {"answer": "a"}, "field question is missing"),
        (ContentType.FAQ, {"question": "q"}, "field answer is missing"),
        (ContentType.FAQ, {"question": " ", "answer": "a"}, "field question is empty"),
        (ContentType.FAQ, {"question": 3, "answer": "a"}, "question must be a string, not int"),
        (ContentType.FAQ, {**FAQ, "variants": "x"}, "variants must be a list of strings"),
        (ContentType.SNIPPET, {"title": "t"}, "field text is missing"),
        (ContentType.ARTICLE, {"title": "t"}, "exactly one of html, markdown, text.*given: none"),
        (ContentType.ARTICLE, {"html": "a", "text": "b"}, "given: html and text"),
        (ContentType.ARTICLE, {"text": "a", "metadata": []}, "metadata must be an object"),
        (ContentType.ARTICLE, {"text": "\n"}, "field text is empty"),
        (ContentType.FAQ, ["q"], "JSON object is needed, not list"),
    ],
)
def test_a_bad_record_names_its_field(kind: ContentType, fields: object, reason: str) -> None:
    with pytest.raises(ExtractError, match=reason):
        record(fields, kind)


@pytest.mark.parametrize("line", ['{"question": ', "[" * 100_000, "nonsense", "9" * 5_000])
def test_what_is_not_json_is_an_error(line: str) -> None:
    with pytest.raises(ExtractError, match="JSON"):
        extract(content(line, Format.JSON, ContentType.FAQ))


def test_characters_that_text_cannot_hold_are_replaced() -> None:
    line = b'{"question": "half \\ud83d", "answer": "nul \\u0000."}'
    document = extract(content(line, Format.JSON, ContentType.FAQ))
    assert document.text == "half \ufffd\n\nnul \ufffd."
