"""What a folder and a JSON Lines file list, and what they say of what cannot be a document."""

import json
import os
from pathlib import Path

import pytest

from chunkers import ContentType, Format
from indexers.errors import DocumentError, SourceError
from indexers.sources import Entry, Listed, Skipped, Source, Unreadable
from indexers.sources.directory import DirectorySource
from indexers.sources.jsonl import JsonlSource
from tests.builders import faq, write_files, write_jsonl


def entries(source: Source) -> dict[str, Entry]:
    return {item.id: item for item in source.list({}) if isinstance(item, Entry)}


def unreadable(source: Source) -> dict[str, Unreadable]:
    return {item.where: item for item in source.list({}) if isinstance(item, Unreadable)}


def folder(path: Path, kind: ContentType = ContentType.ARTICLE) -> DirectorySource:
    return DirectorySource(content_type=kind, path=path)


def lines(path: Path) -> JsonlSource:
    return JsonlSource(content_type=ContentType.FAQ, path=path)


def test_a_folder_lists_nested_files_in_order(tmp_path: Path) -> None:
    write_files(tmp_path, {"b.md": "b", "a/z.html": "z", "a/é ñ.TXT": "e", "a/b/c.markdown": "c"})
    assert list(entries(folder(tmp_path))) == ["a/b/c.markdown", "a/z.html", "a/é ñ.TXT", "b.md"]


def test_a_folder_passes_hidden_files_over(tmp_path: Path) -> None:
    write_files(tmp_path, {".hidden.md": "x", ".git/a.md": "x", "a/.b/c.md": "x", "d.md": "x"})
    assert [type(item) for item in folder(tmp_path).list({})] == [Entry]


def test_a_folder_says_which_files_it_skips(tmp_path: Path) -> None:
    write_files(tmp_path, {"image.png": "x", "a.md": "x", "noext": "x"})
    skipped = [item for item in folder(tmp_path).list({}) if isinstance(item, Skipped)]
    assert [item.where for item in skipped] == ["image.png", "noext"]
    assert skipped[0].reason == "not a file of type .html, .htm, .md, .markdown, .txt"


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    write_files(tmp_path, {"in/a.md": "x"})
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    assert list(entries(folder(tmp_path / "in"))) == ["a.md"]


def test_a_file_that_cannot_be_read_is_named_and_hides_nothing_else(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": "x"})
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.md")
    found = unreadable(folder(tmp_path))
    assert found["gone.md"].reason == "No such file or directory"
    assert found["pipe.md"].reason == "not a regular file"
    assert not any(item.hides_id for item in found.values())
    assert list(entries(folder(tmp_path))) == ["a.md"]


def test_a_file_name_that_is_not_utf8_is_named_in_print(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_text("x")
    (item,) = folder(tmp_path).list({})
    assert item == Unreadable(where="caf\\xe9.md", reason="its name is not UTF-8")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="none is not a folder"):
        list(folder(tmp_path / "none").list({}))


def test_a_revision_follows_the_bytes_alone(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.md": "same", "b.md": "same", "c.md": "other"})
    found = entries(folder(tmp_path))
    assert found["a.md"].revision == found["b.md"].revision != found["c.md"].revision
    os.utime(tmp_path / "a.md", (0, 0))
    assert entries(folder(tmp_path))["a.md"] == found["a.md"]


def test_a_file_is_read_with_its_format(tmp_path: Path) -> None:
    write_files(tmp_path, {"x/a.HTML": "<p>hello"})
    source = folder(tmp_path)
    content = source.read(entries(source)["x/a.HTML"])
    assert (content.id, content.format, content.data) == ("x/a.HTML", Format.HTML, b"<p>hello")


@pytest.mark.parametrize(
    ("later", "reason"), [("changed", "changed while it was being indexed"), (None, "No such file")]
)
def test_a_file_that_is_not_what_was_listed_is_not_read(
    tmp_path: Path, later: str | None, reason: str
) -> None:
    write_files(tmp_path, {"a.md": "as listed"})
    source = folder(tmp_path)
    entry = entries(source)["a.md"]
    (tmp_path / "a.md").unlink()
    if later:
        write_files(tmp_path, {"a.md": later})
    with pytest.raises(DocumentError, match=reason):
        source.read(entry)


def test_lines_are_listed_and_read_by_their_ids(tmp_path: Path) -> None:
    big = faq("big", answer="long " * 1_000_000)
    source = lines(write_jsonl(tmp_path / "f.jsonl", [faq("a"), "", faq(7), "  ", big, faq("é/ñ")]))
    found = entries(source)
    assert list(found) == ["a", "7", "big", "é/ñ"]
    assert [entry.where.removeprefix("f.jsonl:") for entry in found.values()] == list("1356")
    for id_, entry in found.items():
        content = source.read(entry)
        assert content.id == id_
        assert str(json.loads(content.data)["id"]) == id_


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a"}\r\n\r\n{"id": "b"}\r\n{"id": "c"}')
    source = lines(path)
    assert list(entries(source)) == ["a", "b", "c"]
    assert [json.loads(source.read(entry).data)["id"] for entry in entries(source).values()] == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "not JSON: "),
        (b'{"id": "caf\xe9"}', "not UTF-8 text"),
        ("[1, 2]", "not a JSON object with an 'id'"),
        ('{"question": "x"}', "not a JSON object with an 'id'"),
        ('{"id": ""}', "not a JSON object with an 'id'"),
        ('{"id": null}', "not a JSON object with an 'id'"),
        ('{"id": true}', "not a JSON object with an 'id'"),
        ('{"id": 1.5}', "not a JSON object with an 'id'"),
        ('{"id": ["a"]}', "not a JSON object with an 'id'"),
        ('{"id": ' + "9" * 5000 + "}", "not JSON: "),
        ("[" * 100_000, "not JSON: "),
        ('{"id": "\\ud800"}', "half of a surrogate pair"),
    ],
)
def test_a_line_that_is_no_document_is_named_and_may_hide_one(
    tmp_path: Path, line: str | bytes, reason: str
) -> None:
    source = lines(write_jsonl(tmp_path / "f.jsonl", [faq("a"), line, faq("b")]))
    found = unreadable(source)
    assert list(found) == ["f.jsonl:2"]
    assert reason in found["f.jsonl:2"].reason
    assert found["f.jsonl:2"].hides_id
    assert list(entries(source)) == ["a", "b"]


def test_a_file_of_lines_that_changes_after_listing_is_noticed(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "f.jsonl", [faq("a"), faq("b")])
    source = lines(path)
    entry = entries(source)["b"]
    write_jsonl(path, [faq("longer"), faq("a"), faq("b")])
    with pytest.raises(DocumentError, match="the next run takes it up"):
        source.read(entry)
    path.unlink()
    with pytest.raises(DocumentError, match="No such file"):
        source.read(entry)


def test_a_file_of_lines_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none.jsonl is not a file"):
        list(lines(tmp_path / "none.jsonl").list({}))


def test_listing_is_lazy(tmp_path: Path) -> None:
    listed = lines(write_jsonl(tmp_path / "f.jsonl", [faq("a"), "{broken"])).list({})
    first: Listed = next(iter(listed))
    assert isinstance(first, Entry)
