"""Chunks of FAQs: the whole answer where it fits, with all the ways it is asked for."""

from dataclasses import dataclass, replace

from chunkers.article import ArticleChunker
from chunkers.context import ContextBudget
from chunkers.document import Chunk, Document, TokenCounter
from chunkers.emit import Cut, chunks_of
from chunkers.splitting import Costs
from chunkers.validation import check_range


@dataclass(frozen=True, slots=True, kw_only=True)
class FaqChunker:
    """Keeps question and answer in one chunk of `max_tokens`; a longer one is cut as an article.

    Every chunk has the question and as many variants as `context_tokens` hold in its context.
    """

    max_tokens: int = 200
    context_tokens: int = 40

    def __post_init__(self) -> None:
        check_range("max_tokens", self.max_tokens, 8, 8192)
        check_range("context_tokens", self.context_tokens, 0, 8192)

    def chunk(self, document: Document, *, build: str, count: TokenCounter) -> list[Chunk]:
        """Cut a FAQ into chunks, in order; `count` counts the embedder's tokens."""
        costs = Costs(count, self.max_tokens)
        context = ContextBudget(self.context_tokens, count).asked(document.questions)
        if costs([document.text])[0] <= self.max_tokens:
            first, last = document.blocks[0], document.blocks[-1]
            return chunks_of(document, build, [Cut(first.start, last.end, context)])
        article = ArticleChunker(max_tokens=self.max_tokens, context_tokens=0)
        parts = article.chunk(document, build=build, count=count)
        return [replace(part, context=context) for part in parts]
