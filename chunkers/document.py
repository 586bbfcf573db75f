"""The values that flow from raw content to the index: Content, Document, Block, Chunk."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

JSON = str | int | float | bool | None | Sequence["JSON"] | Mapping[str, "JSON"]

TokenCounter = Callable[[Sequence[str]], list[int]]
"""Counts the tokens of each text, special tokens excluded and nothing truncated."""

_CHUNK_IDS = uuid.UUID("6f1d3c52-6d6e-5b7e-9b8a-0c7d8a5f4e21")


class ContentType(StrEnum):
    """The kinds of content that Passages indexes, each with a chunker of its own."""

    ARTICLE = "article"
    FAQ = "faq"
    SNIPPET = "snippet"
    PDF = "pdf"


class Format(StrEnum):
    """How the bytes of a Content are to be read."""

    HTML = "html"
    MARKDOWN = "markdown"
    TEXT = "text"
    PDF = "pdf"
    JSON = "json"


class BlockKind(StrEnum):
    """The structural role of a stretch of a document's text."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One document as its source gives it, not yet read.

    `revision` is a hash of everything here that can change what is indexed; two equal revisions
    of one id are the same document.
    """

    id: str
    content_type: ContentType
    format: Format
    data: bytes
    revision: str
    title: str = ""
    url: str | None = None
    locale: str | None = None
    updated_at: str | None = None
    metadata: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`text[start:end]` of a document, with its role.

    Blocks are in order, do not overlap and are never empty; only white space lies between them.
    `level` is 1 to 6 for a heading and 0 elsewhere; `page` counts from 1, in PDFs only.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Extracted text with its structure; offsets are in Python characters of `text`.

    `title` is empty where the content names none. `questions` are the ways users ask for what the
    document answers: a FAQ's question first, then its variants.
    """

    id: str
    content_type: ContentType
    text: str
    blocks: tuple[Block, ...]
    revision: str
    title: str = ""
    questions: tuple[str, ...] = ()
    url: str | None = None
    locale: str | None = None
    updated_at: str | None = None
    metadata: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a reader of the chunk alone would miss: kept apart, joined only for embedding."""

    title: str = ""
    heading_path: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A span of a document: `document.text[start:end] == text`, always.

    `tokens` counts the text in cl100k_base, the unit of a prompt's budget. `page` is where the
    chunk starts, counted from 1, in PDFs only.
    """

    id: str
    document_id: str
    start: int
    end: int
    text: str
    context: Context
    tokens: int
    page: int | None = None


def chunk_id(build: str, document_id: str, start: int, end: int) -> str:
    """UUIDv5 (RFC 9562) of build, document and span: the same content gives the same id."""
    return str(uuid.uuid5(_CHUNK_IDS, f"{build}\n{document_id}\n{start}\n{end}"))
