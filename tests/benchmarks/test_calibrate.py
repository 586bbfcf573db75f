"""The command, on small real indexes."""

import json
from pathlib import Path

import pytest
import yaml

from benchmarks.__main__ import FAILED, WRONG, main
from tests.benchmarks.conftest import write_lines

SUITE = """\
datasets:
  help: {form: retrieval, path: help}
  birds: {form: retrieval, path: birds}
  out_of_scope: {form: out_of_scope, path: clinc}
"""

BIRDS = {
    "heron": ("The grey heron stands in shallow water and waits for fish.", "what does it eat"),
    "owl": ("The barn owl hunts mice at night and hears them in the grass.", "who hunts at night"),
    "swift": (
        "The swift sleeps in the air and lands only to raise its young.",
        "who sleeps flying",
    ),
}


@pytest.fixture
def suite(tmp_path: Path, data: Path) -> Path:
    corpus = [{"_id": name, "title": name, "text": text} for name, (text, _) in BIRDS.items()]
    write_lines(data / "birds" / "corpus.jsonl", corpus)
    queries = [{"_id": f"q-{name}", "text": text} for name, (_, text) in BIRDS.items()]
    write_lines(data / "birds" / "queries.jsonl", queries)
    qrels = "".join(f"q-{name}\t{name}\t1\n" for name in BIRDS)
    header = "query-id\tcorpus-id\tscore\n"
    (data / "birds" / "qrels.tsv").write_text(header + qrels, encoding="utf-8")
    (data / "clinc").mkdir()
    oos = json.dumps({"oos_test": [["what is the dow today", "oos"], ["count to ten", "oos"]]})
    (data / "clinc" / "data_full.json").write_text(oos, encoding="utf-8")
    path = tmp_path / "calibrate.yaml"
    path.write_text(SUITE, encoding="utf-8")
    return path


@pytest.fixture
def arguments(suite: Path, data: Path, tmp_path: Path) -> list[str]:
    places = ["--data", str(data), "--data-dir", str(tmp_path / "indexes")]
    return ["calibrate", str(suite), *places]


def test_what_is_printed_goes_into_a_catalog(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == "# article"
    coefficients = yaml.safe_load(lines[1])["relevance"]
    assert list(coefficients) == ["intercept", "fused", "crowd", "terms"]
    assert coefficients["fused"] > 0
    assert "fitted without birds, on it" in printed.out
    assert "birds: questions of out_of_scope" in printed.err


def test_json_for_a_program(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["article"]
    # Two of its own, one that nothing answers, three about birds, two about nothing; and so on.
    assert found["quality"]["questions"] == (2 + 1 + 3 + 2) + (3 + 3 + 2)
    assert found["quality"]["auroc"] > 0.9
    assert set(found["left_out"]) == {"help", "birds"}
    first, *_, last = found["thresholds"]
    assert first["kept"] >= last["kept"]
    assert first["refused"] <= last["refused"]


def test_a_search_that_cannot_be_is_named(
    tmp_path: Path, suite: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    suite.write_text(SUITE + "search: {strategy: magic}\n", encoding="utf-8")
    assert main(arguments) == WRONG
    assert "calibrate.yaml:5: unknown strategy 'magic'" in capsys.readouterr().err
    assert list((tmp_path / "indexes" / "store" / "collections").iterdir()) == []
    suite.write_text(SUITE + "measures: [nDCG@10]\n", encoding="utf-8")
    assert main(arguments) == WRONG
    assert "calibrate.yaml:5: unknown key 'measures'" in capsys.readouterr().err


def test_questions_alone_are_not_enough(
    suite: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    suite.write_text("datasets:\n  oos: {form: out_of_scope, path: clinc}\n", encoding="utf-8")
    assert main(arguments) == FAILED
    assert "no data set of the suite has documents" in capsys.readouterr().err
