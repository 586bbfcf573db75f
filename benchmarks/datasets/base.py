"""What a data set is: documents to index, and questions whose answers in them are known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chunkers.document import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """`text[start:end]` of a document's extracted text, in Python characters."""

    document_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, and what is known of its answer.

    `judgments` grades documents, 0 for irrelevant; a document without one counts as irrelevant.
    `references` are the stretches that hold the answer, where the set marks them. `answers` are
    reference answers in words, each as good as the others, where the set has them. `answerable` is
    False for a question that nothing in the documents answers: it has none of all these.
    """

    id: str
    text: str
    judgments: Mapping[str, int] = field(default_factory=dict)
    references: tuple[Span, ...] = ()
    answers: tuple[str, ...] = ()
    answerable: bool = True
    locale: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Documents and questions.

    `documents` can be iterated over again and again; each time reads the files anew, so that no
    corpus is held in memory.
    """

    name: str
    documents: Iterable[Content]
    questions: tuple[Question, ...]
