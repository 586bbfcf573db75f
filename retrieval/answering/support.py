"""Whether passages say what a sentence that cites them says, told without a model's call."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chunkers.sentences import sentence_spans
from indexers.bm25 import Bm25Encoder
from indexers.embedding.base import Embedder, Vectors
from retrieval.answering.terms import Terms, rarities, share, terms_of
from retrieval.query import Passage

# Links, code, names with digits in them ("EC2"), and numbers, whatever their unit.
_FACT = re.compile(
    r"https?://[^\s)>\]\"']+|www\.[^\s)>\]\"']+|`[^`\n]+`"
    r"|(?<!\w)(?=[\w.-]*\d)[^\W\d_]\w*(?:[.-]\w+)*|(?<!\w)(?<!\d[.,])\d+(?:[.,:/-]\d+)*"
)
_EDGES = ".,:;/-`"
_ESCAPE = re.compile(r"\\(?=[^\w\s])")
_THOUSANDS = re.compile(r"(?<=\d)[,\u00a0\u202f](?=\d{3}(?!\d))")
_ITEM = re.compile(r"\s*\d{1,3}[.)]\s")
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
    )
}
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_NUMBER_WORDS)})\b")


class Claim(NamedTuple):
    """A sentence of an answer, and the passages that it cites."""

    text: str
    passages: tuple[Passage, ...]


class Evidence(NamedTuple):
    """What the cited passages have of a sentence: the share of its words, by how rare they are;
    the cosine with the nearest of their sentences; and whether all of its numbers, amounts, links
    and code stand there."""

    overlap: float
    cosine: float
    facts: bool


class _Source(NamedTuple):
    passage: Passage
    text: str
    terms: Terms
    """Of the whole passage, and what stands over it."""
    sentences: tuple[str, ...]
    sentence_terms: tuple[Terms, ...]


@dataclass(frozen=True, kw_only=True)
class Support:
    """A logistic regression on the overlap of words and of meaning; numbers, amounts, links and
    code have to be there as they are.

    Fitted on half of MTRAG's human evaluation (Katsis et al., 2025, arXiv:2501.03468), by a hash
    of the task: 219 answers over the passages of their prompts, whose faithfulness three people
    graded from 1 to 4, faithful from a median of 3 on. An answer has the mean of its sentences.
    On the other half, 231 answers, AUROC is .961 (95% interval .917 to .990). A sentence that
    says the opposite in the passage's own words is not found out. No command repeats this fit.
    """

    overlap: float = 6.1
    cosine: float = 7.0
    intercept: float = -7.4
    threshold: float = 0.55
    compared: int = 3
    terms: Bm25Encoder = field(default_factory=Bm25Encoder)

    def check(
        self, claims: Sequence[Claim], passages: Sequence[Passage], embedder: Embedder
    ) -> list[bool | None]:
        """Whether each claim's passages say it; None where it cites none, or says no word that
        could be looked for. `passages` are all of the prompt's, the cited ones among them: a word
        is rare or not among their sentences.

        Raises:
            EmbedderError: the embedder failed.
        """
        found = self.evidence(claims, passages, embedder)
        return [None if one is None else self.supports(one) for one in found]

    def supports(self, evidence: Evidence) -> bool:
        """Whether that is enough."""
        return evidence.facts and self.probability(evidence) >= self.threshold

    def probability(self, evidence: Evidence) -> float:
        """From 0 to 1, facts aside."""
        log_odds = self.intercept + self.overlap * evidence.overlap + self.cosine * evidence.cosine
        return (1.0 + math.tanh(log_odds / 2)) / 2

    def evidence(
        self, claims: Sequence[Claim], passages: Sequence[Passage], embedder: Embedder
    ) -> list[Evidence | None]:
        """What there is for each claim; at most 1 + `compared` sentences are embedded for each.

        Raises:
            EmbedderError: the embedder failed.
        """
        sources = {id(passage): self._source(passage) for passage in passages}
        corpus = [terms for source in sources.values() for terms in source.sentence_terms]
        checks = [self._begun(claim, sources, corpus) for claim in claims]
        texts = [text for one in checks if one for text in (one.text, *one.nearest)]
        rows = iter(_embedded(texts, embedder))
        return [one.evidence(rows) if one else None for one in checks]

    def _source(self, passage: Passage) -> _Source:
        sentences = tuple(passage.text[a:b] for a, b in sentence_spans(passage.text))
        over = "\n".join((passage.document.title, *passage.heading_path))
        return _Source(
            passage,
            _normal(f"{over}\n{passage.text}"),
            terms_of(self.terms, f"{over}\n{passage.text}"),
            sentences,
            tuple(terms_of(self.terms, sentence) for sentence in sentences),
        )

    def _begun(
        self, claim: Claim, sources: dict[int, _Source], corpus: Sequence[Terms]
    ) -> "_Check | None":
        weights = rarities(terms_of(self.terms, claim.text), corpus)
        if not weights or not claim.passages:
            return None
        cited = [sources[id(passage)] for passage in claim.passages]
        ranked = sorted(
            (
                (-share(weights, terms), sentence)
                for source in cited
                for sentence, terms in zip(source.sentences, source.sentence_terms, strict=True)
            ),
            key=lambda pair: pair[0],
        )
        return _Check(
            claim.text,
            [sentence for _, sentence in ranked[: self.compared]],
            share(weights, frozenset().union(*(source.terms for source in cited))),
            has_facts(claim.text, [source.text for source in cited]),
        )


class _Check(NamedTuple):
    text: str
    nearest: list[str]
    overlap: float
    facts: bool

    def evidence(self, rows: Iterator[Vectors]) -> Evidence:
        """The evidence, with the next rows: that of the text, then those of the nearest."""
        mine = next(rows)
        cosines = [float(mine @ next(rows)) for _ in self.nearest]
        return Evidence(self.overlap, max(cosines, default=0.0), self.facts)


def has_facts(text: str, passages: Sequence[str]) -> bool:
    """Whether every number, amount, link and piece of code of a text is in one of the passages,
    which are normalised."""
    item = _ITEM.match(text)
    said = _FACT.findall(_normal(text[item.end() :] if item else text))
    return all(_occurs(fact.strip(_EDGES), passages) for fact in said)


def _occurs(fact: str, passages: Sequence[str]) -> bool:
    if not fact:
        return True
    # "5" is in "5GB", but neither in "15" nor in "5.5" nor in "EC5".
    begins = r"(?<!\w)(?<!\d[.,])" if fact[0].isdigit() else r"(?<!\w)"
    ends = r"(?!\d|[.,]\d)" if fact[0].isdigit() else r"(?!\w)"
    whole = re.compile(begins + re.escape(fact) + ends)
    return any(whole.search(passage) for passage in passages)


def _normal(text: str) -> str:
    """A text in lower case, without Markdown's escapes, its numbers in digits and without
    separators of thousands."""
    lower = _THOUSANDS.sub("", _ESCAPE.sub("", text).casefold())
    return _NUMBER_WORD.sub(lambda word: _NUMBER_WORDS[word[0]], lower)


def _embedded(texts: Sequence[str], embedder: Embedder) -> list[Vectors]:
    distinct = list(dict.fromkeys(texts))
    rows = dict(zip(distinct, embedder.embed(distinct), strict=True)) if distinct else {}
    return [rows[text] for text in texts]
