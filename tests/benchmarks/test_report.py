from collections.abc import Callable, Sequence
from io import StringIO

import pytest
from rich.console import Console

from benchmarks.answers.answered import Answered
from benchmarks.datasets import Span
from benchmarks.errors import RecordsError
from benchmarks.measures import Measure, parse
from benchmarks.records import Record, Runs, by_run
from benchmarks.report import (
    compare,
    failures,
    print_cells,
    print_comparisons,
    print_failures,
    summarise,
    to_json,
)
from benchmarks.statistics import Verdict

MakeRecord = Callable[..., Record]


def console(width: int = 120) -> tuple[Console, StringIO]:
    out = StringIO()
    return Console(file=out, width=width), out


def measures(*names: str) -> dict[str, tuple[Measure, ...]]:
    return {"help": tuple(parse(name) for name in names)}


@pytest.fixture
def runs(make_record: MakeRecord) -> Runs:
    """Three systems on 40 questions: the first finds nothing, the second all, the third none."""
    found: dict[str, Sequence[str]] = {"poor": ["x"], "good": ["a"], "same": ["y"]}
    return by_run(
        make_record(
            build=build,
            query_id=f"q{number}",
            found=names,
            judgments={"a": 1},
            returned=[("a", 0, 10 if build == "poor" else 20)],
        )
        for build, names in found.items()
        for number in range(40)
    )


def test_each_run_is_compared_with_the_first(runs: Runs) -> None:
    cells = summarise(runs, measures("hit@1", "tokens", "token_recall"))
    verdicts = [(cell.run.build, repr(cell.measure), cell.verdict) for cell in cells]
    assert verdicts == [
        ("poor", "hit@1", None),
        ("poor", "tokens", None),
        ("good", "hit@1", Verdict.BETTER),
        ("good", "tokens", Verdict.WORSE),
        ("same", "hit@1", Verdict.NO_WINNER),
        ("same", "tokens", Verdict.WORSE),
    ]


def test_the_rows_of_the_summary(runs: Runs) -> None:
    rows = to_json(summarise(runs, measures("hit@1")))
    assert rows[1] == {
        "dataset": "help",
        "build": "good",
        "search": "s",
        "answerer": None,
        "measure": "hit@1",
        "value": 1.0,
        "low": 1.0,
        "high": 1.0,
        "queries": 40,
    }


def test_the_columns_line_up(runs: Runs) -> None:
    printer, out = console()
    print_cells(summarise(runs, measures("hit@1", "tokens")), printer)
    lines = [line for line in out.getvalue().splitlines() if "±" in line and "/s" in line]
    assert len(lines) == 3
    assert "poor/s (baseline)" in lines[0]
    assert "▲" in lines[1]
    assert "=" in lines[2]
    places = [[at for at, sign in enumerate(line) if sign == "±"] for line in lines]
    assert places[0] == places[1] == places[2]


def test_a_narrow_terminal_gets_more_tables_and_loses_nothing(runs: Runs) -> None:
    names = ["nDCG@10", "recall@10", "hit@1", "MRR@10", "tokens"]
    printer, out = console(width=60)
    print_cells(summarise(runs, measures(*names)), printer)
    text = out.getvalue()
    assert all(name in text for name in names)
    assert "…" not in text
    assert text.count("±") == 3 * len(names) + 1


def test_two_systems_are_compared(runs: Runs) -> None:
    hit, tokens = compare(runs, measures("hit@1", "tokens"), "poor/s", "good/s")
    assert (hit.baseline, hit.other, hit.difference.value) == (0.0, 1.0, 1.0)
    assert hit.verdict is Verdict.BETTER
    assert tokens.to_json() == {
        "dataset": "help",
        "measure": "tokens",
        "baseline": 10.0,
        "other": 20.0,
        "difference": 10.0,
        "low": 10.0,
        "high": 10.0,
        "p": pytest.approx(1 / 10_001),
        "queries": 40,
        "verdict": "worse",
    }
    printer, out = console()
    print_comparisons([hit, tokens], "poor/s", "good/s", printer)
    assert "good/s against poor/s" in out.getvalue()
    assert "[1.000, 1.000]" in out.getvalue()


def test_an_unknown_system_is_named_with_the_known_ones(runs: Runs) -> None:
    with pytest.raises(
        RecordsError, match=r"no run of 'best/s'; there are: poor/s, good/s, same/s"
    ):
        compare(runs, measures("hit@1"), "poor/s", "best/s")


def test_systems_of_different_data_sets_cannot_be_compared(make_record: MakeRecord) -> None:
    records = [make_record(dataset="help", build="a"), make_record(dataset="other", build="b")]
    with pytest.raises(RecordsError, match="have no measure on one data set in common"):
        compare(by_run(records), measures("tokens"), "a/s", "b/s")


def test_a_verdict_beside_its_p_is_explained(make_record: MakeRecord) -> None:
    """On five of six questions the other system is worse: p is .06."""
    records = [
        make_record(
            build=build, query_id=f"q{n}", found=["a" if right else "x"], judgments={"a": 1}
        )
        for build in ("one", "two")
        for n in range(6)
        for right in (build == "one" or n == 0,)
    ]
    runs = by_run(records)
    (compared,) = compare(runs, measures("hit@1"), "one/s", "two/s")
    assert compared.difference.high < 0
    assert compared.verdict is Verdict.NO_WINNER
    cells = summarise(runs, measures("hit@1"))
    assert [cell.verdict for cell in cells] == [None, Verdict.NO_WINNER]
    printer, out = console(width=200)
    print_comparisons([compared], "one/s", "two/s", printer)
    assert "The verdict goes by p alone: better or worse below 0.05" in out.getvalue()


def test_systems_are_compared_over_the_questions_that_both_were_asked(
    make_record: MakeRecord,
) -> None:
    asked = {"one": "1234", "two": "12", "three": "1"}
    runs = by_run(
        make_record(build=build, query_id=n, found=["a"], judgments={"a": 1})
        for build, names in asked.items()
        for n in names
    )
    assert {cell.estimate.queries for cell in summarise(runs, measures("hit@1"))} == {1}
    (found,) = compare(runs, measures("hit@1"), "one/s", "two/s")
    assert found.difference.queries == 2


def test_failures_are_the_worst_first(make_record: MakeRecord) -> None:
    records = [
        make_record(query_id="second", found=["x", "a"], judgments={"a": 1}),
        make_record(query_id="right", found=["a"], judgments={"a": 1}),
        make_record(query_id="lost", found=["x"], judgments={"a": 1}),
        make_record(query_id="refused", answerable=False),
        make_record(query_id="fooled", answerable=False, answered=True),
    ]
    taken = measures("tokens", "MRR", "abstained")["help"]
    worst = failures(records, taken, 9)
    assert [failure.record.query_id for failure in worst] == ["lost", "fooled", "second"]
    assert [failure.score for failure in worst] == [0.0, 0.0, 0.5]
    assert [failure.record.query_id for failure in failures(records, taken, 1)] == ["lost"]


def test_a_failure_shows_question_answer_and_what_came_back(make_record: MakeRecord) -> None:
    wanted = Span(document_id="a", start=3, end=9)
    records = [
        make_record(
            question="how [long]?",
            found=["x"],
            judgments={"a": 1},
            references=(wanted,),
            returned=[("x", 0, 5)],
        ),
        make_record(query_id="q2", judgments={"a": 1}, reason="below the threshold"),
        make_record(query_id="q3", answerable=False, answered=True),
    ]
    printer, out = console()
    print_failures(failures(records, measures("hit@1", "abstained")["help"], 9), printer)
    text = out.getvalue()
    for part in ("how [long]?", "a[3:9]", "x 1.000", "x[0:5] 0.50 t", "below the threshold"):
        assert part in text
    assert "no answer" in text


def test_both_systems_are_measured_on_the_questions_that_they_have_in_common(
    make_record: MakeRecord,
) -> None:
    def run(name: str, *first_token_ms: float | None) -> list[Record]:
        return [
            make_record(
                answerer=name,
                query_id=f"q{number}",
                given=Answered(text="t", refused=False, total_ms=1.0, first_token_ms=value),
            )
            for number, value in enumerate(first_token_ms)
        ]

    runs = by_run([*run("one", 100.0, 200.0, None), *run("two", None, 300.0, None)])
    (found,) = compare(runs, measures("TTFT_ms"), "b/s/one", "b/s/two")
    assert (found.baseline, found.other, found.difference.queries) == (200.0, 300.0, 1)
    printer, out = console()
    print_cells(summarise(runs, measures("TTFT_ms")), printer)
    assert "n=1 to 2" in out.getvalue()
