"""Raw content in, Document out; Document in, Chunks out. No files, no network, no models."""

from typing import Protocol

from chunkers.article import ArticleChunker
from chunkers.document import (
    JSON,
    Block,
    BlockKind,
    Chunk,
    Content,
    ContentType,
    Context,
    Document,
    Format,
    TokenCounter,
    chunk_id,
)
from chunkers.errors import ChunkersError, ExtractError, SpanError
from chunkers.extract import EXTRACTOR_VERSION, FORMATS, extract
from chunkers.faq import FaqChunker
from chunkers.llama import LlamaSentenceSplitter
from chunkers.pdf import PdfChunker
from chunkers.recursive import RecursiveSplitter
from chunkers.sentences import sentence_spans
from chunkers.snippet import SnippetChunker
from chunkers.tokens import count_cl100k, count_cl100k_batch


class Chunker(Protocol):
    """A frozen dataclass: its fields are its configuration and its identity."""

    def chunk(self, document: Document, *, build: str, count: TokenCounter) -> list[Chunk]:
        """Cut a document into chunks in order, with ids that `build` makes unique."""


CHUNKERS: dict[str, type] = {
    "article": ArticleChunker,
    "faq": FaqChunker,
    "snippet": SnippetChunker,
    "pdf": PdfChunker,
    "sentence_splitter": LlamaSentenceSplitter,
    "recursive": RecursiveSplitter,
}

__all__ = [
    "CHUNKERS",
    "EXTRACTOR_VERSION",
    "FORMATS",
    "JSON",
    "ArticleChunker",
    "Block",
    "BlockKind",
    "Chunk",
    "Chunker",
    "ChunkersError",
    "Content",
    "ContentType",
    "Context",
    "Document",
    "ExtractError",
    "FaqChunker",
    "Format",
    "LlamaSentenceSplitter",
    "PdfChunker",
    "RecursiveSplitter",
    "SnippetChunker",
    "SpanError",
    "TokenCounter",
    "chunk_id",
    "count_cl100k",
    "count_cl100k_batch",
    "extract",
    "sentence_spans",
]
