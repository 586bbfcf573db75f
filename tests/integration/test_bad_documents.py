"""Documents that cannot be read: each is named with its reason, and nothing else is lost."""

from io import BytesIO

import pypdfium2  # type: ignore[import-untyped]
import pytest

from indexers.build import Report
from tests.builders import Site, faq, reasons
from tests.chunkers.pdfs import Word, pdf

CATALOG = """\
indexes:
  articles:
    content_type: article
    source: {kind: directory, path: articles}
  manuals:
    content_type: pdf
    source: {kind: directory, path: manuals}
  faqs:
    content_type: faq
    source: {kind: jsonl, path: faqs.jsonl}
"""
GOOD = "# Watering\n\nWater the basil every day in summer.\n"


def page_of(text: str, trailer: str = "") -> bytes:
    """A PDF of a page with one line of text."""
    return pdf([[Word(72, 700, text)]], trailer=trailer)


def encrypted(text: str) -> bytes:
    """The same page behind a password."""
    key = "5a" * 32
    lock = f"/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{key}> /U <{key}> >>"
    return page_of(text, f"{lock} /ID [<00> <00>]")


def scanned(text: str) -> bytes:
    """The same page as a scanner gives it: a picture, without any text."""
    with pypdfium2.PdfDocument(page_of(text)) as source, pypdfium2.PdfDocument.new() as target:
        picture = source[0].render(scale=1)
        image = pypdfium2.PdfImage.new(target)
        image.set_bitmap(picture)
        image.set_matrix(pypdfium2.PdfMatrix().scale(612, 792))
        page = target.new_page(612, 792)
        page.insert_obj(image)
        page.gen_content()
        buffer = BytesIO()
        target.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def reports(site: Site) -> dict[str, Report]:
    site.catalog = CATALOG
    site.articles(
        {
            "good.md": GOOD,
            "empty.md": "",
            "blank.html": " \n\n ",
            "binary.md": bytes(range(256)),
            "latin.md": "caf\xe9 ".encode("latin-1") * 10,
            "no body.html": "<html><head><title>Nothing</title></head></html>",
            "only-script.html": "<html><body><script>let a = 1</script></body></html>",
            "image.png": b"\x89PNG",
        }
    )
    whole = page_of("A manual of one line that says how to water the basil.")
    folder = site.folder / "manuals"
    folder.mkdir()
    (folder / "good.pdf").write_bytes(whole)
    (folder / "encrypted.pdf").write_bytes(encrypted("Nobody reads this."))
    (folder / "truncated.pdf").write_bytes(whole[: len(whole) // 3])
    (folder / "not-a-pdf.pdf").write_bytes(b"<html>404 not found</html>")
    (folder / "scanned.pdf").write_bytes(scanned("A picture of text."))
    (folder / "empty.pdf").write_bytes(b"")
    site.faqs(faq("good"), "{not json", faq("good", answer="A second one."), faq("fine"))
    return {name: site.reindex(name) for name in site.specs()}


def test_articles(reports: dict[str, Report]) -> None:
    found = reasons(reports["articles"])
    assert set(found) == {
        "empty.md",
        "blank.html",
        "binary.md",
        "latin.md",
        "no body.html",
        "only-script.html",
    }
    assert "empty" in found["empty.md"]
    assert "empty" in found["blank.html"]
    assert "binary" in found["binary.md"]
    assert "UTF-8" in found["latin.md"]
    assert found["no body.html"]
    assert found["only-script.html"]
    assert [skip.where for skip in reports["articles"].skipped] == ["image.png"]


def test_pdfs(reports: dict[str, Report]) -> None:
    found = reasons(reports["manuals"])
    assert set(found) == {
        "encrypted.pdf",
        "truncated.pdf",
        "not-a-pdf.pdf",
        "scanned.pdf",
        "empty.pdf",
    }
    assert "password" in found["encrypted.pdf"]
    assert "damaged" in found["truncated.pdf"] or "not" in found["truncated.pdf"]
    assert "text" in found["scanned.pdf"]
    assert "empty" in found["empty.pdf"]


def test_lines(reports: dict[str, Report]) -> None:
    found = reasons(reports["faqs"])
    assert set(found) == {"faqs.jsonl:2", "faqs.jsonl:3"}
    assert "not JSON" in found["faqs.jsonl:2"]
    assert found["faqs.jsonl:3"] == "id 'good' is taken by faqs.jsonl:1"


def test_nothing_else_is_lost(site: Site, reports: dict[str, Report]) -> None:
    assert {name: report.chunks_stored for name, report in reports.items()} == {
        "articles": 1,
        "manuals": 1,
        "faqs": 2,
    }
    text = site.points(reports["articles"].collection)["good.md#0"][1]["text"]
    assert "Water the basil every day" in text
    text = site.points(reports["manuals"].collection)["good.pdf#0"][1]["text"]
    assert "how to water the basil" in text
