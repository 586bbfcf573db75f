"""How well each segment of the passages answers a question."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from indexers.bm25 import Bm25Encoder
from indexers.embedding.base import Embedder
from retrieval.answering.pieces import Candidate
from retrieval.answering.terms import rarities, share, terms_of

_READ = 240
"""Characters of a segment that are embedded: the longest of a batch decides what all cost."""

_USUAL_COSINE = 0.5
"""What a segment that is not embedded is taken to have."""

_LEAST_RELEVANCE = 1e-3

# What tells of the page, or points elsewhere, shares the question's words and answers nothing.
_POINTER = re.compile(
    r"\W*(?:this (?:article|page|topic|section|guide|tutorial|document)\b"
    r"|(?:for|to) (?:more|further|detailed|learn|details)\b|see |learn |continue reading\b"
    r"|refer to |\[[^\]\n]*\]\([^)\n]*\)\W*$)",
    re.IGNORECASE,
)
_ASKS = ("?", "\uff1f")


class Ranked(NamedTuple):
    """A candidate, its score, and the probability that it answers."""

    candidate: Candidate
    score: float
    probability: float


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The weights of a segment's score, and of the probability that it answers.

    The score adds: `words` and `heading`, the shares of the question's words in the segment and
    in the heading over it, by how rare they are among all segments; `relevance`, the passage's in
    log odds; `cosine`, of heading and segment with the question, which is known of the `embedded`
    best by the others; and what points to another page (`pointer`), is a `question`, or ends with
    a `colon`.

    The weights are those of a list-wise fit (the log likelihood of the first place), rounded, on
    development sets, each kind weighing the same: xquad_en, aws_docs_qa and, of the chat questions
    in `benchmarks/suites/chat/`, 60 whose right sentences were marked by hand. No command repeats
    this fit, made once; `benchmarks/suites/answers.yaml` measures what comes of it, on other sets.

    The probability is a logistic regression on the best segment's cosine (`cosine_odds`) and its
    passage's log odds (`relevance_odds`), fitted on the same sets, all their chat questions, and
    questions that are foreign to each.
    """

    words: float = 6.0
    heading: float = 3.5
    relevance: float = 1.0
    cosine: float = 2.0
    pointer: float = -6.0
    question: float = -6.0
    colon: float = -2.5
    embedded: int = 2
    intercept: float = -1.6
    cosine_odds: float = 5.3
    relevance_odds: float = 1.5
    terms: Bm25Encoder = field(default_factory=Bm25Encoder)

    def __call__(
        self, question: str, candidates: Sequence[Candidate], embedder: Embedder
    ) -> list[Ranked]:
        """The candidates, best first; those that score the same in their own order.

        Raises:
            EmbedderError: the embedder failed.
        """
        by_words = self._by_words(question, candidates)
        order = sorted(range(len(candidates)), key=lambda place: -by_words[place])
        compared = order[: self.embedded]
        near = _cosines(question, [candidates[place] for place in compared], embedder)
        cosines = dict(zip(compared, near, strict=True))
        ranked = [
            self._ranked(candidates[i], by_words[i], cosines.get(i, _USUAL_COSINE)) for i in order
        ]
        return sorted(ranked, key=lambda one: -one.score)

    def _ranked(self, candidate: Candidate, by_words: float, cosine: float) -> Ranked:
        log_odds = (
            self.intercept
            + self.cosine_odds * cosine
            + self.relevance_odds * _log_odds(candidate.passage.relevance)
        )
        probability = (1.0 + math.tanh(log_odds / 2)) / 2
        return Ranked(candidate, by_words + self.cosine * cosine, probability)

    def _by_words(self, question: str, candidates: Sequence[Candidate]) -> list[float]:
        texts = [terms_of(self.terms, candidate.text) for candidate in candidates]
        over = {candidate.segment.heading for candidate in candidates}
        headings = {heading: terms_of(self.terms, heading) for heading in over}
        wanted = rarities(terms_of(self.terms, question), texts)
        shares = {heading: share(wanted, terms) for heading, terms in headings.items()}
        return [
            self.words * share(wanted, terms)
            + self.heading * shares[candidate.segment.heading]
            + self.relevance * _log_odds(candidate.passage.relevance)
            + self._penalty(candidate)
            for candidate, terms in zip(candidates, texts, strict=True)
        ]

    def _penalty(self, candidate: Candidate) -> float:
        text = candidate.text
        return (
            self.pointer * bool(_POINTER.match(text))
            + self.question * text.endswith(_ASKS)
            + self.colon * candidate.leads
        )


def _cosines(question: str, compared: Sequence[Candidate], embedder: Embedder) -> list[float]:
    if not compared:
        return []
    texts = [f"{one.segment.heading}\n{one.text[:_READ]}".strip() for one in compared]
    asked = embedder.embed([question], kind="query")[0]
    # Their rows as documents, the faster way for a few.
    rows, _ = embedder.embed_units(texts, [[] for _ in texts])
    return [float(row @ asked) for row in rows]


def _log_odds(relevance: float) -> float:
    within = min(max(relevance, _LEAST_RELEVANCE), 1 - _LEAST_RELEVANCE)
    return math.log(within / (1 - within))
