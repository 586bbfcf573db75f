"""The word by which a model says that the passages do not answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.query import Passage

REFUSAL = "NO_ANSWER"
"""What a prompt tells the model to write, and nothing else, where the passages do not answer."""

_AROUND = r"(?:[\s\"'`*_.,:;!#>()\[\]\u2018\u2019\u201c\u201d\u00ab\u00bb-]|</?[A-Za-z]{1,20}>)*"
_ALONE = re.compile(rf"{_AROUND}{REFUSAL}{_AROUND}")
_ONLY_AROUND = re.compile(_AROUND)
_TAG_BEGUN = re.compile(r"</?[A-Za-z]{0,20}\Z")


@dataclass(frozen=True, slots=True)
class Refusals:
    """Which of a model's texts are refusals: those that have the word anywhere, since models add to
    it what they were told not to.

    `theirs`: the passages have the word themselves, as documentation of a telephone system may, and
    an answer may be about it; then only the word alone is a refusal.
    """

    theirs: bool = False

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> "Refusals":
        """Those among the answers from these passages."""
        texts = [text for p in passages for text in (p.text, p.document.title, *p.heading_path)]
        return cls(any(REFUSAL in text for text in texts))

    def is_refusal(self, text: str) -> bool:
        """Whether a text refuses; around the word alone may be quotes, tags and punctuation."""
        return self.is_within(text) or _ALONE.fullmatch(text) is not None

    def is_within(self, text: str) -> bool:
        """Whether any text that has this in it refuses."""
        return not self.theirs and REFUSAL in text

    def may_be_refusal(self, begun: str) -> bool:
        """Whether a text that is still streaming may turn out to be a refusal from its beginning
        on: show none of it."""
        known = _TAG_BEGUN.sub("", begun)
        around = _ONLY_AROUND.match(known)
        return REFUSAL.startswith(known[around.end() if around else 0 :]) or self.is_refusal(known)

    def held(self, text: str) -> int:
        """How many characters at the end of a text that is still streaming may begin the word."""
        sizes = range(0 if self.theirs else min(len(REFUSAL) - 1, len(text)), 0, -1)
        return next((size for size in sizes if text.endswith(REFUSAL[:size])), 0)
