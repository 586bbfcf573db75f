"""Markers such as `[1]`, `[1, 2]` or `[1-3]` in a text that may still be streaming."""

import re
from dataclasses import dataclass

_BLANK = "[ \u00a0]?"
_MARKER = re.compile(
    rf"\[{_BLANK}\d{{1,3}}(?:{_BLANK}[,;\u2013-]{_BLANK}\d{{1,3}}){{0,19}}{_BLANK}\]"
)
_BEGUN = re.compile(r"\[[\d \u00a0,;\u2013-]{0,160}\Z")
_NUMBERS = re.compile(r"(\d+)(?:\s*[\u2013-]\s*(\d+))?")
_FENCE = 3  # Backticks from which on code ends with nothing but as many again.


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker as it was written, and the numbers in it, a range's all, in their order."""

    text: str
    numbers: tuple[int, ...]


class MarkerScanner:
    """Tells markers from text, however the text is cut into pieces.

    Code, between backticks, has no markers, and neither has a link's text, as in
    `[1](https://...)`: so a marker is known when the character behind it is.
    """

    __slots__ = ("_behind", "_code", "_held", "_run")

    def __init__(self) -> None:
        self._held = ""
        self._code = 0  # Backticks that opened the code that the text stands in; 0 outside.
        self._run = 0  # Backticks in a row up to here.
        self._behind = ""

    def feed(self, delta: str) -> list[str | Marker]:
        """The text and the markers that are known now; empty where all of it is held back.

        The events of all calls and of `close`, one after the other, are the whole text: none is
        empty, and no text has a marker, or a part of one, in it.
        """
        return self._scan(self._held + delta, ended=False)

    def close(self) -> list[str | Marker]:
        """What was held back, when no more text will come."""
        return self._scan(self._held, ended=True)

    def _scan(self, text: str, *, ended: bool) -> list[str | Marker]:
        self._held = ""
        events: list[str | Marker] = []
        start = at = 0
        while at < len(text):
            if not self._opens(text[at]):
                at += 1
                continue
            marker = _MARKER.match(text, at)
            end = marker.end() if marker else at
            if not ended and (end == len(text) or (not marker and _BEGUN.match(text, at))):
                self._held = text[at:]
                self._behind = ""
                break
            if marker and not text.startswith("(", end):
                events += [text[start:at], Marker(marker[0], _numbers(marker[0]))]
                start = end
                self._behind = "]"
            at = max(end, at + 1)
        events.append(text[start : len(text) - len(self._held)])
        return [event for event in events if event]

    def _opens(self, char: str) -> bool:
        """Whether a marker may open at this character, which is the next one of the text."""
        if char == "`":
            self._run += 1
            return False
        if self._run:
            ends = self._run == self._code or min(self._run, self._code) >= _FENCE
            self._code = 0 if ends else self._code or self._run
            self._run = 0
        if char == "\n" == self._behind and self._code < _FENCE:
            self._code = 0  # A paragraph has ended, and code within a line with it.
        self._behind = char
        return char == "[" and not self._code


def scan(text: str) -> list[str | Marker]:
    """The text and the markers of a whole text; no two texts in a row."""
    scanner = MarkerScanner()
    return joined([*scanner.feed(text), *scanner.close()])


def joined(events: list[str | Marker]) -> list[str | Marker]:
    """The events with texts in a row made one."""
    found: list[str | Marker] = []
    for event in events:
        last = found[-1] if found else None
        if isinstance(event, str) and isinstance(last, str):
            found[-1] = last + event
        else:
            found.append(event)
    return found


def _numbers(marker: str) -> tuple[int, ...]:
    found: list[int] = []
    for first, last in _NUMBERS.findall(marker):
        low, high = int(first), int(last or first)
        found += range(low, high + 1) if low <= high else (low, high)
    return tuple(dict.fromkeys(found))
