"""Text that is composed rather than found, and the blocks that tile it."""

from dataclasses import dataclass, field

from chunkers.document import Block, BlockKind


@dataclass(slots=True)
class TextBuilder:
    """Collects blocks in order, a blank line between them."""

    blocks: list[Block] = field(default_factory=list)
    _parts: list[str] = field(default_factory=list)
    _length: int = 0

    def add(self, kind: BlockKind, text: str, level: int = 0, page: int | None = None) -> None:
        """Append one block; text that is only white space is ignored."""
        text = text.strip()
        if not text:
            return
        start = self._length + 2 if self._parts else 0
        self._parts.append(text)
        self._length = start + len(text)
        self.blocks.append(Block(kind=kind, start=start, end=self._length, level=level, page=page))

    def text(self) -> str:
        """Return the whole text, which the blocks cut up."""
        return "\n\n".join(self._parts)
