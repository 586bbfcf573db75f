"""Cuts blocks into pieces that fit a budget, each at the best seam that is left.

A piece that is too large is cut at its first rung and its parts, where still too large, at the
next: rows or items or lines, then sentences, words, characters. All pieces of a document are
counted a rung at a time, in one call.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from chunkers.document import Block, BlockKind, TokenCounter
from chunkers.sentences import sentence_spans

Span = tuple[int, int]
Splitter = Callable[[str], list[Span]]

# WordPiece reads a "word" of over 100 characters (base64, minified code) as one unknown token, so
# a count alone would let a chunk grow without bound. No prose comes near this many a token.
_CHARACTERS_PER_TOKEN = 16

_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_WORD = re.compile(
    r"[^\s\uff0c\u3001\uff1b\uff1a]*[\uff0c\u3001\uff1b\uff1a]+|[^\s\uff0c\u3001\uff1b\uff1a]+"
)
_ITEM = re.compile(r"^([^\S\n]*)(?:[-*+\u2022]|\d{1,9}[.)])[^\S\n]", re.MULTILINE)
_PARAGRAPH_GAP = re.compile(r"\n(?:[^\S\n]*\n)+")


@dataclass(frozen=True, slots=True)
class Piece:
    """`text[start:end]` with its cost, and the seams it may still be cut at.

    `sticky` pieces introduce what follows and should not end a chunk. `lead` is the header row
    of the table that the piece was cut from, unless the piece holds that row itself.
    """

    start: int
    end: int
    cost: int
    rungs: tuple[Splitter, ...]
    sticky: bool = False
    lead: str = ""


class Costs:
    """What texts cost: the embedder's count, and never less than their length allows."""

    def __init__(self, count: TokenCounter, limit: int) -> None:
        self._count = count
        self._cutoff = limit * _CHARACTERS_PER_TOKEN

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Return the cost of each text; one that is too long by its length is not counted."""
        short = [text for text in texts if len(text) <= self._cutoff]
        counts = iter(self._count(short) if short else [])
        return [
            max(_least(text), next(counts)) if len(text) <= self._cutoff else _least(text)
            for text in texts
        ]


def _least(text: str) -> int:
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def cut(text: str, pieces: list[Piece], limit: int, costs: Costs) -> list[Piece]:
    """Cut each piece down until it costs `limit` at most, or is a single character."""
    pieces = _priced(text, pieces, costs)
    while any(_cuttable(piece, limit) for piece in pieces):
        parts = [
            part
            for piece in pieces
            for part in (_parts(text, piece) if _cuttable(piece, limit) else [piece])
        ]
        pieces = _priced(text, parts, costs)
    return pieces


def block_piece(text: str, block: Block) -> Piece:
    """Return a block whole, its cost still unknown."""
    return Piece(
        start=block.start,
        end=block.end,
        cost=-1,
        rungs=_rungs(block.kind),
        sticky=block.kind is BlockKind.HEADING or _introduces(text[block.start : block.end]),
    )


def whole_piece(start: int, end: int) -> Piece:
    """Return a span of prose as a piece, its cost still unknown."""
    return Piece(start=start, end=end, cost=-1, rungs=_rungs(BlockKind.PARAGRAPH))


def _priced(text: str, pieces: list[Piece], costs: Costs) -> list[Piece]:
    unknown = [piece for piece in pieces if piece.cost < 0]
    if not unknown:
        return pieces
    known = iter(costs([text[piece.start : piece.end] for piece in unknown]))
    return [replace(piece, cost=next(known)) if piece.cost < 0 else piece for piece in pieces]


def _cuttable(piece: Piece, limit: int) -> bool:
    return piece.cost > limit and bool(piece.rungs)


def _parts(text: str, piece: Piece) -> list[Piece]:
    splitter, *rest = piece.rungs
    source = text[piece.start : piece.end]
    lead = header_label(source) if splitter is rows else ""
    return [
        Piece(
            start=piece.start + start,
            end=piece.start + end,
            cost=-1,
            rungs=tuple(rest),
            sticky=piece.sticky and end == len(source),
            lead=piece.lead or (lead if start else ""),
        )
        for start, end in splitter(source)
    ]


def _introduces(text: str) -> bool:
    """Whether a paragraph leads into what follows: `To pause a plan:`, `**Note**`, a summary."""
    if len(text) > 200:
        return False
    bold = text.startswith("**") and text.endswith("**") and "\n" not in text
    return bold or text.endswith((":", "\uff1a"))


def rows(text: str) -> list[Span]:
    """Cut a table between rows; its header, the delimiter row and the first row stay together."""
    lines = lines_of(text)
    head = 3 if len(lines) > 2 and _is_delimiter(text[slice(*lines[1])]) else 1
    return [(lines[0][0], lines[:head][-1][1]), *lines[head:]]


def header_label(table: str) -> str:
    """Return the header cells of a pipe table as `Plan | Price`, or nothing if it has none."""
    lines = lines_of(table)
    if len(lines) < 3 or not _is_delimiter(table[slice(*lines[1])]):
        return ""
    cells = table[slice(*lines[0])].strip("|").split("|")
    return " | ".join(cell.strip() for cell in cells if cell.strip())


def _is_delimiter(line: str) -> bool:
    return "-" in line and not line.strip("|-: \t")


def items(text: str) -> list[Span]:
    """Cut a list in front of its outermost items."""
    markers = list(_ITEM.finditer(text))
    if not markers:
        return lines_of(text)
    depth = min(len(marker[1].expandtabs(4)) for marker in markers)
    starts = [m.start() for m in markers if len(m[1].expandtabs(4)) == depth]
    return _between(text, starts)


def inner_items(text: str) -> list[Span]:
    """Cut one item in front of the items nested in it, whatever their depth."""
    return _between(text, [marker.start() for marker in _ITEM.finditer(text)])


def paragraphs(text: str) -> list[Span]:
    """Cut between paragraphs, at blank lines."""
    return _between(text, [gap.end() for gap in _PARAGRAPH_GAP.finditer(text)])


def lines_of(text: str) -> list[Span]:
    """Cut between lines."""
    return [match.span() for match in _LINE.finditer(text)]


def words(text: str) -> list[Span]:
    """Cut at white space, and after the commas of Chinese, which has none."""
    return [match.span() for match in _WORD.finditer(text)]


def _between(text: str, starts: list[int]) -> list[Span]:
    """Return the stretches between cuts, without the white space at their ends."""
    edges = [0, *starts, len(text)]
    spans = []
    for start, end in pairwise(edges):
        piece = text[start:end]
        body = piece.strip()
        if body:
            first = start + len(piece) - len(piece.lstrip())
            spans.append((first, first + len(body)))
    return spans


def runs_of(size: int) -> Splitter:
    """Cut between characters, every `size` of them; packing joins the runs up again."""

    def characters(text: str) -> list[Span]:
        return [(at, min(at + size, len(text))) for at in range(0, len(text), size)]

    return characters


_LETTERS: tuple[Splitter, ...] = (runs_of(64), runs_of(8), runs_of(1))
_PROSE: tuple[Splitter, ...] = (paragraphs, sentence_spans, words, *_LETTERS)
_RUNGS: dict[BlockKind, tuple[Splitter, ...]] = {
    BlockKind.TABLE: (rows, *_PROSE),
    BlockKind.LIST: (items, inner_items, *_PROSE),
    BlockKind.CODE: (paragraphs, lines_of, words, *_LETTERS),
}


def _rungs(kind: BlockKind) -> tuple[Splitter, ...]:
    return _RUNGS.get(kind, _PROSE)
