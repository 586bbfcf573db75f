"""Make the two sample PDFs from the text in pdf_sources/.

    pip install reportlab
    python samples/make_pdfs.py

The output depends on the text and on the version of reportlab only: no clock, no random
identifiers. Running the script twice writes the same bytes.
"""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reportlab.graphics.shapes import Circle, Drawing, Ellipse, Line, Rect, Shape, String
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    ListFlowable,
    ListItem,
    NextPageTemplate,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus.tableofcontents import TableOfContents

HERE = Path(__file__).parent
DOCUMENTS = ("owners-manual", "delivery-rates-2026")

GREEN, PALE, INK = HexColor("#1F5B45"), HexColor("#EEF4F0"), HexColor("#22302A")
GREY, AMBER, CREAM = HexColor("#6B7A73"), HexColor("#C77700"), HexColor("#FFF6E6")

WIDTH, HEIGHT = A4
MARGIN, BAND = 20 * mm, 52 * mm
TEXT_WIDTH = WIDTH - 2 * MARGIN

BODY = ParagraphStyle("Body", fontSize=9.5, leading=13.5, textColor=INK, spaceAfter=5)
CELL = ParagraphStyle("Cell", parent=BODY, fontSize=8.8, leading=11.5, spaceAfter=0)
HEAD = ParagraphStyle("Head", parent=CELL, fontName="Helvetica-Bold", textColor=white)
H1 = ParagraphStyle(
    "H1", fontName="Helvetica-Bold", fontSize=14, leading=18, textColor=GREEN,
    spaceBefore=11, spaceAfter=5, keepWithNext=1,
)  # fmt: skip
H2 = ParagraphStyle("H2", parent=H1, fontSize=10.5, leading=14, spaceBefore=7, spaceAfter=3)
ENTRY = ParagraphStyle("Entry", parent=BODY, fontSize=9.5, leading=12.5, spaceAfter=0)
SUBENTRY = ParagraphStyle("Subentry", parent=ENTRY, fontSize=8.8, leftIndent=14, textColor=GREY)

PARTS = (
    "Light panel",
    "Lamp arm, adjustable in height",
    "Pod cup with germination dome",
    "Deck",
    "Flap for water and nutrients, with the float",
    "Base with tank and pump",
    "Button with light ring",
    "Socket for the adapter, at the back",
)
# Where the line of each part starts in the drawing, and where its number stands, in points.
TARGETS = (
    (178, 186), (110, 140), (168, 80), (176, 62), (36, 66), (30, 30), (97, 34), (182, 22),
)  # fmt: skip
LABELS = (
    (212, 186), (212, 140), (212, 98), (212, 62), (10, 96), (10, 30), (66, 34), (212, 22),
)  # fmt: skip


def text_frame(top: float) -> Frame:
    """The part of a page that holds text, from top (measured from the upper edge) to the foot."""
    bottom = MARGIN + 4 * mm
    return Frame(
        MARGIN, bottom, TEXT_WIDTH, HEIGHT - top - bottom,
        leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
    )  # fmt: skip


class Report(BaseDocTemplate):
    """A page layout that writes headings to the outline and to the table of contents."""

    def __init__(self, path: Path, source: dict[str, Any]) -> None:
        super().__init__(
            str(path), pagesize=A4, title=f"{source['title']}: {source['subtitle']}",
            author="Sillgrove", subject=source["subject"], lang="en", invariant=1,
        )  # fmt: skip
        self.source = source
        first = PageTemplate("first", [text_frame(BAND + 8 * mm)], onPage=self.draw_cover)
        later = PageTemplate("later", [text_frame(26 * mm)], onPage=self.draw_running_head)
        self.addPageTemplates([first, later])

    def afterFlowable(self, flowable: Flowable) -> None:
        if not isinstance(flowable, Paragraph) or flowable.style.name not in ("H1", "H2"):
            return
        level = 0 if flowable.style.name == "H1" else 1
        text = flowable.getPlainText()
        key = f"section-{text.split()[0]}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, level=level, closed=False)
        self.notify("TOCEntry", (level, text, self.page, key))

    def draw_cover(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        canvas.setFillColor(GREEN)
        canvas.rect(0, HEIGHT - BAND, WIDTH, BAND, stroke=0, fill=1)
        canvas.setFillColor(white)
        canvas.setFont("Helvetica-Bold", 11)
        canvas.drawString(MARGIN, HEIGHT - 17 * mm, "Sillgrove")
        canvas.setFont("Helvetica-Bold", 26)
        canvas.drawString(MARGIN, HEIGHT - 33 * mm, self.source["title"])
        canvas.setFont("Helvetica", 13)
        canvas.drawString(MARGIN, HEIGHT - 42 * mm, self.source["subtitle"])
        self.draw_foot(canvas)

    def draw_running_head(self, canvas: Canvas, _: BaseDocTemplate) -> None:
        canvas.setFillColor(GREY)
        canvas.setFont("Helvetica", 8)
        canvas.drawString(MARGIN, HEIGHT - 15 * mm, f"Sillgrove | {self.source['title']}")
        canvas.drawRightString(WIDTH - MARGIN, HEIGHT - 15 * mm, self.source["subtitle"])
        canvas.setStrokeColor(GREEN)
        canvas.setLineWidth(0.6)
        canvas.line(MARGIN, HEIGHT - 17.5 * mm, WIDTH - MARGIN, HEIGHT - 17.5 * mm)
        self.draw_foot(canvas)

    def draw_foot(self, canvas: Canvas) -> None:
        canvas.setFillColor(GREY)
        canvas.setFont("Helvetica", 8)
        canvas.drawString(MARGIN, 12 * mm, self.source["edition"])
        canvas.drawRightString(WIDTH - MARGIN, 12 * mm, f"Page {canvas.getPageNumber()}")


def grid(rows: list[list[str]], widths: list[float], shades: list[Color] | None = None) -> Table:
    """A table whose first row is its header, repeated on each page that the table reaches."""
    cells = [[Paragraph(cell, CELL if i else HEAD) for cell in row] for i, row in enumerate(rows)]
    bands = shades or [PALE if i % 2 else white for i in range(len(rows) - 1)]
    style: list[Any] = [
        ("BACKGROUND", (0, 0), (-1, 0), GREEN),
        *(("BACKGROUND", (0, i), (-1, i), band) for i, band in enumerate(bands, start=1)),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, HexColor("#C9D6CF")),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
    ]
    return Table(
        cells, [w * mm for w in widths], repeatRows=1, style=TableStyle(style),
        spaceBefore=3, spaceAfter=8,
    )  # fmt: skip


def rate_table(zones: list[dict[str, Any]]) -> Table:
    """One row for each destination, in the order of the zones."""
    header = ["Destination", "Zone", "Refill box", "Garden 6", "Garden 12", "Parts", "Working days"]
    rows = [[place, z["name"], *z["rates"], z["days"]] for z in zones for place in z["places"]]
    shades = [PALE if i % 2 else white for i, z in enumerate(zones) for _ in z["places"]]
    return grid([header, *rows], [53, 13, 21, 19, 21, 16, 27], shades)


def warning(text: str) -> Table:
    """A paragraph in a tinted box with a bar at its left."""
    style = TableStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), CREAM),
            ("LINEBEFORE", (0, 0), (0, -1), 2.5, AMBER),
            ("LEFTPADDING", (0, 0), (-1, -1), 9),
        ]
    )
    content = Paragraph(f"<b>Warning.</b> {text}", CELL)
    return Table([[content]], [TEXT_WIDTH], style=style, spaceBefore=4, spaceAfter=6)


def listing(items: list[str], *, numbered: bool) -> ListFlowable:
    """Bullets, or steps with numbers."""
    entries: list[Any] = [ListItem(Paragraph(item, BODY)) for item in items]
    return ListFlowable(
        entries,
        bulletType="1" if numbered else "bullet",
        start=None if numbered else "\u2022",
        bulletFontName="Helvetica-Bold", bulletFontSize=9.5, bulletColor=GREEN,
        bulletFormat="%s." if numbered else None, leftIndent=16,
    )  # fmt: skip


def box(area: tuple[int, int, int, int], radius: int, fill: Color) -> Rect:
    """A rectangle (x, y, width, height) with rounded corners and a dark outline."""
    style: dict[str, Any] = {"fillColor": fill, "strokeColor": INK, "strokeWidth": 1}
    return Rect(*area, rx=radius, ry=radius, **style)


def number_labels() -> Iterator[Shape]:
    """A line from each part to a numbered disc."""
    for number, (target, label) in enumerate(zip(TARGETS, LABELS, strict=True), start=1):
        yield Line(*target, *label, strokeColor=GREY, strokeWidth=0.6)
        yield Circle(*label, 8, fillColor=GREEN, strokeColor=None)
        yield String(
            label[0], label[1] - 3, str(number), fontName="Helvetica-Bold", fontSize=9,
            fillColor=white, textAnchor="middle",
        )  # fmt: skip


def garden_drawing() -> Drawing:
    """The front of a Garden 6, its parts numbered as in PARTS."""
    drawing = Drawing(230, 205)
    drawing.add(box((102, 60, 8, 122), 0, HexColor("#D5DDD8")))
    drawing.add(box((34, 180, 144, 12), 5, PALE))
    drawing.add(box((30, 14, 152, 46), 8, white))
    drawing.add(box((36, 58, 140, 8), 3, HexColor("#CFE0D6")))
    for x in (52, 72, 92, 120, 140, 160):
        drawing.add(Ellipse(x, 76, 8, 10, fillColor=HexColor("#E3F0E8"), strokeColor=GREEN))
        drawing.add(Line(x, 67, x, 76, strokeColor=GREEN, strokeWidth=1.4))
    drawing.add(box((36, 58, 12, 12), 2, HexColor("#9CC3AE")))
    drawing.add(Circle(106, 34, 9, fillColor=PALE, strokeColor=GREEN, strokeWidth=2.2))
    for shape in number_labels():
        drawing.add(shape)
    return drawing


def figure() -> Table:
    """The drawing beside the list of its parts."""
    numbered = [
        Paragraph(f"<b><font color='#1F5B45'>{number}</font></b>&nbsp;&nbsp; {part}", BODY)
        for number, part in enumerate(PARTS, start=1)
    ]
    caption = ParagraphStyle("Caption", parent=CELL, alignment=TA_CENTER, textColor=GREY)
    left = [garden_drawing(), Paragraph("Garden 6, seen from the front", caption)]
    style = TableStyle(
        [("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("LEFTPADDING", (1, 0), (1, 0), 24)],
    )
    return Table([[left, numbered]], [240, TEXT_WIDTH - 240], style=style)


def contents() -> list[Flowable]:
    """The table of contents, on the first page."""
    toc = TableOfContents(dotsMinLevel=0)
    toc.levelStyles = [ENTRY, SUBENTRY]
    title = ParagraphStyle("Contents", parent=H1, spaceBefore=0)
    return [Paragraph("Contents", title), toc, Spacer(1, 6)]


BLOCKS: dict[str, Callable[[dict[str, Any]], Flowable]] = {
    "p": lambda block: Paragraph(block["p"], BODY),
    "bullets": lambda block: listing(block["bullets"], numbered=False),
    "steps": lambda block: listing(block["steps"], numbered=True),
    "table": lambda block: grid(block["table"], block["widths"]),
    "warning": lambda block: warning(block["warning"]),
    "figure": lambda _: figure(),
}


def story(source: dict[str, Any]) -> list[Flowable]:
    """The flowables of one document; sections are numbered here, not in the text."""
    flow: list[Flowable] = [NextPageTemplate("later")]
    flow += contents() if source["contents"] else []
    section = subsection = 0
    previous = ""
    for block in source["blocks"]:
        kind = next(iter(block))
        if kind == "h1":
            section, subsection = section + 1, 0
            flow.append(Paragraph(f"{section} {block[kind]}", H1))
        elif kind == "h2":
            subsection += 1
            flow.append(Paragraph(f"{section}.{subsection} {block[kind]}", H2))
        elif kind == "rates":  # the spacer parts the table from its heading: it may be split
            flow += [Spacer(1, 1), rate_table(source["zones"])]
        elif kind in ("table", "steps") and previous not in ("h1", "h2"):
            flow.append(KeepTogether([BLOCKS[kind](block)]))
        else:
            flow.append(BLOCKS[kind](block))
        previous = kind
    return flow


def main() -> None:
    (HERE / "pdfs").mkdir(exist_ok=True)
    for name in DOCUMENTS:
        source = tomllib.loads((HERE / "pdf_sources" / f"{name}.toml").read_text("utf-8"))
        Report(HERE / "pdfs" / f"{name}.pdf", source).multiBuild(story(source))


if __name__ == "__main__":
    main()
