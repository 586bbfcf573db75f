"""The arithmetic of the performance measurements, and a run of each on a few pages."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.__main__ import main
from benchmarks.performance import indexing, latency
from benchmarks.performance.memory import memory_rows, quarter_peaks
from benchmarks.performance.rows import Row, percentile, print_rows, to_json
from benchmarks.performance.workplace import Workplace, dealt


def _value(rows: list[Row], name: str) -> float:
    return next(row.value for row in rows if row.name == name)


@pytest.mark.parametrize(
    ("value", "least", "most", "met"),
    [
        (1.5, None, 1.5, True),
        (1.51, None, 1.5, False),
        (0.85, 0.85, None, True),
        (0.84, 0.85, None, False),
        (7.0, None, None, None),
    ],
)
def test_a_target_includes_its_limit(
    value: float, least: float | None, most: float | None, met: bool | None
) -> None:
    assert Row(name="x", value=value, least=least, most=most).met is met


def test_a_percentile_lies_between_its_neighbours() -> None:
    assert percentile([4, 1, 3, 2], 50) == 2.5
    assert percentile([1, 2, 3, 4, 5], 90) == pytest.approx(4.6)
    assert percentile([7], 99) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_the_table_says_what_is_met() -> None:
    rows = [
        Row(name="fast", value=1.0, unit="ms", most=2.0),
        Row(name="slow", value=3000.0, unit="ms", most=2.0),
        Row(name="told", value=5.0),
    ]
    out = io.StringIO()
    print_rows("latency", rows, Console(file=out, width=100))
    title, _, fast, slow, told, *_ = out.getvalue().splitlines()
    assert title.strip() == "latency"
    assert fast.split() == ["fast", "1.00", "ms", "≤", "2.00", "met"]
    assert slow.split() == ["slow", "3,000.00", "ms", "≤", "2.00", "not", "met"]
    assert told.split() == ["told", "5.00"]
    assert fast.index("ms") == slow.index("ms")
    assert [row["met"] for row in to_json("latency", rows)] == [True, False, None]


def test_latency_is_held_against_the_sum_of_the_raw_medians() -> None:
    rounds = [
        latency.Round(embed=[2, 2, 9], search=[1, 1, 1], http=[4, 4, 4], stages={"total": [3]}),
        latency.Round(embed=[2, 2, 2], search=[1, 1, 1], http=[5, 5, 5], stages={"total": [4]}),
    ]
    rows = latency.latency_rows(rounds)
    assert _value(rows, "sum of both") == 3
    assert _value(rows, "/retrieve over HTTP p50") == 4.5
    (target,) = (row for row in rows if row.name == "/retrieve over HTTP p50")
    assert target.most == 4.5
    assert target.met
    assert _value(rows, "/retrieve p50 as a multiple of the sum") == 1.5
    assert _value(rows, "the same, lowest of the rounds") == pytest.approx(4 / 3)
    assert _value(rows, "the same, highest of the rounds") == pytest.approx(5 / 3)
    assert _value(rows, "server's stage total p50") == 3.5


def test_indexing_is_a_share_of_the_raw_rate_in_each_round() -> None:
    rows = indexing.indexing_rows(
        [
            indexing.Round(
                texts=100, raw=raw, plain=8.0, first=10.0, again=0.1, command=1.2, start_up=1.0
            )
            for raw in (9.0, 8.0, 9.5)
        ]
    )
    assert _value(rows, "texts") == 300
    assert _value(rows, "re-index of everything") == 10
    assert _value(rows, "re-index as a share of raw with units") == 0.9
    assert _value(rows, "the same, lowest of the rounds") == 0.8
    assert _value(rows, "nothing changed, of the first run") == pytest.approx(1)
    without = "the same by the command line, without its start-up"
    assert _value(rows, without) == pytest.approx(2)


def test_memory_is_split_into_quarters_of_the_time() -> None:
    assert quarter_peaks([1, 2, 3, 4, 5, 6, 7, 8]) == [2, 4, 6, 8]
    assert quarter_peaks([3.0]) == [0, 0, 0, 3]
    job = {"documents": {"scanned": 2}, "chunks": {"stored": 5}}
    rows = memory_rows(job, 1.0, [1.0, 1.1, 1.2, 1.3])
    assert _value(rows, "peak memory") == 1.3
    assert [row.met for row in rows if row.met is not None] == [False]


def test_pages_are_dealt_in_turn() -> None:
    pages = [Path(name) for name in "abcde"]
    assert [len(share) for share in dealt(pages, 2)] == [3, 2]
    assert sorted(page for share in dealt(pages, 3) for page in share) == pages


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data sets with six pages and three questions, beside a Qdrant server in the
    environment that a measurement has to leave alone: nobody listens there."""
    monkeypatch.setenv("QDRANT_URL", "http://127.0.0.1:9")
    documents = tmp_path / "data" / "aws_docs_qa" / "documents"
    documents.mkdir(parents=True)
    for number in range(6):
        text = f"# Lamp {number}\n\nLamp {number} has {number + 2} bulbs. It needs no water.\n"
        (documents / f"lamp{number}.md").write_text(text)
    questions = [{"_id": str(n), "text": f"How many bulbs has lamp {n}?"} for n in range(3)]
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    (documents.parent / "queries.jsonl").write_text(lines)
    return tmp_path / "data"


def test_pages_are_the_same_ones_each_time(data: Path, tmp_path: Path) -> None:
    place = Workplace(data=data, folder=tmp_path / "kept")
    first = sorted(path.name for path in place.pages(3).iterdir())
    assert len(first) == 3
    assert sorted(path.name for path in place.pages(3).iterdir()) == first
    other = Workplace(data=data, folder=tmp_path / "other")
    assert sorted(path.name for path in other.pages(3).iterdir()) == first


def test_latency_runs_on_a_few_pages(data: Path, tmp_path: Path) -> None:
    place = Workplace(data=data, folder=tmp_path / "kept")
    place.folder.mkdir()
    rows = latency.measure_latency(place, 6, rounds=1)
    assert _value(rows, "chunks") == 6
    assert 0 < _value(rows, "/retrieve over HTTP p50") < 1000
    assert _value(rows, "server's stage total p50") > 0


@pytest.mark.parametrize(
    ("part", "measured"),
    [
        ("indexing", "re-index as a share of raw with units"),
        ("memory", "peak memory"),
    ],
)
def test_the_command_runs_a_part_on_a_few_pages(
    part: str,
    measured: str,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = ["--data", str(data), "--data-dir", str(tmp_path / "kept"), "--out", str(tmp_path)]
    assert main(["performance", part, "--chunks", "6", "--json", *places]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert measured in [row["name"] for row in rows]
    assert json.loads((tmp_path / f"{part}.json").read_text()) == rows


def test_a_folder_without_the_data_set_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--data", str(tmp_path), "--data-dir", str(tmp_path / "kept")]
    assert main(["performance", "memory", *places]) == 1
    assert "aws_docs_qa" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["--out", "--data-dir"])
def test_a_folder_that_cannot_be_made_is_named_before_anything_is_measured(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    places = ["--data-dir", str(tmp_path / "kept"), place, str(tmp_path / "file")]
    assert main(["performance", "memory", "--data", str(tmp_path), *places]) == 1
    assert "file cannot be made a folder: File exists" in capsys.readouterr().err


@pytest.mark.parametrize("chunks", ["abc", "0", "-3", "2.5"])
def test_a_number_of_chunks_that_cannot_be_is_said(
    chunks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["performance", "--data", "sets", f"--chunks={chunks}"])
    said = f"argument --chunks: {chunks!r} is not a whole number above 0"
    assert said in " ".join(capsys.readouterr().err.split())
