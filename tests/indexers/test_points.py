"""From chunks to points: what is embedded, what is stored, what can be filtered."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from chunkers import ArticleChunker, Chunk, Content, ContentType, Context, Document, Format, extract
from indexers.bm25 import Bm25Encoder
from indexers.embedding import MiniLM
from indexers.embedding_cache import Embedded
from indexers.errors import DocumentError
from indexers.filters import FilterType
from indexers.points import filter_values, indexed_text, indexed_units, make_points
from indexers.units import quantise

PAGE = (
    "# Pots\n\nA pot holds soil. It has a hole.\n\n## Glazed pots\n\nThese do not breathe at all.\n"
)


def document(**more: Any) -> Document:
    content = Content(
        id="pots/one page.md",
        content_type=ContentType.ARTICLE,
        format=Format.MARKDOWN,
        data=PAGE.encode(),
        revision="r1",
        **more,
    )
    return extract(content)


def chunks_of(page: Document) -> list[Chunk]:
    chunker = ArticleChunker(max_tokens=12, min_tokens=0)
    chunks = chunker.chunk(page, build="b", count=MiniLM().count_tokens)
    assert len(chunks) > 1
    return chunks


def chunk(text: str, **context: Any) -> Chunk:
    return Chunk(
        id="c",
        document_id="d",
        start=0,
        end=len(text),
        text=text,
        context=Context(**context),
        tokens=1,
    )


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({}, "text"),
        ({"title": "Pots"}, "Pots\ntext"),
        ({"title": "Pots", "heading_path": ("Pots", "Glazed")}, "Pots\nGlazed\ntext"),
        ({"title": "Pots", "heading_path": ("Clay", "Glazed")}, "Pots\nClay > Glazed\ntext"),
        ({"title": "Why?", "questions": ("Why?", "how come")}, "Why?\nhow come\ntext"),
    ],
)
def test_the_indexed_text_says_each_thing_once(context: Mapping[str, Any], expected: str) -> None:
    assert indexed_text(chunk("text", **context)) == expected


def test_units_stand_in_the_indexed_text_where_they_say() -> None:
    page = document()
    for one in chunks_of(page):
        text = indexed_text(one)
        pieces = [text[start:end] for start, end in indexed_units(page, one)]
        assert " ".join(pieces).split() == one.text.split()


def test_a_point_tiles_its_document_back_together() -> None:
    page = document(title="Pots", url="https://x/pots", locale="en", metadata={"year": 2026})
    chunks = chunks_of(page)
    embedded = [
        Embedded(np.ones(384, np.float32), quantise(np.ones((1, 384), np.float32)), fresh=True)
        for _ in chunks
    ]
    points = make_points(page, chunks, embedded, Bm25Encoder(), {"year": FilterType.INTEGER})
    payloads = [point.payload for point in points]
    assert [point.id for point in points] == [one.id for one in chunks]
    assert [payload["ordinal"] for payload in payloads] == list(range(len(chunks)))
    text = "".join(payload["text"] + (payload["gap"] or "") for payload in payloads)
    assert text == page.text[payloads[0]["start"] : payloads[-1]["end"]]
    assert payloads[-1]["gap"] is None
    for payload in payloads:
        assert page.text[payload["start"] : payload["end"]] == payload["text"]
        assert payload["document_id"] == "pots/one page.md"
        assert payload["document"]["url"] == "https://x/pots"
        assert payload["filters"] == {"year": 2026}


def test_only_declared_fields_can_be_filtered() -> None:
    page = document(locale="en", metadata={"team": "garden", "year": 2026, "draft": None})
    declared = {
        "locale": FilterType.KEYWORD,
        "year": FilterType.INTEGER,
        "draft": FilterType.BOOL,
        "none": FilterType.KEYWORD,
    }
    assert filter_values(page, declared) == {"locale": "en", "year": 2026}


def test_a_document_s_own_field_goes_before_metadata_of_its_name() -> None:
    page = document(locale="en", metadata={"locale": "xx"})
    assert filter_values(page, {"locale": FilterType.KEYWORD}) == {"locale": "en"}


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("integer", "2026", "filter field year takes a whole number of 64 bits, not '2026'"),
        ("integer", 10**30, "filter field year takes a whole number"),
        ("keyword", {"a": 1}, "filter field year takes text"),
        ("keyword", [["a"]], "filter field year takes text"),
        ("float", float("nan"), "filter field year takes a finite number, not nan"),
        ("datetime", "spring", "filter field year takes a date-time such as"),
    ],
)
def test_a_value_that_no_filter_would_find_is_refused(kind: str, value: Any, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        filter_values(document(metadata={"year": value}), {"year": FilterType(kind)})
