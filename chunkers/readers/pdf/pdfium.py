"""The adapter of PDFium: the bytes of a PDF in, its runs of text with their places out."""

import ctypes
import math
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as raw  # type: ignore[import-untyped]

from chunkers.errors import ExtractError

# PDFium keeps global state: no two threads may be inside it, whatever document each reads.
_PDFIUM = threading.Lock()

_BOLD_NAME = re.compile(r"bold|black|heavy|semib|demi|cmbx|cmssbx", re.IGNORECASE)
_FORCE_BOLD = 1 << 18
_LIGATURES = {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl"}
_CURRENCY = "$\u20ac\u00a3"
_HYPHENS = "\u0002\ufffe"  # PDFium's marks for a hyphen at a line's end
_REASONS = {
    raw.FPDF_ERR_PASSWORD: "the PDF is encrypted and needs a password",
    raw.FPDF_ERR_SECURITY: "the PDF is encrypted in a way that cannot be read",
    raw.FPDF_ERR_FORMAT: "the PDF is damaged or cut short",
}


@dataclass(slots=True)
class Run:
    """Text on one line with no wide gap in it; y grows downwards, sizes are in points."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    bold: bool

    @property
    def middle(self) -> float:
        """The height of the run's centre line."""
        return (self.top + self.bottom) / 2


@dataclass(slots=True)
class Page:
    """A page's runs in the order of its content stream, upright whatever its rotation."""

    number: int
    runs: list[Run] = field(default_factory=list)
    pictured: bool = False


@dataclass(slots=True)
class Source:
    """All that the reader needs of a PDF; `outline` holds the titles and levels of bookmarks.

    `language` is the catalog's /Lang as it stands, a tag such as "en-GB"; None where it has none.
    """

    pages: list[Page]
    title: str
    language: str | None
    outline: list[tuple[str, int]]


def load(data: bytes) -> Source:
    """Read all pages. Raises ExtractError for a PDF that is encrypted or damaged."""
    with _PDFIUM:
        try:
            pdf = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as exc:
            code = getattr(exc, "err_code", None)
            raise ExtractError(_REASONS.get(code, "the PDF cannot be opened")) from exc
        try:
            pages = [_page(pdf, index) for index in range(len(pdf))]
            return Source(pages, _title(pdf), _language(pdf), _outline(pdf))
        finally:
            pdf.close()


def _title(pdf: pypdfium2.PdfDocument) -> str:
    return str(pdf.get_metadata_value("Title")).strip("\x00 \t\r\n")


def _language(pdf: pypdfium2.PdfDocument) -> str | None:
    size = raw.FPDFCatalog_GetLanguage(pdf, None, 0)
    buffer = (raw.FPDF_WCHAR * (size // 2))()
    raw.FPDFCatalog_GetLanguage(pdf, buffer, size)
    text = bytes(buffer).decode("utf-16-le", "replace").replace("\x00", " ")
    return text.strip() or None


def _outline(pdf: pypdfium2.PdfDocument) -> list[tuple[str, int]]:
    return [(mark.get_title(), mark.level + 1) for mark in pdf.get_toc(max_depth=6)]


def _page(pdf: pypdfium2.PdfDocument, index: int) -> Page:
    try:
        page = pdf[index]
        text = page.get_textpage()
    except pypdfium2.PdfiumError as exc:
        raise ExtractError(f"page {index + 1} of the PDF is damaged") from exc
    try:
        glyphs = list(_glyphs(text))
        turn = _turn(text, len(glyphs))
        upright = [_turned(glyph, turn) for glyph in glyphs]
        runs = [_run(text, group) for group in _runs(upright)]
        pictured = not runs and any(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE]))
        return Page(index + 1, [run for run in runs if run.text], pictured)
    finally:
        text.close()
        page.close()


@dataclass(slots=True)
class _Glyph:
    index: int
    text: str
    x0: float
    x1: float
    top: float
    bottom: float


def _glyphs(page: pypdfium2.PdfTextPage) -> Iterator[_Glyph]:
    box = raw.FS_RECTF()
    reference = ctypes.byref(box)
    for index in range(page.count_chars()):
        text = _character(raw.FPDFText_GetUnicode(page, index))
        if text and raw.FPDFText_GetLooseCharBox(page, index, reference):
            yield _Glyph(index, text, box.left, box.right, -box.top, -box.bottom)


@lru_cache(maxsize=4096)
def _character(code: int) -> str:
    """Return what a code point adds to the text; line ends and control characters are a space."""
    if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        return "\ufffd"
    letter = chr(code)
    if letter in _HYPHENS:
        return "-"
    if letter.isspace() or code < 32 or code in (0xAD, 0x200B, 0xFEFF):
        return " "
    return _LIGATURES.get(letter, letter)


def _turn(page: pypdfium2.PdfTextPage, count: int) -> int:
    """Return the quarter turns, clockwise, that most of the text is drawn at."""
    step = max(1, count // 60)
    angles = (raw.FPDFText_GetCharAngle(page, index) for index in range(0, count, step))
    turns = Counter(round(angle / (math.pi / 2)) % 4 for angle in angles if angle >= 0)
    return turns.most_common(1)[0][0] if turns else 0


def _turned(glyph: _Glyph, turn: int) -> _Glyph:
    x0, x1, top, bottom = glyph.x0, glyph.x1, glyph.top, glyph.bottom
    if turn == 1:
        glyph.x0, glyph.x1, glyph.top, glyph.bottom = top, bottom, -x1, -x0
    elif turn == 2:
        glyph.x0, glyph.x1, glyph.top, glyph.bottom = -x1, -x0, -bottom, -top
    elif turn == 3:
        glyph.x0, glyph.x1, glyph.top, glyph.bottom = -bottom, -top, x0, x1
    return glyph


def _runs(glyphs: list[_Glyph]) -> Iterator[list[_Glyph]]:
    """Yield glyphs that follow each other closely on one line."""
    run: list[_Glyph] = []
    last: _Glyph | None = None
    for glyph in glyphs:
        if glyph.text == " ":
            if run:
                run.append(glyph)
            continue
        if last is not None and _is_apart(last, glyph):
            yield run
            run = []
        run.append(glyph)
        last = glyph
    if run:
        yield run


def _is_apart(last: _Glyph, glyph: _Glyph) -> bool:
    height = max(last.bottom - last.top, glyph.bottom - glyph.top, 1.0)
    gap = glyph.x0 - last.x1
    level = abs((last.top + last.bottom) - (glyph.top + glyph.bottom)) / 2
    if glyph.text in _CURRENCY and gap > 0.2 * height:
        return True
    return gap > 0.85 * height or gap < -2 * height or level > 0.5 * height


def _run(page: pypdfium2.PdfTextPage, glyphs: list[_Glyph]) -> Run:
    inked = [glyph for glyph in glyphs if glyph.text != " "]
    first = inked[0]
    return Run(
        text=" ".join("".join(glyph.text for glyph in glyphs).split()),
        x0=min(glyph.x0 for glyph in inked),
        x1=max(glyph.x1 for glyph in inked),
        top=first.top,
        bottom=first.bottom,
        size=_size(page, first),
        bold=_is_bold(page, first.index) and _is_bold(page, inked[-1].index),
    )


def _size(page: pypdfium2.PdfTextPage, glyph: _Glyph) -> float:
    matrix = raw.FS_MATRIX()
    size = raw.FPDFText_GetFontSize(page, glyph.index)
    if not raw.FPDFText_GetMatrix(page, glyph.index, ctypes.byref(matrix)) or size <= 0:
        return max(glyph.bottom - glyph.top, 1.0)
    return max(float(size) * math.hypot(matrix.c, matrix.d), 1.0)


def _is_bold(page: pypdfium2.PdfTextPage, index: int) -> bool:
    if raw.FPDFText_GetFontWeight(page, index) >= 600:
        return True
    buffer = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    raw.FPDFText_GetFontInfo(page, index, buffer, len(buffer), ctypes.byref(flags))
    name = buffer.value.decode("utf-8", "replace")
    return bool(flags.value & _FORCE_BOLD) or bool(_BOLD_NAME.search(name))
