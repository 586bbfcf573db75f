"""Texts that say the same as one that was seen."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_WORD = re.compile(r"\w+")


class Fingerprint(NamedTuple):
    """A text's words, without case and punctuation, and its triples of words in a row."""

    words: str
    triples: frozenset[tuple[str, str, str]]


def fingerprint(text: str) -> Fingerprint:
    """What two texts that say the same have in common."""
    words = _WORD.findall(text.casefold())
    triples = frozenset(zip(words, words[1:], words[2:], strict=False))
    return Fingerprint(" ".join(words), triples)


@dataclass(frozen=True, slots=True)
class Seen:
    """The fingerprints of the texts that were taken so far."""

    words: set[str] = field(default_factory=set)
    triples: list[frozenset[tuple[str, str, str]]] = field(default_factory=list)
    every: set[tuple[str, str, str]] = field(default_factory=set)

    def duplicates(self, text: Fingerprint, near: float) -> str | None:
        """Say "exact" where the words are those of a seen text, "near" where the Jaccard similarity
        of the triples is at least `near` (Broder, 1997), None where neither is so."""
        if text.words in self.words:
            return "exact"
        # One that is like it would have that many of its triples; most texts are done with here.
        if len(text.triples & self.every) < near * len(text.triples):
            return None
        return "near" if any(_alike(text.triples, t, near) for t in self.triples) else None

    def add(self, text: Fingerprint) -> None:
        """Remember a text."""
        self.words.add(text.words)
        self.triples.append(text.triples)
        self.every.update(text.triples)


def _alike(one: frozenset[object], other: frozenset[object], near: float) -> bool:
    fewer, more = sorted((len(one), len(other)))
    if not fewer or fewer < near * more:  # Whatever they share, it is not enough.
        return False
    shared = len(one & other)
    return shared >= near * (fewer + more - shared)
