"""What an answer comes in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer, as it comes."""

    text: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The answer begins again: what has come so far is to be forgotten."""

    reason: str
