"""What is shown of an answer while it is written."""

from collections.abc import Iterator, Sequence

from generation.pieces import Restarted, Text
from retrieval.answering.citations import cited_sentences
from retrieval.answering.markers import Marker, MarkerScanner
from retrieval.answering.refusals import Refusals
from retrieval.query import Passage


class Shown:
    """Passes on what a model writes, but nothing of a refusal, and no number of a passage that
    there is not: `[1, 9]` becomes `[1]` where there are two passages, and `[9]` is left out. What
    turns out to be no answer is taken back."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        """`passages` are those that the model was given."""
        self._passages = len(passages)
        self._refusals = Refusals.of(passages)
        self._begin()

    def _begin(self) -> None:
        self._scanner = MarkerScanner()
        self._answers = self._refuses = False
        self._unsure = ""  # It may be a refusal, or the beginning of its word.
        self._blank = ""  # Behind the text, where a marker may follow.
        self._left_out = False
        self._text = ""

    @property
    def text(self) -> str:
        """What was passed on since it began, or began again."""
        return self._text

    def add(self, piece: Text | Restarted) -> Iterator[Text | Restarted]:
        """What is to be shown of a piece, and of those that were held back until now."""
        if isinstance(piece, Restarted):
            yield from self._take_back(piece)
            self._begin()
            return
        self._unsure += piece.text
        if self._refuses or (not self._answers and self._refusals.may_be_refusal(self._unsure)):
            return
        self._answers = True
        if self._refusals.is_within(self._unsure):
            self._refuses = True
            yield from self._take_back(Restarted("it is a refusal"))
            return
        known = len(self._unsure) - self._refusals.held(self._unsure)
        text, self._unsure = self._unsure[:known], self._unsure[known:]
        yield from self._pass(self._scanner.feed(text))

    def end(self) -> Iterator[Text | Restarted]:
        """What was held back, when nothing more will come."""
        if self._refuses or (not self._answers and self._refusals.is_refusal(self._unsure)):
            return
        yield from self._pass([*self._scanner.feed(self._unsure), *self._scanner.close()])
        if not cited_sentences(self._text):
            yield from self._take_back(Restarted("it has nothing but markers"))

    def _take_back(self, why: Restarted) -> Iterator[Restarted]:
        if self._text:  # Of what was never shown, nothing has to be forgotten.
            self._text = ""
            yield why

    def _pass(self, events: Sequence[str | Marker]) -> Iterator[Text]:
        found = "".join(map(self._valid, events))
        if found:
            self._text += found
            yield Text(found)

    def _valid(self, event: str | Marker) -> str:
        if isinstance(event, Marker):
            numbers = [n for n in event.numbers if 1 <= n <= self._passages]
            self._left_out = not numbers
            if not numbers:
                return ""
            every = len(numbers) == len(event.numbers)
            text = event.text if every else "".join(f"[{n}]" for n in numbers)
        else:
            if self._left_out and not event[0].isalnum():
                self._blank = ""  # It would stand alone before a full stop, or beside another.
            self._left_out = False
            text = event
        whole = self._blank + text
        shown = whole.rstrip(" ")
        self._blank = whole[len(shown) :]
        return shown
