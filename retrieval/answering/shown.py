"""What is shown of an answer while it is written."""

from collections.abc import Iterator, Sequence

from generation.pieces import Restarted, Text
from retrieval.answering.markers import Marker, MarkerScanner
from retrieval.answering.refusals import Refusals
from retrieval.query import Passage


class Shown:
    """Passes on what a model writes, but nothing of a refusal, and no number of a passage that
    there is not: `[1, 9]` becomes `[1]` where there are two passages, and `[9]` is left out. What
    turns out to be a refusal at its end is taken back."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        """`passages` are those that the model was given."""
        self._passages = len(passages)
        self._refusals = Refusals.of(passages)
        self._begin()

    def _begin(self) -> None:
        self._scanner = MarkerScanner()
        self._answers = False
        self._unsure = ""  # It may still be a refusal.
        self._word = ""  # At the end, what may become the word in the midst of a text.
        self._refuses = self._cites = False
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
            was = self._text
            self._begin()
            if was:  # Of what was never shown, nothing has to be forgotten.
                yield piece
            return
        if self._answers:
            yield from self._pass(self._scanner.feed(self._without_word(piece.text)))
            return
        self._unsure += piece.text
        if not self._refusals.may_be_refusal(self._unsure):
            self._answers = True
            yield from self._pass(self._scanner.feed(self._without_word(self._unsure)))

    def end(self) -> Iterator[Text | Restarted]:
        """What was held back, when nothing more will come."""
        if not self._answers and not self._refusals.is_refusal(self._unsure):
            self._word = self._unsure
        yield from self._pass([*self._scanner.feed(self._word), *self._scanner.close()])
        if self._refuses and not self._cites and self._text:
            self._text = ""
            yield Restarted("it is a refusal")

    def _without_word(self, piece: str) -> str:
        text = self._word + piece
        known = len(text) - self._refusals.held(text)
        self._word = text[known:]
        left = self._refusals.without(text[:known])
        self._refuses = self._refuses or len(left) < known
        return left

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
            self._cites = True
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
