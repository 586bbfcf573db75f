"""Packs pieces into chunks' spans: as full as the budget allows, as whole as the text allows."""

from collections.abc import Sequence
from dataclasses import dataclass

from chunkers.splitting import Costs, Piece, cut, whole_piece


@dataclass(frozen=True, slots=True)
class Pack:
    """One chunk's span, and the header row of the table it continues, if it does.

    `anchor` is where the chunk's first text stands that is not a heading or a lead-in: its
    heading path is that of the chunk.
    """

    start: int
    end: int
    anchor: int
    lead: str = ""


def pack(pieces: Sequence[Piece], limit: int) -> list[list[Piece]]:
    """Fill runs of pieces up to `limit`; a run does not end on a sticky piece if it can."""
    runs: list[list[Piece]] = []
    run: list[Piece] = []
    size = 0
    for piece in pieces:
        if run and size + piece.cost > limit:
            carried = _carried(run, limit - piece.cost)
            runs.append(run)
            run, size = carried, sum(part.cost for part in carried)
        run.append(piece)
        size += piece.cost
    if run:
        runs.append(run)
    return _evened(runs, limit)


def _carried(run: list[Piece], room: int) -> list[Piece]:
    """Take the sticky end off a run, if what is left is not empty and the rest has room for it."""
    keep = len(run)
    while keep and run[keep - 1].sticky:
        keep -= 1
    carried = run[keep:]
    if not keep or sum(piece.cost for piece in carried) > room:
        return []
    del run[keep:]
    return carried


def _evened(runs: list[list[Piece]], limit: int) -> list[list[Piece]]:
    """Move pieces from the run before last to a short last run, until they are about even."""
    if len(runs) < 2:
        return runs
    before, last = runs[-2:]
    sizes = [sum(piece.cost for piece in run) for run in (before, last)]
    while len(before) > 1 and not before[-2].sticky:
        cost = before[-1].cost
        if sizes[1] + cost > min(limit, sizes[0] - cost):
            break
        last.insert(0, before.pop())
        sizes = [sizes[0] - cost, sizes[1] + cost]
    return runs


def span_of(run: Sequence[Piece]) -> Pack:
    """Return the span that a run of pieces covers."""
    anchor = next((piece.start for piece in run if not piece.sticky), run[0].start)
    return Pack(start=run[0].start, end=run[-1].end, anchor=anchor, lead=run[0].lead)


def held(text: str, packs: list[Pack], limit: int, costs: Costs) -> list[Pack]:
    """Cut again the spans that cost more together than their pieces did apart.

    For WordPiece that is none; tokenizers that count white space, or merge across it, need it.
    """
    prices = costs([text[item.start : item.end] for item in packs])
    result = []
    for item, price in zip(packs, prices, strict=True):
        result.extend([item] if price <= limit else _recut(text, item, limit, price, costs))
    return result


def _recut(text: str, item: Pack, limit: int, price: int, costs: Costs) -> list[Pack]:
    if item.end - item.start == 1:
        return [item]
    target = max(1, limit * limit // price - 1)
    pieces = cut(text, [whole_piece(item.start, item.end)], target, costs)
    runs = pack(pieces, target)
    if len(runs) == 1:  # too large together, and no seam left between pieces
        runs = [pieces[: len(pieces) // 2], pieces[len(pieces) // 2 :]]
    spans = [
        Pack(run[0].start, run[-1].end, max(run[0].start, item.anchor), item.lead)
        for run in runs
        if run
    ]
    return held(text, spans, limit, costs)
