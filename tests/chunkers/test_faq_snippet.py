import json

import pytest

from chunkers import ContentType, Document, FaqChunker, Format, SnippetChunker, extract
from tests.chunkers.samples import assert_sound, content, word_pieces


def faq(answer: str, *variants: str) -> Document:
    line = {"question": "How do I pause?", "answer": answer, "variants": list(variants)}
    return extract(content(json.dumps(line), Format.JSON, ContentType.FAQ))


def snippet(text: str) -> Document:
    line = json.dumps({"title": "Refund", "text": text})
    return extract(content(line, Format.JSON, ContentType.SNIPPET))


def test_a_faq_that_fits_is_one_chunk_with_its_questions() -> None:
    document = faq("# One\n\nx\n\n# Two\n\ny\n\n## Three\n\nz", "pause plan", "hold plan")
    chunks = FaqChunker().chunk(document, build="b", count=word_pieces)
    assert_sound(document, chunks)
    assert len(chunks) == 1
    assert chunks[0].context.questions == ("How do I pause?", "pause plan", "hold plan")
    assert chunks[0].context.title == ""


def test_a_long_answer_is_cut_with_the_question_in_every_context() -> None:
    document = faq(" ".join(f"Sentence {n} is here." for n in range(99)), "w " * 50)
    chunks = FaqChunker(max_tokens=60).chunk(document, build="b", count=word_pieces)
    assert_sound(document, chunks)
    assert len(chunks) > 5
    assert {chunk.context.questions for chunk in chunks} == {("How do I pause?",)}


def test_a_question_over_its_budget_is_trimmed() -> None:
    chunks = FaqChunker(context_tokens=4).chunk(faq("x"), build="b", count=word_pieces)
    assert chunks[0].context.questions == ("How do I",)


def test_a_snippet_is_whole_if_it_can_be() -> None:
    whole = SnippetChunker().chunk(snippet("# A\n\nb\n\n# C"), build="b", count=word_pieces)
    assert [chunk.context.title for chunk in whole] == ["Refund"]
    document = snippet("A sentence. " * 200)
    parts = SnippetChunker(max_tokens=50).chunk(document, build="b", count=word_pieces)
    assert_sound(document, parts)
    assert max(word_pieces([part.text for part in parts])) <= 50


@pytest.mark.parametrize("chunker", [FaqChunker, SnippetChunker])
def test_fields_are_checked(chunker: type[FaqChunker] | type[SnippetChunker]) -> None:
    with pytest.raises(ValueError, match="max_tokens"):
        chunker(max_tokens=0)
