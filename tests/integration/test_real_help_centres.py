"""Real content that is not part of the project: indexed, and answering questions."""

import asyncio
import json
from pathlib import Path

import pytest

from indexers.build import Report, reindex
from indexers.catalog import load_catalog
from indexers.state import State
from indexers.store.edge import EdgeStore
from retrieval.engine import Engine
from retrieval.pipeline import retrieve
from retrieval.query import Query, Retrieved

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there")


def indexed(folder: Path, source: str, content_type: str, filters: str = "{}") -> Engine:
    """An engine over one index, of which nothing failed."""
    catalog = folder / "catalog.yaml"
    catalog.write_text(
        f"indexes:\n  real:\n    content_type: {content_type}\n"
        f"    source: {source}\n    filters: {filters}\n"
    )
    specs = load_catalog(catalog)
    store, state = EdgeStore(folder / "store"), State(folder / "passages.db")
    report: Report = reindex(specs["real"], store, state)
    assert not report.failures
    assert report.chunks_generated == report.chunks_stored > 0
    return Engine(specs, store, state)


def asked(engine: Engine, text: str, **more: object) -> Retrieved:
    query = Query(text=text, deadline_ms=30_000, **more)  # type: ignore[arg-type]
    return asyncio.run(retrieve(engine, query))


def test_a_help_centre_in_four_languages(tmp_path: Path) -> None:
    source = f"{{kind: directory, path: {DATA}/help_logingov/articles}}"
    engine = indexed(tmp_path, source, "article")
    found = asked(engine, "How do I change the phone number associated with my account?")
    assert "phone" in found.passages[0].document.title.lower()
    spanish = asked(engine, "¿cómo elimino mi cuenta?")
    assert any("_es.md" in passage.document.id for passage in spanish.passages)
    assert not asked(engine, "how long do I boil an egg").answerable
    engine.close()


def test_forum_faqs(tmp_path: Path) -> None:
    rows = map(json.loads, (DATA / "stackfaq" / "corpus.jsonl").read_text().splitlines())
    lines = [
        json.dumps({"id": row["_id"], "question": row["title"], "answer": row["text"]})
        for row in rows
    ]
    (tmp_path / "faqs.jsonl").write_text("\n".join(lines))
    engine = indexed(tmp_path, "{kind: jsonl, path: faqs.jsonl}", "faq")
    questions = (DATA / "stackfaq" / "queries.jsonl").read_text().splitlines()[::50]
    qrels = (DATA / "stackfaq" / "qrels.tsv").read_text().splitlines()[1:]
    right = {tuple(line.split("\t")[:2]) for line in qrels}
    first = 0
    for question in map(json.loads, questions):
        passages = asked(engine, question["text"]).passages
        first += bool(passages) and (question["_id"], passages[0].document.id) in right
    assert first >= 0.8 * len(questions)
    engine.close()


def test_company_filings_in_pdf(tmp_path: Path) -> None:
    for company in ("AAPL", "NVDA"):
        name = f"2023 Q1 {company}.pdf"
        (tmp_path / "pdfs").mkdir(exist_ok=True)
        (tmp_path / "pdfs" / name).symlink_to(DATA / "docugami_10q" / "pdfs" / name)
    engine = indexed(tmp_path, "{kind: directory, path: pdfs}", "pdf")
    found = asked(engine, "What was NVIDIA's revenue from data centers?")
    assert found.passages[0].document.id == "2023 Q1 NVDA.pdf"
    assert found.passages[0].page
    engine.close()
