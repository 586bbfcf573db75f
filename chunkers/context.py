"""Fits what a chunk's reader would miss into the tokens there are for it."""

from collections.abc import Sequence

from chunkers.document import Context, TokenCounter
from chunkers.packing import held, pack, span_of
from chunkers.splitting import Costs, cut, whole_piece


class ContextBudget:
    """Prices the parts of contexts once a document, and trims them to `limit` tokens.

    A part costs its own tokens and one more, for whatever joins it to the next.
    """

    def __init__(self, limit: int, count: TokenCounter) -> None:
        self._limit = limit
        # Costs does not count what its own limit rules out, so this limit it must be.
        self._costs = Costs(count, limit)
        self._known: dict[str, int] = {}

    def price(self, parts: Sequence[str]) -> None:
        """Count all parts that are not yet known, in one call."""
        unknown = sorted({part for part in parts if part} - self._known.keys())
        if unknown:
            self._known.update(zip(unknown, self._costs(unknown), strict=True))

    def headed(self, title: str, path: Sequence[str]) -> Context:
        """Return title and heading path; the path loses its middle first, then its top."""
        self.price([title, *path])
        kept = [part for part in (title, *path) if part]
        while len(kept) > 1 and self._size(kept) > self._limit:
            # The title says what the document is about and the last heading what this is about.
            del kept[1 if len(kept) > 2 else 0]
        if not kept:
            return Context()
        if len(kept) == 1:
            kept = [self._trimmed(kept[0])]
        has_title = bool(title) and (len(kept) > 1 or kept[0] == self._trimmed(title))
        return Context(
            title=kept[0] if has_title else "",
            heading_path=tuple(part for part in kept[has_title:] if part),
        )

    def asked(self, questions: Sequence[str]) -> Context:
        """Return as many questions as fit, in order; the first is trimmed if it must be."""
        self.price(questions)
        kept: list[str] = []
        for question in questions:
            if self._size([*kept, question]) > self._limit:
                break
            kept.append(question)
        if questions and not kept:
            kept = [part for part in [self._trimmed(questions[0])] if part]
        return Context(questions=tuple(kept))

    def _size(self, parts: Sequence[str]) -> int:
        return sum(self._known[part] + 1 for part in parts)

    def _trimmed(self, part: str) -> str:
        """Cut a part at the last seam that fits; nothing is left of it in a budget of nothing."""
        room = self._limit - 1
        if self._known[part] <= room:
            return part
        if room < 1:
            return ""
        pieces = cut(part, [whole_piece(0, len(part))], room, self._costs)
        first = held(part, [span_of(pack(pieces, room)[0])], room, self._costs)[0]
        return part[: first.end]
