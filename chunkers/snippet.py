"""Chunks of snippets: canned answers, whole."""

from dataclasses import dataclass

from chunkers.article import ArticleChunker
from chunkers.context import ContextBudget
from chunkers.document import Chunk, Document, TokenCounter
from chunkers.emit import Cut, chunks_of
from chunkers.splitting import Costs
from chunkers.validation import check_range


@dataclass(frozen=True, slots=True, kw_only=True)
class SnippetChunker:
    """Keeps a snippet whole; one over `max_tokens` is cut as an article. Its title is context."""

    max_tokens: int = 200
    context_tokens: int = 40

    def __post_init__(self) -> None:
        check_range("max_tokens", self.max_tokens, 8, 8192)
        check_range("context_tokens", self.context_tokens, 0, 8192)

    def chunk(self, document: Document, *, build: str, count: TokenCounter) -> list[Chunk]:
        """Cut a snippet into chunks, in order; `count` counts the embedder's tokens."""
        costs = Costs(count, self.max_tokens)
        if costs([document.text])[0] <= self.max_tokens:
            context = ContextBudget(self.context_tokens, count).headed(document.title, ())
            first, last = document.blocks[0], document.blocks[-1]
            return chunks_of(document, build, [Cut(first.start, last.end, context)])
        article = ArticleChunker(max_tokens=self.max_tokens, context_tokens=self.context_tokens)
        return article.chunk(document, build=build, count=count)
