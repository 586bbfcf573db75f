"""A passage cut into what an answer may quote: sentences, list items, table rows, code.

Passages are text in the manner of Markdown, whatever they were extracted from, and the blocks of
their documents are not stored. So the layout is read here once more, from the lines alone.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import pairwise

from chunkers.sentences import sentence_spans
from retrieval.query import Passage

_FENCE = re.compile(r"\s*(?:```|~~~)[^`]*$")
_ITEM = re.compile(r"\s*(?:[-*+\u2022\u25e6\u25aa]|(\d{1,3})[.)])\s+\S")
_HEADING = re.compile(r"\s*#{1,6}\s+\S")
_ROW = re.compile(r"\s*\|")
_RULE = re.compile(r"\s*\|[\s:|-]*-[\s:|-]*$")
# Without a mark of their own, as in PDFs: a line of a few words that ends as no sentence does.
_TITLE = re.compile(r"\s*(?:\d+(?:\.\d+)*\.?\s+)?[*_]*[^\W\d_][^\d:@|\n]{0,80}[\w)][*_]*\s*$")
_TITLE_WORDS = 12
_MARKS = re.compile(r"(?:>|#{1,6}\s|\s)*")
_SILENT = re.compile(
    r"!\[[^\]]{0,300}\]\([^)]{0,300}\)|<[^<>]*>|\[image:[^\]]{0,300}\]", re.IGNORECASE
)
_WORD = re.compile(r"\w")
_LEADS = (":", "\uff1a")


class Kind(Enum):
    """What a segment is."""

    SENTENCE = auto()
    STEP = auto()  # An item of a numbered list, with what is nested in it.
    ITEM = auto()  # One of another list.
    ROW = auto()
    CODE = auto()
    HEADING = auto()  # Says what stands below it, and answers nothing by itself.


LISTED = frozenset({Kind.STEP, Kind.ITEM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """`passage.text[start:end]`, a whole that can be quoted.

    `block` numbers the list, table or paragraph that it belongs to, from 0 in each passage.
    `needs` is the span without which it is not understood: the sentence with a colon in front of
    a list or of code, the header of a table. `heading` is what stands over it in the passage, or
    the last of the passage's heading path.
    """

    kind: Kind
    start: int
    end: int
    block: int
    needs: tuple[int, int] | None = None
    heading: str = ""


@dataclass(slots=True)
class _Block:
    """Lines that belong together; `starts` are those of its items or rows, header left out."""

    kind: Kind
    start: int
    end: int
    indent: int = 0
    starts: list[int] = field(default_factory=list)
    closed: bool = False


def segments(passage: Passage) -> list[Segment]:
    """The segments of a passage, in order and apart from each other.

    A snippet is one: it was written to be sent as it is. Images, tags and rules are none.
    """
    text = passage.text
    if passage.content_type == "snippet":
        spans = _said(text, 0, len(text))
        return [Segment(kind=Kind.SENTENCE, start=a, end=b, block=0) for a, b in spans]
    found = []
    heading = passage.heading_path[-1] if passage.heading_path else passage.document.title
    for segment in _led(text, _cut(text, asks=_asks(passage))):
        if segment.kind is Kind.HEADING:
            heading = _SILENT.sub("", text[segment.start : segment.end])
        found.append(replace(segment, heading=heading))
    return found


def leads(sentence: str) -> bool:
    """Whether a sentence says nothing without what comes after it."""
    return sentence.rstrip("*_ ").endswith(_LEADS)


def _asks(passage: Passage) -> bool:
    """Whether it begins with the question of a FAQ, which need not be put as one."""
    return passage.content_type == "faq" and passage.span.start == 0


def _cut(text: str, *, asks: bool) -> Iterator[Segment]:
    """The segments without what stands over them. `asks` says that the first block is a FAQ's
    question, which is a heading."""
    blocks = list(_titled(text, _blocks(text)))
    for number, block in enumerate(blocks):
        header = _header(text, block)
        question = asks and not number and len(blocks) > 1
        for start, end in _spans(text, block):
            kind = Kind.HEADING if question else block.kind
            yield Segment(kind=kind, start=start, end=end, block=number, needs=header)


def _led(text: str, cut: Iterable[Segment]) -> Iterator[Segment]:
    """Give list items and code the sentence in front of them that ends with a colon."""
    before: Segment | None = None
    lead: tuple[int, int] | None = None
    for segment in cut:
        if before is None or before.block != segment.block:
            lead = (before.start, before.end) if before and _leads(text, before) else None
        takes = segment.kind is Kind.CODE or segment.kind in LISTED
        yield replace(segment, needs=lead) if takes and lead else segment
        before = segment


def _leads(text: str, segment: Segment) -> bool:
    return segment.kind is Kind.SENTENCE and leads(text[segment.start : segment.end])


def _spans(text: str, block: _Block) -> Iterator[tuple[int, int]]:
    if block.kind in (Kind.SENTENCE, Kind.HEADING):
        for a, b in sentence_spans(text[block.start : block.end]):
            yield from _said(text, block.start + a, block.start + b, _MARKS)
        return
    starts = block.starts or ([] if block.kind is Kind.ROW else [block.start])
    for start, end in pairwise([*starts, block.end]):
        yield from _said(text, start, end)


def _said(
    text: str, start: int, end: int, marks: re.Pattern[str] | None = None
) -> Iterator[tuple[int, int]]:
    """The span without white space, and `marks`, around it; none where it has no word."""
    if marks is not None and (found := marks.match(text, start, end)):
        start = found.end()
    piece = text[start:end]
    if _WORD.search(_SILENT.sub("", piece)):
        first = start + len(piece) - len(piece.lstrip())
        yield first, first + len(piece.strip())


def _header(text: str, block: _Block) -> tuple[int, int] | None:
    """The header of a table."""
    if block.kind is not Kind.ROW or not block.starts or block.starts[0] == block.start:
        return None
    return next(_said(text, block.start, block.starts[0]), None)


def _blocks(text: str) -> list[_Block]:
    found: list[_Block] = []
    at, blank = 0, True
    for line in text.splitlines(keepends=True):
        start, at = at, at + len(line)
        last = found[-1] if found else None
        if last is not None and last.kind is Kind.CODE and not last.closed:
            last.end, last.closed = at, bool(_FENCE.match(line))
        elif _SILENT.sub("", line).strip():
            if last is None or not _goes_on(last, line, start, at, blank=blank):
                found.append(_opened(line, start, at))
            blank = False
        else:
            blank = True
    return found


def _opened(line: str, start: int, end: int) -> _Block:
    item, indent = _ITEM.match(line), len(line) - len(line.lstrip())
    if _FENCE.match(line):
        return _Block(Kind.CODE, start, end)
    if _HEADING.match(line):
        return _Block(Kind.HEADING, start, end, closed=True)
    if _ROW.match(line):
        return _Block(Kind.ROW, start, end, starts=[start])
    if item:
        return _Block(Kind.STEP if item[1] else Kind.ITEM, start, end, indent, [start])
    return _Block(Kind.SENTENCE, start, end)


def _goes_on(last: _Block, line: str, start: int, end: int, *, blank: bool) -> bool:
    """Whether a line belongs to the block before it; if so, it is taken up there."""
    opened = _opened(line, start, end)
    inside = len(line) - len(line.lstrip()) > last.indent + 1
    if last.kind in LISTED:
        same = opened.kind is last.kind and not inside
        goes_on = same or inside or (opened.kind is Kind.SENTENCE and not blank)
        last.starts += [start] if same else []
    else:
        goes_on = opened.kind is last.kind and not (blank or last.closed)
        if goes_on and last.kind is Kind.ROW:
            last.starts = (
                [] if _RULE.match(line) and len(last.starts) == 1 else [*last.starts, start]
            )
    if goes_on:
        last.end = end
    return goes_on


def _titled(text: str, blocks: list[_Block]) -> Iterator[_Block]:
    """The blocks, with paragraphs that are titles made headings."""
    for block, after in pairwise([*blocks, None]):
        title = text[block.start : block.end] if block else ""
        if block is None:
            continue
        few = len(title.split()) <= _TITLE_WORDS and after is not None
        if block.kind is Kind.SENTENCE and few and _TITLE.match(title):
            block.kind = Kind.HEADING
        yield block
