"""A PDF as a document."""

import re

from chunkers.document import JSON, Content, Document
from chunkers.errors import ExtractError
from chunkers.readers.builder import TextBuilder
from chunkers.readers.pdf.flow import (
    Typography,
    flow_text,
    flows,
    list_groups,
    vocabulary_of,
)
from chunkers.readers.pdf.furniture import without_furniture
from chunkers.readers.pdf.lines import lines_of
from chunkers.readers.pdf.pdfium import Source, load

# What word processors and converters write into the title field.
_NO_TITLE = re.compile(
    r"untitled|microsoft word|powerpoint|\.(?:docx?|pdf|indd|tex|pptx?|html?)$|^[\d\W]*$", re.I
)


def read_pdf(content: Content) -> Document:
    """Read a PDF's text in reading order; its blocks carry the page that they start on.

    Running headers and footers are dropped, words that line ends broke are made whole, tables
    become pipe tables. The title is the content's, else the file's own, else its first heading;
    the locale is the content's, else the language that the file says it is in.
    Pages that hold a picture and no text are listed in metadata's `pages_without_text`.
    """
    source = load(content.data)
    if not any(page.runs for page in source.pages):
        raise ExtractError(
            "no text layer; run OCR first" if source.pages else "the PDF has no pages"
        )
    builder, heading = _text(source)
    textless: list[JSON] = [page.number for page in source.pages if page.pictured]
    own = {"pages_without_text": textless} if textless else {}
    title = "" if _NO_TITLE.search(source.title) else " ".join(source.title.split())
    return Document(
        id=content.id,
        content_type=content.content_type,
        text=builder.text(),
        blocks=tuple(builder.blocks),
        revision=content.revision,
        title=content.title or title or heading,
        url=content.url,
        locale=content.locale or source.language,
        updated_at=content.updated_at,
        metadata={**own, **content.metadata},
    )


def _text(source: Source) -> tuple[TextBuilder, str]:
    """Return the text with its blocks, and the first heading."""
    pages = [lines_of(page) for page in source.pages]
    kept = [line for lines in without_furniture(pages) for line in lines]
    lines = kept or [line for page in pages for line in page]  # a form that is one page, repeated
    style = Typography.of(lines, source.outline)
    words = vocabulary_of(lines)
    builder, heading = TextBuilder(), ""
    for group in list_groups(flows(lines, style)):
        first = group[0]
        text = "\n".join(flow_text(flow, words) for flow in group)
        builder.add(first.kind, text, level=first.level, page=first.page)
        heading = heading or (text if first.level else "")
    return builder, heading
