"""Raw content in, Document out: the one door to the readers."""

from collections.abc import Callable

from chunkers.document import Content, ContentType, Document, Format
from chunkers.errors import ExtractError
from chunkers.readers.html import read_html
from chunkers.readers.markdown import read_markdown
from chunkers.readers.pdf import read_pdf
from chunkers.readers.records import read_record
from chunkers.readers.text import read_text

EXTRACTOR_VERSION = "2"
"""Part of every build's fingerprint: raised whenever the same bytes would give another Document."""

READERS: dict[Format, Callable[[Content], Document]] = {
    Format.HTML: read_html,
    Format.MARKDOWN: read_markdown,
    Format.TEXT: read_text,
    Format.PDF: read_pdf,
    Format.JSON: read_record,
}

FORMATS: dict[ContentType, tuple[Format, ...]] = {
    ContentType.ARTICLE: (Format.HTML, Format.MARKDOWN, Format.TEXT, Format.JSON),
    ContentType.FAQ: (Format.JSON,),
    ContentType.SNIPPET: (Format.JSON, Format.MARKDOWN, Format.TEXT),
    ContentType.PDF: (Format.PDF,),
}


def extract(content: Content) -> Document:
    """Read the content. Raises ExtractError with a reason that a data engineer can act on."""
    accepted = FORMATS[content.content_type]
    if content.format not in accepted:
        valid = ", ".join(accepted)
        raise ExtractError(
            f"format {content.format} cannot be read as {content.content_type}; valid: {valid}"
        )
    if not content.data.strip():
        raise ExtractError("the file is empty")
    return READERS[content.format](content)
