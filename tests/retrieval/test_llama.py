"""Passages as a LlamaIndex retriever."""

import asyncio

from chunkers import extract
from indexers.sources import Entry
from retrieval.llama import PassagesRetriever
from retrieval.query import Query
from tests.conftest import HelpCentre


def test_passages_come_as_nodes_with_their_relevance_and_span(help_centre: HelpCentre) -> None:
    limits = Query(text="", max_passages=1, deadline_ms=30_000)
    (found,) = PassagesRetriever(help_centre.engine, limits).retrieve("how do I pause my plan?")
    assert found.node.metadata["title"] == "Pause your plan or skip a box"
    assert found.score is not None
    assert found.score > 0.5
    source = help_centre.catalog["articles"].build.source
    documents = {entry.id: entry for entry in source.list({}) if isinstance(entry, Entry)}
    text = extract(source.read(documents[found.node.ref_doc_id or ""])).text
    start, end = found.node.start_char_idx, found.node.end_char_idx  # type: ignore[attr-defined]
    assert text[start:end] == found.node.get_content()


def test_nothing_is_returned_where_nothing_answers(help_centre: HelpCentre) -> None:
    limits = Query(text="", min_relevance=1.0, deadline_ms=30_000)
    assert PassagesRetriever(help_centre.engine, limits).retrieve("pause") == []


def test_it_retrieves_inside_a_running_event_loop_too(help_centre: HelpCentre) -> None:
    async def in_a_notebook() -> int:
        limits = Query(text="", max_passages=1, deadline_ms=30_000)
        return len(PassagesRetriever(help_centre.engine, limits).retrieve("pause my plan"))

    assert asyncio.run(in_a_notebook()) == 1
