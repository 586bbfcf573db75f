import subprocess
import sys

import pytest

from chunkers import CHUNKERS, LlamaSentenceSplitter, SpanError, count_cl100k_batch
from chunkers.llama import chunk_with
from tests.chunkers.samples import assert_sound, markdown, word_pieces


def test_importing_chunkers_does_not_import_llama_index() -> None:
    code = "import chunkers, sys; sys.exit('llama_index.core' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sizes_are_in_cl100k_tokens() -> None:
    source = "\n\n".join(f"Paragraph {n} says this and that. And more." for n in range(60))
    document = markdown(source)
    splitter = CHUNKERS["sentence_splitter"](chunk_size=50)
    chunks = splitter.chunk(document, build="b", count=word_pieces)
    assert_sound(document, chunks)
    assert max(count_cl100k_batch([chunk.text for chunk in chunks])) <= 50


def test_repeated_text_is_found_where_it_stands() -> None:
    document = markdown("Same sentence here.\n\n" * 80)
    chunks = LlamaSentenceSplitter(chunk_size=20).chunk(document, build="b", count=word_pieces)
    assert_sound(document, chunks)


def test_overlapping_chunks_keep_their_order() -> None:
    document = markdown(" ".join(f"Sentence {n} is this." for n in range(80)))
    splitter = LlamaSentenceSplitter(chunk_size=40, chunk_overlap=15)
    chunks = splitter.chunk(document, build="b", count=word_pieces)
    assert_sound(document, chunks, overlap=True)


def test_text_that_the_document_lacks_is_an_error() -> None:
    from llama_index.core.node_parser import NodeParser
    from llama_index.core.schema import BaseNode, TextNode

    class Shouting(NodeParser):
        def _parse_nodes(self, nodes, show_progress=False, **options) -> list[BaseNode]:  # type: ignore[no-untyped-def]
            return [TextNode(text=nodes[0].get_content().upper())]

    with pytest.raises(SpanError, match="does not contain: 'QUIET"):
        chunk_with(Shouting(), markdown("quiet text"), build="b")


def test_fields_are_checked() -> None:
    with pytest.raises(ValueError, match="chunk_overlap must be a whole number from 0 to 49"):
        LlamaSentenceSplitter(chunk_size=50, chunk_overlap=50)
