"""The answer that needs no model and no credentials: the sentences that answer best."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chunkers import count_cl100k
from indexers.embedding.base import Embedder
from retrieval.answering.answer import Answer
from retrieval.answering.pieces import Piece, candidates, laid_out, piece_of, whole_of
from retrieval.answering.ranking import Ranked, Ranking
from retrieval.answering.segments import Kind
from retrieval.duplicates import Seen, fingerprint
from retrieval.query import Passage

# English, Spanish, French, Chinese: who asks so wants the steps.
_HOW = re.compile(
    r"\bhow (?:do|does|did|can|could|to|should|would|are|is|will|i|we|you)\b|\bsteps?\b"
    r"|\bc[o\u00f3]mo\b|\bcomment (?:puis|peut|faire|je|on|est|dois|fait|s|l|d)\b"
    r"|\u5982\u4f55|\u600e\u4e48|\u600e\u6837",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Extractive:
    """Answers with at most `max_sentences` sentences, list items, table rows or blocks of code,
    word for word, of `max_tokens` cl100k_base tokens together. Steps are quoted as a whole list,
    which counts once, where the question asks how, or a sentence in front announces them, and
    where they fit.

    The best segment is taken, and those that score less by `margin` at most; of two that say the
    same, from the Jaccard similarity `near_duplicate` of their triples of words on, the better
    one. Declined is where the best one's probability to answer is below `min_answerable`: the
    highest threshold, in steps of .05, that keeps 95% of right answers on the development sets,
    each judged by a fit on the others.
    """

    max_sentences: int = 3
    max_tokens: int = 400
    margin: float = 1.0
    min_answerable: float = 0.15
    near_duplicate: float = 0.8
    ranking: Ranking = field(default_factory=Ranking)

    def __post_init__(self) -> None:
        if self.max_sentences < 1 or self.max_tokens < 1:
            raise ValueError("'max_sentences' and 'max_tokens' are whole numbers above 0")
        if self.margin < 0:
            raise ValueError("'margin' is a number of 0 or more")
        if not 0 <= self.min_answerable <= 1 or not 0 < self.near_duplicate <= 1:
            raise ValueError(
                "'min_answerable' is from 0 to 1, 'near_duplicate' above 0 and up to 1"
            )

    def answer(self, question: str, passages: Sequence[Passage], embedder: Embedder) -> Answer:
        """Answer from passages, numbered from 1 in their order.

        The question and `ranking.embedded` segments are embedded, nothing else.

        Raises:
            EmbedderError: the embedder failed.
        """
        if not passages:
            return Answer.declined("no passage was found")
        ranked = self.ranking(question, candidates(passages), embedder)
        if not ranked:
            return Answer.declined("the passages hold headings and images alone")
        best = ranked[0]
        if best.probability < self.min_answerable:
            return Answer.declined(
                f"no sentence answers this: the best one does with a probability of "
                f"{best.probability:.2f}, below {self.min_answerable:g}"
            )
        pieces = self._chosen(question, ranked)
        if not pieces:
            return Answer.declined(f"no sentence that answers fits {self.max_tokens} tokens")
        text, sentences = laid_out(pieces)
        return Answer(text=text, answerable=True, reason=None, sentences=tuple(sentences))

    def _chosen(self, question: str, ranked: Sequence[Ranked]) -> list[Piece]:
        steps = _HOW.search(question) is not None
        taken = _Taken(self.max_tokens, self.near_duplicate)
        for one in ranked:
            if len(taken.pieces) == self.max_sentences:
                break
            if one.score >= ranked[0].score - self.margin:
                taken.take(_ways(one, ranked, steps=steps))
        return taken.pieces


@dataclass(slots=True)
class _Taken:
    """What was chosen so far, and the tokens that are left."""

    left: int
    near_duplicate: float
    pieces: list[Piece] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)

    def take(self, ways: Iterator[Piece]) -> None:
        """Take the first of the ways that fits and says something new."""
        for piece in ways:
            tokens, words = count_cl100k(piece.text), fingerprint(piece.text)
            if tokens > self.left or any(piece.overlaps(other) for other in self.pieces):
                continue
            if not self.seen.duplicates(words, self.near_duplicate):
                self.pieces.append(piece)
                self.left -= tokens
                self.seen.add(words)
                return


def _ways(one: Ranked, ranked: Sequence[Ranked], *, steps: bool) -> Iterator[Piece]:
    """The ways to quote a segment, the one that says the most first."""
    leads, segment = one.candidate.leads, one.candidate.segment
    if leads or (segment.kind is Kind.STEP and (steps or segment.needs)):
        whole = whole_of(one.candidate, [other.candidate for other in ranked])
        if whole is not None:
            yield whole
    if not leads:
        yield piece_of(one.candidate)
