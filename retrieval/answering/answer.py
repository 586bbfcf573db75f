"""What an answer is, whoever wrote it: a model, or the passages' own sentences."""

from collections.abc import Iterable
from dataclasses import dataclass

from retrieval.query import Passage, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A passage that a sentence names, by its number in the prompt, from 1.

    `quotes` are the stretches of the passage's document that the sentence repeats word for word,
    where that is known; together, a line break between them, they are its text.
    """

    number: int
    passage_id: str
    document_id: str
    title: str
    url: str | None = None
    page: int | None = None
    quotes: tuple[Span, ...] = ()

    @classmethod
    def of(cls, number: int, passage: Passage, quotes: Iterable[Span] = ()) -> "Citation":
        """The citation of a passage, which has this number."""
        return cls(
            number=number,
            passage_id=passage.id,
            document_id=passage.document.id,
            title=passage.document.title,
            url=passage.document.url,
            page=passage.page,
            quotes=tuple(quotes),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSentence:
    """A sentence of an answer, without its markers, or a list, a table or code that is one whole.

    `invalid` are numbers that it cites and no passage has. `supported` is whether the passages
    that it cites say it too; None where it cites none.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    invalid: tuple[int, ...] = ()
    supported: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a question.

    `text` is what the user reads, with markers such as `[1]`; `sentences` are in its order.
    Where it is not answerable, `reason` says why, and there is neither text nor a sentence.
    """

    text: str
    answerable: bool
    reason: str | None
    sentences: tuple[AnswerSentence, ...]

    @classmethod
    def declined(cls, reason: str) -> "Answer":
        """No answer, and why."""
        return cls(text="", answerable=False, reason=reason, sentences=())

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Each cited passage once, by its number, with all quotes from it in the answer's order."""
        found: dict[int, Citation] = {}
        for citation in (one for sentence in self.sentences for one in sentence.citations):
            known = found.get(citation.number)
            quotes = dict.fromkeys((*(known.quotes if known else ()), *citation.quotes))
            found[citation.number] = Citation(
                number=citation.number,
                passage_id=citation.passage_id,
                document_id=citation.document_id,
                title=citation.title,
                url=citation.url,
                page=citation.page,
                quotes=tuple(quotes),
            )
        return tuple(found[number] for number in sorted(found))
