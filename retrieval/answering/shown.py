"""What is shown of an answer while it is written."""

from collections.abc import Iterator, Sequence

from generation.pieces import Restarted, Text
from retrieval.answering.citations import is_refusal, may_be_refusal
from retrieval.answering.markers import Marker, MarkerScanner


class Shown:
    """Passes on what a model writes, but nothing of a refusal, and no number of a passage that
    there is not: `[1, 9]` becomes `[1]` where there are two passages, and `[9]` is left out."""

    def __init__(self, passages: int) -> None:
        """`passages` is how many there are."""
        self._passages = passages
        self._begin()

    def _begin(self) -> None:
        self._scanner = MarkerScanner()
        self._answers = False
        self._unsure = ""  # It may still be a refusal.
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
            yield from self._pass(self._scanner.feed(piece.text))
            return
        self._unsure += piece.text
        if not may_be_refusal(self._unsure):
            self._answers = True
            yield from self._pass(self._scanner.feed(self._unsure))

    def end(self) -> Iterator[Text]:
        """What was held back, when nothing more will come."""
        if self._answers:
            yield from self._pass(self._scanner.close())
        elif not is_refusal(self._unsure):
            yield from self._pass([*self._scanner.feed(self._unsure), *self._scanner.close()])

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
