"""A model's answer with its citations: read, split into sentences, checked against the passages."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from chunkers.sentences import sentence_spans
from indexers.embedding.base import Embedder
from retrieval.answering.answer import Answer, AnswerSentence, Citation
from retrieval.answering.markers import Marker, scan
from retrieval.answering.refusals import Refusals
from retrieval.answering.support import Claim, Support
from retrieval.query import Passage

# All that may stand in front of a sentence on its line: a list's or a quote's sign.
_LINE_START = re.compile(r"[ \t]*(?:(?:[-*+>\u2022]|\d{1,3}[.)])[ \t]+)*")
_ENDS = (".", "!", "?", "\u2026", ":", ";")


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence without its markers, and the numbers that these name, each once."""

    text: str
    numbers: tuple[int, ...]


def cited_sentences(text: str) -> list[Cited]:
    """The sentences of an answer, each with what it cites; what is between them is white space.

    A marker belongs to the sentence that it stands in or behind, also behind its full stop or on
    a line of its own; one at the start of a line, to the sentence that it stands in front of.
    """
    plain, marked = _apart(scan(text))
    spans = sentence_spans(plain)
    numbers: list[dict[int, None]] = [{} for _ in spans]
    for at, ahead, named in marked:
        place = _place(spans, at, ahead=ahead)
        if place is not None:
            numbers[place] |= dict.fromkeys(named)
    return [Cited(plain[a:b], tuple(n)) for (a, b), n in zip(spans, numbers, strict=True)]


def _apart(events: Sequence[str | Marker]) -> tuple[str, list[tuple[int, bool, tuple[int, ...]]]]:
    """The text without markers, and of each marker its place there, whether it belongs to what
    follows, and its numbers."""
    plain = ""
    marked: list[tuple[int, bool, tuple[int, ...]]] = []
    for place, event in enumerate(events):
        if isinstance(event, Marker):
            opens = _LINE_START.fullmatch(plain, plain.rfind("\n") + 1) is not None
            ahead = opens and _text_follows(events[place + 1 :])
            marked.append((len(plain.rstrip()), ahead, event.numbers))
        else:
            plain = _glued(plain, event) if marked else plain + event
    return plain, marked


def _text_follows(events: Iterable[str | Marker]) -> bool:
    """Whether there is text on the line behind a marker, and those behind it."""
    text = next((event for event in events if isinstance(event, str)), "")
    return bool(text.split("\n", 1)[0].strip())


def _glued(plain: str, text: str) -> str:
    """Both, with neither two blanks nor none where a marker stood between them."""
    if plain.endswith((" ", "\u00a0")) and not (text[0].isalnum() or text[0] in "([`*\"'"):
        return plain.rstrip(" \u00a0") + text
    if plain.endswith(" ") and text.startswith(" "):
        return plain + text.lstrip(" ")
    return f"{plain} {text}" if plain.endswith(_ENDS) and text[0].isalnum() else plain + text


def _place(spans: Sequence[tuple[int, int]], at: int, *, ahead: bool) -> int | None:
    if ahead:
        after = next((place for place, (_, end) in enumerate(spans) if end > at), None)
        return after if after is not None else len(spans) - 1 if spans else None
    before = sum(start < at for start, _ in spans) - 1
    return max(before, 0) if spans else None


@dataclass(frozen=True, kw_only=True)
class AnswerReader:
    """Reads what a model wrote, given the passages of its prompt, numbered from 1."""

    support: Support = field(default_factory=Support)

    def read(self, text: str, passages: Sequence[Passage], embedder: Embedder) -> Answer:
        """The answer that is in a text: refused, or its sentences with their citations checked.

        Raises:
            EmbedderError: the embedder failed.
        """
        if Refusals.of(passages).is_refusal(text):
            return Answer.declined("the model found no answer in the passages")
        found = cited_sentences(text)
        if not found:
            return Answer.declined("the model wrote no answer")
        claims = [
            Claim(one.text, tuple(passages[n - 1] for n in _valid(one, passages))) for one in found
        ]
        verdicts = self.support.check(claims, passages, embedder)
        sentences = [_sentence(o, passages, v) for o, v in zip(found, verdicts, strict=True)]
        return Answer(text=text, answerable=True, reason=None, sentences=tuple(sentences))


def _sentence(one: Cited, passages: Sequence[Passage], supported: bool | None) -> AnswerSentence:
    valid = list(_valid(one, passages))
    invalid = tuple(number for number in one.numbers if number not in valid)
    return AnswerSentence(
        text=one.text,
        citations=tuple(Citation.of(number, passages[number - 1]) for number in valid),
        invalid=invalid,
        # What names only passages that there are not is supported by nothing.
        supported=False if invalid and not valid else supported,
    )


def _valid(one: Cited, passages: Sequence[Passage]) -> Iterator[int]:
    return (number for number in one.numbers if 1 <= number <= len(passages))
