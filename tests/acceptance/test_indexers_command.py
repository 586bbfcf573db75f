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
    assert "faqs: done 2/2 documents" in first.err
    assert "chunks generated" in first.out
    assert "\x1b" not in first.out + first.err
    again = run(folder, "indexers", "reindex", "faqs", "--json")
    assert again.code == 0
    assert set(again.json) == {"jobs", "errors"}
    assert again.json["errors"] == {}
    (job,) = again.json["jobs"]
    counts = ("scanned", "new", "modified", "unchanged", "deleted", "skipped", "failed", "kept")
    assert [job["documents"][name] for name in counts] == [2, 0, 0, 2, 0, 0, 0, 0]
    assert (job["chunks"]["generated"], job["chunks"]["stored"]) == (0, 2)
    assert (job["state"], job["failures"], job["error"]) == ("succeeded", [], None)
    status = run(folder, "indexers", "status", "--json")
    (row,) = status.json
    assert (row["index"], row["documents"], row["chunks"]) == ("faqs", 2, 2)
    assert row["collection"] == job["collection"]
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
    (job,) = done.json["jobs"]
    assert (job["dry_run"], job["documents"]["new"], job["chunks"]["stored"]) == (True, 2, None)
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
    gone, faqs = done.json["jobs"]
    assert (gone["index"], gone["state"]) == ("gone", "failed")
    assert "gone.jsonl is not a file" in gone["error"]
    assert (faqs["index"], faqs["state"]) == ("faqs", "succeeded")


def test_a_source_that_lists_nothing_stops_and_says_how_to_go_on(folder: Path) -> None:
    assert run(folder, "indexers", "reindex").code == 0
    (folder / "faqs.jsonl").write_text("")
    done = run(folder, "indexers", "reindex")
    assert done.code == 1
    assert "stopped  faqs:" in done.out
    assert "--allow-shrink" in done.out
    done = run(folder, "indexers", "reindex", "--allow-shrink", "--json")
    assert done.code == 0
    assert done.json["jobs"][0]["documents"]["deleted"] == 2


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
        if "indexing 512" in line or "indexing 1024" in line:  # A batch is stored.
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = run(folder, "indexers", "reindex", "--json")
    assert done.code == 0
    assert "is at work already" in done.err
    (job,) = done.json["jobs"]
    assert job["state"] == "succeeded"
    assert job["documents"]["scanned"] == job["chunks"]["stored"] == 1500
    # A batch that was embedded and not stored when the process died is not embedded again.
    assert job["chunks"]["embedded"] + job["chunks"]["reused"] == 1500
    assert job["chunks"]["embedded"] >= 512
    assert job["switches"] is True
