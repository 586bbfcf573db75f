"""Passages made by hand, for the tests of what answers from them."""

from typing import Any

from chunkers import count_cl100k
from retrieval.query import DocumentInfo, Passage, Span


def passage(text: str, *, document: str = "guide", start: int = 0, **more: Any) -> Passage:
    """A passage of a document, from `start` there; well relevant unless said otherwise."""
    given = {
        "id": f"{document}-{start}",
        "rank": 1,
        "index": "articles",
        "content_type": "article",
        "relevance": 0.8,
        "heading_path": (),
        "page": None,
        "scores": {},
        **more,
    }
    return Passage(
        text=text,
        tokens=count_cl100k(text),
        span=Span(start=start, end=start + len(text)),
        document=DocumentInfo(
            id=document, title=document.title(), url=f"https://e.test/{document}"
        ),
        **given,
    )
