"""How what is to be redacted is found.

Every pattern of the built-in rules takes time linear in the text: it begins at a fixed character or
at the edge of a word, and its repetitions are bounded or never give back what they took.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds what matches `pattern`, or of each match the part that `check` names. Where it names
    none, another match may begin at the next character.

    `hint` is in every text with a match, and is quicker to look for: the other way round, a text
    without it is not searched.
    """

    pattern: re.Pattern[str]
    check: Callable[[re.Match[str]], Span | None] = re.Match.span
    hint: re.Pattern[str] | None = None

    def spans(self, text: str) -> Iterator[Span]:
        """The spans to replace: in order, none overlapping another."""
        at, done = 0, 0
        while match := self.pattern.search(text, at):
            span = self.check(match)
            if span is None or span[0] < done or span[0] == span[1]:
                at = match.start() + 1
            else:
                yield span
                at = done = span[1]


def follows(match: re.Match[str], pattern: re.Pattern[str], chars: int) -> bool:
    """Whether a pattern, which ends with `\\Z`, is found in so many characters before a match."""
    start = match.start()
    return bool(pattern.search(match.string[max(0, start - chars) : start]))


_LAST_GROUP = re.compile(r"\D*\d+\Z")


def first_groups(match: re.Match[str], accepts: Callable[[str], bool]) -> Span | None:
    """The span of a match of groups of digits, or of as many of its first groups as have accepted
    digits: a number that follows another one is no part of it."""
    said = match.group()
    while said:
        if accepts("".join(filter(str.isdecimal, said))):
            return match.start(), match.start() + len(said)
        said = _LAST_GROUP.sub("", said)
    return None
