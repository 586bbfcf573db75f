"""Chunks of PDFs: as of articles, each with the page it starts on."""

from dataclasses import dataclass

from chunkers.article import ArticleChunker
from chunkers.document import Chunk, Document, TokenCounter


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfChunker:
    """Packs a PDF's blocks by the rules and the fields of ArticleChunker.

    A chunk's page is that of the block it starts in, where that block starts.
    """

    max_tokens: int = 200
    overlap_tokens: int = 0
    context_tokens: int = 40
    min_tokens: int = 40

    def __post_init__(self) -> None:
        self._article()

    def chunk(self, document: Document, *, build: str, count: TokenCounter) -> list[Chunk]:
        """Cut a PDF's text into chunks, in order; `count` counts the embedder's tokens."""
        return self._article().chunk(document, build=build, count=count)

    def _article(self) -> ArticleChunker:
        return ArticleChunker(
            max_tokens=self.max_tokens,
            overlap_tokens=self.overlap_tokens,
            context_tokens=self.context_tokens,
            min_tokens=self.min_tokens,
        )
