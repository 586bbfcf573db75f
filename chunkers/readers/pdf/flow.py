"""Lines in, blocks out: headings, paragraphs, lists, tables."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chunkers.document import BlockKind
from chunkers.readers.pdf.grids import Grid, grid_at
from chunkers.readers.pdf.lines import Line, is_marker, leading

_LEADERS = re.compile(r"\s*(?:\.\s?){4,}")
_BULLET = re.compile(r"^[\u2022\u25e6\u25aa\u25cf\u25cb\u25a0\u2023\u2043\u00b7\uf0b7]\s*")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_ENDED = (".", "!", "?", ":", ";", "\u3002", '."', ".\u201d", ".)")


@dataclass(slots=True)
class Flow:
    """One block in the making."""

    kind: BlockKind
    page: int
    lines: list[Line] = field(default_factory=list)
    level: int = 0
    grid: Grid | None = None


@dataclass(frozen=True, slots=True)
class Typography:
    """What the document's usual line is like, and what its headings are."""

    body: float
    leading: float
    mostly_bold: bool
    levels: dict[float, int]
    outline: dict[str, int]

    @classmethod
    def of(cls, lines: Sequence[Line], outline: Sequence[tuple[str, int]]) -> "Typography":
        """Measure all lines of a document; `outline` holds its bookmarks."""
        sizes: Counter[float] = Counter()
        bold = 0
        for line in lines:
            sizes[_rounded(line.size)] += len(line.text)
            bold += len(line.text) if line.bold else 0
        body = sizes.most_common(1)[0][0] if sizes else 10.0
        larger = sorted((size for size in sizes if size >= 1.12 * body), reverse=True)
        levels = {size: min(rank, 5) for rank, size in enumerate(larger, start=1)}
        marks = {title_key(title): min(level, 6) for title, level in outline if title.strip()}
        return cls(body, leading(lines), 2 * bold > sum(sizes.values()), levels, marks)

    def heading_level(self, line: Line) -> int:
        """Return 1 to 6 for a heading, 0 for any other line."""
        text = line.text
        if len(text) > 160 or not any(letter.isalpha() for letter in text) or len(line.cells) > 2:
            return 0
        if title_key(text) in self.outline:
            return self.outline[title_key(text)]
        if text.endswith((",", ";")) or _LEADERS.search(text) or len(text) < 2:
            return 0
        size = _rounded(line.size)
        if size in self.levels and (size >= 1.2 * self.body or line.bold):
            return self.levels[size]
        bold = line.bold and not self.mostly_bold and size >= 0.95 * self.body
        return min(len(self.levels) + 1, 6) if bold and not text.endswith((".", ":")) else 0


def title_key(title: str) -> str:
    """Compare titles by their letters and digits alone."""
    return "".join(letter for letter in title.casefold() if letter.isalnum())


def _rounded(size: float) -> float:
    return round(2 * size) / 2


def flows(lines: Sequence[Line], style: Typography) -> list[Flow]:
    """Return a document's blocks in order."""
    found: list[Flow] = []
    index = 0
    while index < len(lines):
        table = grid_at(lines, index)
        if table:
            grid, index = table
            _add_grid(found, grid)
            continue
        _add_line(found, lines[index], style)
        index += 1
    return found


def _add_grid(found: list[Flow], grid: Grid) -> None:
    last = found[-1].grid if found else None
    # Lines between the two would have made another block: only the page's end lies there.
    if last and grid.continues(last) and grid.page > last.page:
        last.append(grid)
        last.page = grid.page
        return
    found.append(Flow(BlockKind.TABLE, grid.page, grid=grid))


def _add_line(found: list[Flow], line: Line, style: Typography) -> None:
    last = found[-1] if found else None
    level = style.heading_level(line)
    item = _starts_item(line) and not (
        last and last.lines and _is_mid_sentence(last.lines[-1], line)
    )
    if last and last.lines and not item and _goes_on(last, line, level, style):
        last.lines.append(line)
    elif level and not item:
        found.append(Flow(BlockKind.HEADING, line.page, [line], level=level))
    elif item:
        found.append(Flow(BlockKind.LIST, line.page, [line]))
    else:
        found.append(Flow(BlockKind.PARAGRAPH, line.page, [line]))


def _starts_item(line: Line) -> bool:
    word, _, rest = line.text.partition(" ")
    return (bool(rest) and is_marker(word) and word not in {"-", "o", "*", "A.", "I."}) or (
        bool(_BULLET.match(line.text))
    )


def _is_mid_sentence(last: Line, line: Line) -> bool:
    """Whether a line that begins like an item, `(2) has filed`, is a wrapped line's rest."""
    if _BULLET.match(line.text) or last.text.endswith(_ENDED) or is_marker(last.text.split()[0]):
        return False
    flush = abs(line.x0 - last.x0) < 0.5 * line.size and line.bold == last.bold
    return flush and 0 < line.top - last.bottom < 0.8 * line.size and last.x1 > line.x1


def _goes_on(flow: Flow, line: Line, level: int, style: Typography) -> bool:
    """Whether a line continues a block by its place, its size and what was said before."""
    last = flow.lines[-1]
    heading = flow.kind is BlockKind.HEADING
    if heading:
        near = _is_near(last, line, style)
        return near and level == flow.level and len(flow.lines) < 3
    if level or abs(line.size - last.size) > 0.12 * last.size:
        return False
    if (last.page, last.area) != (line.page, line.area):
        return not last.text.endswith(_ENDED) and line.text[0].islower()
    return _is_near(last, line, style) and not _opens_paragraph(flow, last, line)


def _is_near(last: Line, line: Line, style: Typography) -> bool:
    if (last.page, last.area) != (line.page, line.area):
        return False
    return 0 < line.bottom - last.bottom < 1.3 * style.leading * max(last.size, line.size)


def _opens_paragraph(flow: Flow, last: Line, line: Line) -> bool:
    """Whether a line is indented like a first line, or follows one that stops short."""
    if flow.kind is BlockKind.LIST:
        flush = line.x0 < flow.lines[0].x0 + 0.3 * line.size
        outside = line.x0 < flow.lines[0].x0 - 0.5 * line.size
        return outside or (flush and last.text.endswith(_ENDED))
    indented = 0.8 * line.size < line.x0 - last.x0 < 5 * line.size and len(flow.lines) > 1
    full = max(other.x1 for other in flow.lines)
    short = len(flow.lines) > 1 and last.x1 < full - 0.25 * (full - last.x0)
    return indented or (short and last.text.endswith(_ENDED))


def flow_text(flow: Flow, vocabulary: Counter[str]) -> str:
    """Return a block's text: its lines joined, the words that line ends broke made whole."""
    if flow.grid:
        return flow.grid.text()
    text = _LEADERS.sub(" \u2026 ", flow.lines[0].text)
    for line in flow.lines[1:]:
        text = _joined(text, _LEADERS.sub(" \u2026 ", line.text), vocabulary)
    return _BULLET.sub("- ", text) if flow.kind is BlockKind.LIST else text


def _joined(text: str, line: str, vocabulary: Counter[str]) -> str:
    if not (text.endswith("-") and len(text) > 1 and text[-2].isalpha() and line[:1].islower()):
        return f"{text} {line}"
    before, after = text[:-1].split()[-1], line.split()[0]
    first, second = (_WORDS.findall(part) for part in (before, after))
    if not first or not second:
        return text + line
    kept, whole = f"{first[-1]}-{second[0]}".lower(), f"{first[-1]}{second[0]}".lower()
    # The document's other lines tell "well-known" from "docu-ment".
    return text + line if vocabulary[kept] > vocabulary[whole] else text[:-1] + line


def vocabulary_of(lines: Sequence[Line]) -> Counter[str]:
    """Count the document's words, hyphenated ones as one."""
    return Counter(word.lower() for line in lines for word in _WORDS.findall(line.text))


def list_groups(found: Sequence[Flow]) -> Iterator[list[Flow]]:
    """Yield runs of list items together, everything else by itself."""
    group: list[Flow] = []
    for flow in found:
        if group and not (flow.kind is BlockKind.LIST and group[-1].kind is BlockKind.LIST):
            yield group
            group = []
        group.append(flow)
    if group:
        yield group
