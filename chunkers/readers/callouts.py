"""Call-outs that Markdown does not know: their marks and their text are one quote."""

import re
from collections.abc import Sequence

from chunkers.document import Block, BlockKind

_OPENING = re.compile(
    r":{3,}\s*\{?\.?(?P<fence>\w)"
    r"|<(?P<tag>call-?out|aside|details|alert|admonition|note|tip|warning)\b[^>]*>"
    r"|\{%-?\s*(?P<liquid>callout|alert|note|tip|warning|admonition)\b",
    re.IGNORECASE,
)
_LONGEST = 12


def joined_callouts(text: str, blocks: Sequence[Block]) -> list[Block]:
    """Join the blocks between a call-out's opening and its close, if that is near."""
    joined: list[Block] = []
    index = 0
    while index < len(blocks):
        last = _closing(text, blocks, index)
        block = blocks[index]
        if last is not None:
            block = Block(kind=BlockKind.QUOTE, start=block.start, end=blocks[last].end)
        joined.append(block)
        index = (index if last is None else last) + 1
    return joined


def _closing(text: str, blocks: Sequence[Block], index: int) -> int | None:
    """Return the index of the block that closes the call-out opened here, if one is."""
    opening = _OPENING.match(text, blocks[index].start, blocks[index].end)
    if not opening:
        return None
    mark = _closing_mark(opening)
    for at in range(index, min(index + _LONGEST, len(blocks))):
        block = blocks[at]
        if block.kind is BlockKind.HEADING:
            return None
        if mark.search(text, max(block.start, opening.end()), block.end):
            return at
    return None


def _closing_mark(opening: re.Match[str]) -> re.Pattern[str]:
    if opening["fence"]:
        return re.compile(r"^\s*:{3,}\s*$", re.MULTILINE)
    if opening["tag"]:
        return re.compile(rf"</{opening['tag']}\s*>", re.IGNORECASE)
    return re.compile(rf"\{{%-?\s*end{opening['liquid']}\b", re.IGNORECASE)
