"""Passages as a LlamaIndex retriever, for chatbots that are built with LlamaIndex."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, TextNode
from llama_index.core.schema import RelatedNodeInfo as Related

from retrieval.engine import Engine
from retrieval.pipeline import retrieve
from retrieval.query import Passage, Query


class PassagesRetriever(BaseRetriever):
    """Returns passages as nodes; the score is the relevance, and nothing is returned where
    nothing answers.
    """

    def __init__(self, engine: Engine, query: Query | None = None) -> None:
        """Retrieve from an engine; `query` holds the indexes, filters and limits of each call.

        Raises, when it retrieves, what `retrieval.pipeline.retrieve` raises.
        """
        super().__init__()
        self._passages_engine = engine
        self._limits = query or Query(text="")

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        query = replace(self._limits, text=query_bundle.query_str)
        retrieved = await retrieve(self._passages_engine, query)
        return [_node(passage) for passage in retrieved.passages]

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        # In a thread of its own, since a notebook's already runs an event loop.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, self._aretrieve(query_bundle)).result()


def _node(passage: Passage) -> NodeWithScore:
    document = passage.document
    node = TextNode(
        id_=passage.id,
        text=passage.text,
        start_char_idx=passage.span.start,
        end_char_idx=passage.span.end,
        relationships={NodeRelationship.SOURCE: Related(node_id=document.id)},
        metadata={
            "index": passage.index,
            "title": document.title,
            "url": document.url,
            "heading_path": " > ".join(passage.heading_path),
            "page": passage.page,
        },
    )
    return NodeWithScore(node=node, score=passage.relevance)
