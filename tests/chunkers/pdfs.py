"""Writes small PDFs by hand, so that the tests know where every line stands."""

from collections.abc import Sequence
from typing import NamedTuple


class Word(NamedTuple):
    """Text at a place in points from the page's lower left corner."""

    x: float
    y: float
    text: str
    size: float = 10
    bold: bool = False


def lines(
    texts: Sequence[str], x: float = 72, y: float = 700, size: float = 10, step: float = 12
) -> list[Word]:
    """Return lines of text below each other."""
    return [Word(x, y - step * index, text, size) for index, text in enumerate(texts)]


def pdf(
    pages: Sequence[Sequence[Word]],
    *,
    rotate: int = 0,
    title: str = "",
    trailer: str = "",
    catalog: str = "",
) -> bytes:
    """Return a PDF of 612 by 792 points; `rotate` turns its pages and the text against them."""
    first = 5
    kids = " ".join(f"{first + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        _font("Helvetica"),
        _font("Helvetica-Bold"),
    ]
    for index, words in enumerate(pages):
        stream = "\n".join(_drawn(word, rotate) for word in words)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Rotate {rotate} /Resources "
            f"<< /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents {first + 2 * index + 1} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects.append(f"<< /Title ({title}) >>")
    return _file(objects, f"{trailer} /Info {len(objects)} 0 R")


def _font(name: str) -> str:
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"


def _drawn(word: Word, rotate: int) -> str:
    text = word.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    matrix = f"1 0 0 1 {word.x} {word.y}"
    if rotate == 90:  # upright once the page is turned clockwise
        matrix = f"0 1 -1 0 {612 - word.y} {word.x}"
    return f"BT /F{2 if word.bold else 1} {word.size} Tf {matrix} Tm ({text}) Tj ET"


def _file(objects: Sequence[str], trailer: str) -> bytes:
    body, offsets = b"%PDF-1.7\n", []
    for number, value in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{value}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    count = len(objects) + 1
    end = (
        f"xref\n0 {count}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {count} /Root 1 0 R {trailer} >>\nstartxref\n{len(body)}\n%%EOF\n"
    )
    return body + end.encode()
