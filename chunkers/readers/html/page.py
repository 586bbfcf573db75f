"""A page: its encoding, its article, its title; the blocks come from `walk`."""

import warnings

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning
from bs4.dammit import EncodingDetector

from chunkers.document import Content, Document
from chunkers.errors import ExtractError
from chunkers.readers.builder import TextBuilder
from chunkers.readers.html.inline import inline_text
from chunkers.readers.html.noise import is_noise
from chunkers.readers.html.walk import Part, parts_of
from chunkers.readers.text import clean, decode


def read_html(content: Content) -> Document:
    """Read a page's article as text: headings, lists, tables and code written as Markdown.

    Scripts, navigation, site headers and footers, asides, forms, cookie banners and hidden parts
    are left out; links are their text and images their alternative text. The title is the
    content's, else the first <h1>, else <title>.
    """
    soup = _soup(content.data)
    parts = _article_parts(soup)
    builder = TextBuilder()
    for part in parts:
        builder.add(part.kind, part.text, level=part.level)
    if not builder.blocks:
        raise ExtractError("the HTML has no visible text in its body")
    return Document(
        id=content.id,
        content_type=content.content_type,
        text=builder.text(),
        blocks=tuple(builder.blocks),
        revision=content.revision,
        title=content.title or _title(soup),
        url=content.url or _canonical(soup),
        locale=content.locale or _language(soup),
        updated_at=content.updated_at or _modified(soup),
        metadata=content.metadata,
    )


def _soup(data: bytes) -> BeautifulSoup:
    with warnings.catch_warnings():
        # XHTML declares itself as XML; the HTML parser reads it all the same.
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        return BeautifulSoup(_decoded(data), "lxml")


def _decoded(data: bytes) -> str:
    """Decode as UTF-8, else as the page declares; a wrong declaration is an ExtractError."""
    declared = EncodingDetector.find_declared_encoding(data, is_html=True)
    try:
        return decode(data)
    except ExtractError as not_utf8:
        if not declared or b"\x00" in data:
            raise
        try:
            return clean(data.decode(declared))
        except (LookupError, UnicodeError) as exc:
            raise ExtractError(f"{not_utf8}; nor is it the declared {declared}") from exc


def _article_parts(soup: BeautifulSoup) -> list[Part]:
    """Return the parts of the innermost element that surely is the article, if it has any."""
    roots = [soup.find_all("main"), soup.find_all(role="main"), soup.find_all("article")]
    # Several <article> are cards of a list, or comments: no one of them is the page.
    certain = [found[0] for found in roots if len(found) == 1]
    for root in [*certain[:1], soup.body or soup]:
        parts = list(parts_of(root))
        if any(part.text.strip() for part in parts):
            return parts
    return []


def _title(soup: BeautifulSoup) -> str:
    headings = (tag for tag in soup.find_all("h1") if not is_noise(tag))
    titles = (inline_text(tag).replace("\n", " ") for tag in [*headings, *soup.find_all("title")])
    return next((title for title in titles if title), "")


def _canonical(soup: BeautifulSoup) -> str | None:
    link = soup.find("link", rel="canonical")
    href = link.get("href") if isinstance(link, Tag) else None
    return href.strip() or None if isinstance(href, str) else None


def _language(soup: BeautifulSoup) -> str | None:
    language = soup.html.get("lang") if soup.html else None
    return language.strip() or None if isinstance(language, str) else None


def _modified(soup: BeautifulSoup) -> str | None:
    # As in the Open Graph protocol's article type.
    meta = soup.find("meta", property="article:modified_time")
    time = meta.get("content") if isinstance(meta, Tag) else None
    return time.strip() or None if isinstance(time, str) else None
