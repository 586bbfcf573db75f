"""Any LlamaIndex NodeParser as a chunker.

LlamaIndex takes seconds to import, so it is imported where it is first used.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from chunkers.document import Chunk, Context, Document, TokenCounter
from chunkers.emit import Cut, chunks_of
from chunkers.errors import SpanError
from chunkers.tokens import encode_cl100k
from chunkers.validation import check_range

if TYPE_CHECKING:
    from llama_index.core.node_parser import NodeParser
    from llama_index.core.schema import TextNode


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaSentenceSplitter:
    """LlamaIndex's SentenceSplitter with sizes in cl100k_base tokens, as a baseline.

    The embedder's own tokens are not counted, and the context is the title alone.
    """

    chunk_size: int = 200
    chunk_overlap: int = 0

    def __post_init__(self) -> None:
        check_range("chunk_size", self.chunk_size, 8, 8192)
        check_range("chunk_overlap", self.chunk_overlap, 0, self.chunk_size - 1)

    def chunk(self, document: Document, *, build: str, count: TokenCounter) -> list[Chunk]:
        """Cut a document into chunks, in order; `count` is not used."""
        return chunk_with(_splitter(self.chunk_size, self.chunk_overlap), document, build=build)


@lru_cache(maxsize=8)
def _splitter(chunk_size: int, chunk_overlap: int) -> "NodeParser":
    from llama_index.core.node_parser import SentenceSplitter

    return SentenceSplitter(
        chunk_size=chunk_size, chunk_overlap=chunk_overlap, tokenizer=encode_cl100k
    )


def chunk_with(parser: "NodeParser", document: Document, *, build: str) -> list[Chunk]:
    """Cut a document by a NodeParser. Raises SpanError for text that the document lacks."""
    from llama_index.core import Document as LlamaDocument
    from llama_index.core.schema import TextNode

    source = LlamaDocument(text=document.text, id_=document.id)
    nodes = parser.get_nodes_from_documents([source])
    cuts: list[Cut] = []
    for node in nodes:
        if isinstance(node, TextNode) and node.text.strip():
            start = _located(document, node, cuts[-1] if cuts else None)
            end = start + len(node.text)
            page = _page(document, start)
            cuts.append(Cut(start, end, Context(title=document.title), page))
    return chunks_of(document, build, cuts)


def _located(document: Document, node: "TextNode", before: Cut | None) -> int:
    """Return where a node's text starts: LlamaIndex searches for it and may miss."""
    text = document.text
    after = before.end if before else 0
    # Text that repeats is the text that comes next, wherever LlamaIndex found it first.
    found = text.find(node.text, after)
    if found >= 0 and not text[after:found].strip():
        return found
    start, end = node.start_char_idx, node.end_char_idx
    least = before.start + 1 if before else 0
    if start is not None and start >= least and text[start:end] == node.text:
        return start
    found = text.find(node.text, least)
    if found < 0:
        raise SpanError(
            f"{document.id}: the splitter returned text that the document does not contain: "
            f"{node.text[:60]!r}"
        )
    return found


def _page(document: Document, start: int) -> int | None:
    pages = [block.page for block in document.blocks if block.start <= start]
    return pages[-1] if pages else None
