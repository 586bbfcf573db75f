"""An answer as it is written: by the passages' own sentences, or by a model of the gateway."""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from generation.asked import Completion
from generation.errors import CancelledError, GenerationError
from generation.pieces import Restarted, Text
from generation.prompts.inputs import InputType
from indexers.embedding.base import Embedder
from retrieval.answering.answer import Answer
from retrieval.answering.citations import AnswerReader
from retrieval.answering.extractive import Extractive
from retrieval.answering.shown import Shown
from retrieval.query import Passage

if TYPE_CHECKING:  # boto3 comes with it, which quoting does without.
    from generation.gateway import Gateway
    from generation.stream import Stream

_log = logging.getLogger(__name__)

EXTRACTIVE = "extractive"
"""The name of the answerer that needs no model."""

TAKEN: Mapping[str, InputType] = {"question": "text", "passages": "passages"}
"""What the prompt of a use case takes that answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, and what it is to be answered from: passages, numbered from 1 in their order,
    and the embedder that citations are checked with. `tenant` and `request_id` go into the
    gateway's costs and records."""

    text: str
    passages: Sequence[Passage]
    embedder: Embedder
    tenant: str = ""
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A whole answer. `answerer` has written it; `completion` is what the gateway says of it, None
    where no model was asked; `failed` names the error by which another answerer, asked first, did
    not write it."""

    answer: Answer
    answerer: str
    completion: Completion | None = None
    failed: str | None = None


Pieces = Generator[Text | Restarted, None, Written]


class Writing:
    """An answer that comes in pieces: read it once, then `written` is there."""

    def __init__(self, pieces: Pieces, cancel: Callable[[], None] = lambda: None) -> None:
        self._pieces = pieces
        self._written: Written | None = None
        self.cancel = cancel
        """Ends the writing, from any thread; who reads gets a CancelledError."""

    def __iter__(self) -> Pieces:
        self._written = yield from self._pieces
        return self._written

    @property
    def written(self) -> Written:
        """The whole answer.

        Raises:
            RuntimeError: its last piece was not read yet.
        """
        if self._written is None:
            raise RuntimeError("the answer is written when its last piece was read")
        return self._written


class Answerer(Protocol):
    """Who writes answers."""

    @property
    def name(self) -> str:
        """What requests and suites call it."""
        ...

    def write(self, question: Question) -> Writing:
        """The answer to a question. What it consists of is said when that is read.

        Raises, when it is read:
            EmbedderError: the embedder failed. GenerationError: the gateway gave no answer.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Quoting:
    """Answers in the passages' own sentences."""

    extractive: Extractive = field(default_factory=Extractive)
    name: str = EXTRACTIVE

    def write(self, question: Question) -> Writing:
        """See `Answerer`; it comes in one piece."""
        return Writing(self._pieces(question))

    def _pieces(self, question: Question) -> Pieces:
        answer = self.extractive.answer(question.text, question.passages, question.embedder)
        if answer.answerable:
            yield Text(answer.text)
        return Written(answer=answer, answerer=self.name)


@dataclass(frozen=True, kw_only=True)
class Generated:
    """Answers by a use case of the gateway, whose prompt takes what is TAKEN, and whose name is
    the answerer's."""

    gateway: "Gateway"
    name: str
    reader: AnswerReader = field(default_factory=AnswerReader)

    def write(self, question: Question) -> Writing:
        """See `Answerer`. Nothing is sent where there is no passage."""
        if not question.passages:
            return Writing(self._nothing())
        stream = self.gateway.stream(
            self.name,
            {"question": question.text, "passages": [_input(one) for one in question.passages]},
            tenant=question.tenant,
            request_id=question.request_id,
        )
        return Writing(self._pieces(question, stream), stream.cancel)

    def _nothing(self) -> Pieces:
        yield from ()
        return Written(answer=Answer.declined("no passage was found"), answerer=self.name)

    def _pieces(self, question: Question, stream: "Stream") -> Pieces:
        shown = Shown(question.passages)
        for piece in stream:
            yield from shown.add(piece)
        yield from shown.end()
        text = stream.completion.text
        answer = self.reader.read(text, question.passages, question.embedder)
        if answer.answerable:
            answer = replace(answer, text=shown.text)
        return Written(answer=answer, answerer=self.name, completion=stream.completion)


@dataclass(frozen=True, kw_only=True)
class Secured:
    """Answers by `first`, and by `second` where the gateway gives no answer: what was shown by
    then is taken back."""

    first: Answerer
    second: Answerer

    @property
    def name(self) -> str:
        """The first one's."""
        return self.first.name

    def write(self, question: Question) -> Writing:
        """See `Answerer`; a CancelledError is nothing to answer by others."""
        try:
            first = self.first.write(question)
        except GenerationError as exc:  # Its prompt cannot be filled with this.
            return Writing(self._second(question, exc))
        return Writing(self._pieces(question, first), first.cancel)

    def _pieces(self, question: Question, first: Writing) -> Pieces:
        begun = False
        try:
            for piece in first:
                begun = True
                yield piece
            return first.written
        except CancelledError:
            raise
        except GenerationError as exc:
            if begun:
                yield Restarted(type(exc).__name__)
            return (yield from self._second(question, exc))

    def _second(self, question: Question, exc: GenerationError) -> Pieces:
        # The whole message is for who runs the service: it may name accounts and budgets.
        _log.warning(
            "%s gave no answer to request %s: %s: %s",
            self.first.name,
            question.request_id,
            type(exc).__name__,
            exc,
        )
        second = self.second.write(question)
        yield from second
        return replace(second.written, failed=type(exc).__name__)


def _input(passage: Passage) -> dict[str, str]:
    where = " > ".join(dict.fromkeys((passage.document.title, *passage.heading_path)))
    return {"id": passage.id, "title": where, "text": passage.text}
