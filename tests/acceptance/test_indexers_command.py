"""python -m indexers, as a data engineer types it."""

import signal
from pathlib import Path

import pytest

from tests.acceptance.commands import run, start
from tests.builders import FAQS, faq, write_jsonl

TWO = [faq("a"), faq("b")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "catalog.yaml").write_text(FAQS)
    write_jsonl(tmp_path / "faqs.jsonl", TWO)
    return tmp_path


def test_from_the_first_run_to_the_status(folder: Path) -> None:
    before = run(folder, "indexers", "status")
    assert before.code == 0
    assert "never indexed" in before.out
    assert "data holds no state: nothing was indexed there" in before.err
    assert not (folder / "data").exists(), "to look is not to make one"
    first = run(folder, "indexers", "reindex")
    assert first.code == 0
    assert first.err.splitlines()[0] == "faqs: listing"
    assert "faqs: switching 2/2 documents" in first.err
    assert "chunks generated" in first.out
    assert "\x1b" not in first.out + first.err
    again = run(folder, "indexers", "reindex", "faqs", "--json")
    assert again.code == 0
    assert set(again.json) == {"reports", "errors"}
    assert again.json["errors"] == {}
    (report,) = again.json["reports"]
    counts = ("scanned", "new", "changed", "unchanged", "deleted", "kept")
    assert [report[name] for name in counts] == [2, 0, 0, 2, 0, 0]
    assert (report["chunks_generated"], report["chunks_stored"]) == (0, 2)
    assert (report["failures"], report["skipped"]) == ([], [])
    status = run(folder, "indexers", "status", "--json")
    (row,) = status.json
    assert (row["index"], row["documents"], row["chunks"]) == ("faqs", 2, 2)
    assert row["collection"] == report["collection"]
    assert row["current"] is True
    assert "faqs" in run(folder, "indexers", "status").out


def test_a_bad_document_is_an_exit_code_of_1_and_a_name(folder: Path) -> None:
    write_jsonl(folder / "faqs.jsonl", [*TWO, "{broken", faq("a")])
    done = run(folder, "indexers", "reindex")
    assert done.code == 1
    assert "failed   faqs: faqs.jsonl:3: not JSON" in done.out
    assert "failed   faqs: faqs.jsonl:4: id 'a' is taken by faqs.jsonl:1" in done.out


def test_a_dry_run_indexes_nothing(folder: Path) -> None:
    done = run(folder, "indexers", "reindex", "--dry-run", "--json")
    assert done.code == 0
    (report,) = done.json["reports"]
    assert (report["dry_run"], report["new"], report["chunks_stored"]) == (True, 2, 0)
    assert run(folder, "indexers", "status", "--json").json[0]["build"] is None


@pytest.mark.parametrize(
    ("catalog", "words", "said"),
    [
        (FAQS, ["reindex", "faq"], "no index 'faq'; the catalog has: faqs"),
        (FAQS + "    colour: red\n", ["reindex"], "catalog.yaml:5: unknown key 'colour'; valid"),
        (FAQS + "    search: {top: 3}\n", ["reindex"], "catalog.yaml:5: unknown key 'top'; valid"),
        (FAQS.replace("jsonl,", "ftp,"), ["status"], "catalog.yaml:4: unknown kind 'ftp'; valid:"),
        (None, ["reindex"], "catalog.yaml: cannot be read: No such file or directory"),
        (FAQS, ["reindex", "--quickly"], "unrecognized arguments: --quickly"),
    ],
)
def test_what_is_wrong_is_an_exit_code_of_2_before_anything_is_touched(
    folder: Path, catalog: str | None, words: list[str], said: str
) -> None:
    (folder / "catalog.yaml").unlink()
    if catalog is not None:
        (folder / "catalog.yaml").write_text(catalog)
    done = run(folder, "indexers", *words)
    assert done.code == 2
    assert said in done.err
    assert not (folder / "data").exists()


def test_one_index_that_stops_does_not_hold_up_the_others(folder: Path) -> None:
    other = "  gone:\n    content_type: faq\n    source: {kind: jsonl, path: gone.jsonl}\n"
    (folder / "catalog.yaml").write_text(FAQS.replace("indexes:\n", f"indexes:\n{other}"))
    done = run(folder, "indexers", "reindex", "--json")
    assert done.code == 1
    assert [report["index"] for report in done.json["reports"]] == ["faqs"]
    assert list(done.json["errors"]) == ["gone"]
    assert "gone.jsonl is not a file" in done.json["errors"]["gone"]


def test_a_source_that_lists_nothing_stops_and_says_how_to_go_on(folder: Path) -> None:
    assert run(folder, "indexers", "reindex").code == 0
    (folder / "faqs.jsonl").write_text("")
    done = run(folder, "indexers", "reindex")
    assert done.code == 1
    assert "stopped  faqs:" in done.out
    assert "--allow-shrink" in done.out
    done = run(folder, "indexers", "reindex", "--allow-shrink", "--json")
    assert done.code == 0
    assert done.json["reports"][0]["deleted"] == 2


def test_a_data_folder_that_cannot_be_made_is_said(folder: Path) -> None:
    done = run(folder, "indexers", "reindex", "--data-dir", "catalog.yaml")
    assert done.code == 3
    assert "Not a directory" in done.err or "File exists" in done.err


def test_a_run_that_is_killed_is_taken_up_where_it_was(folder: Path) -> None:
    many = [faq(f"n{number}", f"Why {number}?", "Because. " * 20) for number in range(1500)]
    write_jsonl(folder / "faqs.jsonl", many)
    process = start(folder, "indexers", "reindex")
    assert process.stderr is not None
    for line in process.stderr:
        if "indexing" in line:  # The first batch is stored.
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = run(folder, "indexers", "reindex", "--json")
    assert done.code == 0
    (report,) = done.json["reports"]
    assert report["scanned"] == report["chunks_stored"] == 1500
    assert report["unchanged"] >= 500
    assert report["switched"] is True
