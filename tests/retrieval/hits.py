"""Documents cut into hits by hand, for the tests of what comes after the search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chunkers import count_cl100k
from retrieval.query import DocumentInfo, Hit, Span, Unit
from retrieval.selection import Cut, Limits


@dataclass(frozen=True)
class Page:
    """A document made of sentences, each a unit, one blank between them."""

    id: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where sentences `first` to `last`, both included, stand in the text."""
        start = len(" ".join(self.sentences[:first])) + (1 if first else 0)
        return start, start + len(" ".join(self.sentences[first : last + 1]))

    def hits(
        self,
        cuts: Sequence[tuple[int, int]],
        relevances: Sequence[float],
        shares: Sequence[float] = (),
        index: str = "articles",
    ) -> list[Hit]:
        """A hit for each cut, a pair of its first and last sentence."""
        made = []
        for ordinal, ((first, last), relevance) in enumerate(zip(cuts, relevances, strict=True)):
            start, end = self.span(first, last)
            gap = None
            if ordinal + 1 < len(cuts):
                gap = self.text[end : self.span(*cuts[ordinal + 1])[0]]
            units = []
            for number in range(first, last + 1):
                a, b = self.span(number, number)
                share = shares[number] if shares else 1.0
                units.append(Unit(start=a - start, end=b - start, share=share))
            made.append(
                hit(
                    f"{self.id}-{ordinal}",
                    self.text[start:end],
                    relevance,
                    document=self.id,
                    index=index,
                    ordinal=ordinal,
                    span=Span(start=start, end=end),
                    gap=gap,
                    units=tuple(units),
                )
            )
        return made


def hit(id_: str, text: str, relevance: float, *, document: str = "", **more: Any) -> Hit:
    """One hit; without more, a whole document of one unit."""
    given = {
        "index": "articles",
        "content_type": "article",
        "revision": "r1",
        "ordinal": 0,
        "span": Span(start=0, end=len(text)),
        "gap": None,
        "page": None,
        "heading_path": (),
        "units": (Unit(start=0, end=len(text), share=1.0),),
        "scores": {"dense": relevance},
        **more,
    }
    return Hit(
        id=id_,
        text=text,
        relevance=relevance,
        tokens=count_cl100k(text),
        document=DocumentInfo(id=document or id_, title=document or id_),
        **given,
    )


def limits(
    *,
    min_relevance: float = 0.0,
    unit_share: float | None = None,
    near_duplicate: float | None = 0.9,
    max_hits: int | None = None,
    max_passages: int = 50,
    max_tokens: int = 100_000,
) -> Limits:
    """Limits that cut nothing but what is given, for the indexes of the tests."""
    cut = Cut(
        min_relevance=min_relevance,
        unit_share=unit_share,
        near_duplicate=near_duplicate,
        max_hits=max_hits,
    )
    return Limits(
        cuts={"articles": cut, "faqs": cut}, max_passages=max_passages, max_tokens=max_tokens
    )
