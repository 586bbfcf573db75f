import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.answers.answered import Answered, JudgeVerdict, Spent
from benchmarks.datasets import Span
from benchmarks.errors import RecordsError
from benchmarks.records import (
    RankedDocument,
    Record,
    ReturnedPassage,
    RunKey,
    by_run,
    drop_torn_line,
    from_line,
    in_common,
    read_records,
    to_line,
    write_records,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SHARE = st.floats(0, 1)
COUNT = st.integers(0, 10_000)
SPENT = st.builds(
    Spent,
    tokens_in=COUNT,
    tokens_out=COUNT,
    tokens_cache_read=COUNT,
    tokens_cache_write=COUNT,
    cost_nano=COUNT,
)
RECORDS = st.builds(
    Record,
    dataset=TEXT,
    build=TEXT,
    search=TEXT,
    query_id=TEXT,
    question=TEXT,
    ranked=st.lists(st.builds(RankedDocument, document_id=TEXT, score=SHARE)).map(tuple),
    passages=st.lists(
        st.builds(
            ReturnedPassage,
            document_id=TEXT,
            start=COUNT,
            end=COUNT,
            tokens=COUNT,
            relevance=SHARE,
            text=TEXT,
        )
    ).map(tuple),
    answered=st.booleans(),
    reason=st.none() | TEXT,
    relevance=SHARE,
    timings_ms=st.dictionaries(TEXT, SHARE),
    judgments=st.dictionaries(TEXT, COUNT),
    references=st.lists(st.builds(Span, document_id=TEXT, start=COUNT, end=COUNT)).map(tuple),
    answerable=st.booleans(),
    answers=st.lists(TEXT).map(tuple),
    answerer=st.none() | TEXT,
    given=st.none()
    | st.builds(
        Answered,
        text=TEXT,
        refused=st.booleans(),
        reason=st.none() | TEXT,
        failed=st.none() | TEXT,
        cited=st.lists(COUNT).map(tuple),
        total_ms=SHARE,
        first_token_ms=st.none() | SHARE,
        spent=SPENT,
        target=st.none() | TEXT,
        attempts=COUNT,
        call_id=st.none() | TEXT,
    ),
    verdicts=st.none()
    | st.dictionaries(
        TEXT,
        st.builds(
            JudgeVerdict,
            score=st.none() | SHARE,
            feedback=TEXT,
            failed=st.none() | TEXT,
            spent=SPENT,
        ),
    ),
)


@given(RECORDS)
def test_a_record_is_one_line_and_comes_back(record: Record) -> None:
    line = to_line(record)
    assert "\n" not in line
    assert from_line(line) == record


def test_a_failed_call_of_an_earlier_version_has_cost_nothing_that_is_known(
    make_record: Callable[..., Record],
) -> None:
    given = Answered(text="", refused=False, failed="ExhaustedError: all", total_ms=1.0)
    record = make_record(given=given)
    fields = json.loads(to_line(record))
    fields["given"]["spent"] = None
    assert from_line(json.dumps(fields)) == record


def test_records_are_written_as_they_pass(
    make_record: Callable[..., Record], tmp_path: Path
) -> None:
    path = tmp_path / "records.jsonl"
    records = [
        make_record(query_id="q1", question="línea\u2028y línea"),
        make_record(query_id="q2"),
    ]
    passing = write_records(path, records)
    assert next(passing) == records[0]
    assert list(read_records(path)) == records[:1]
    assert list(passing) == records[1:]
    assert list(read_records(path)) == records


def test_a_record_from_before_there_were_answers_is_one_of_a_search(
    make_record: Callable[..., Record],
) -> None:
    record = make_record()
    fields = json.loads(to_line(record))
    for name in ("answers", "answerer", "given", "verdicts"):
        del fields[name]
    assert from_line(json.dumps(fields)) == record
    assert record.key.system == "b/s"


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '{"dataset": "a"}', '{"ranked": [], "passages": [], "references": 3}']
)
def test_a_line_that_is_no_record_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(RecordsError, match=r"records\.jsonl:1: "):
        list(read_records(path))


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="is not there"):
        list(read_records(tmp_path / "records.jsonl"))


def test_a_file_that_cannot_be_written_or_read_is_named(
    make_record: Callable[..., Record], tmp_path: Path
) -> None:
    with pytest.raises(RecordsError, match=r"cannot be used for a run: Is a directory"):
        list(write_records(tmp_path, [make_record()]))
    with pytest.raises(RecordsError, match=r"/dev/full cannot be used for a run: No space left"):
        list(write_records(Path("/dev/full"), [make_record()]))


def test_what_fails_while_records_are_made_keeps_its_own_name(tmp_path: Path) -> None:
    def failing() -> Iterator[Record]:
        raise PermissionError("somebody else's")
        yield

    with pytest.raises(PermissionError, match="somebody else's"):
        list(write_records(tmp_path / "records.jsonl", failing()))


def test_a_line_without_its_end_is_no_record_and_is_cut_off(
    make_record: Callable[..., Record], tmp_path: Path
) -> None:
    path = tmp_path / "records.jsonl"
    list(write_records(path, [make_record(query_id="q1")]))
    whole = path.read_bytes()
    for torn in (b"", "{é".encode()[:-1], to_line(make_record(query_id="q2")).encode()):
        path.write_bytes(whole + torn)
        assert [record.query_id for record in read_records(path)] == ["q1"]
        drop_torn_line(path)
        assert path.read_bytes() == whole
    list(write_records(path, [make_record(query_id="q2")]))
    assert [record.query_id for record in read_records(path)] == ["q1", "q2"]


def test_what_runs_have_in_common_is_counted_by_data_set(
    make_record: Callable[..., Record],
) -> None:
    asked = {("help", "a"): "123", ("help", "b"): "23", ("other", "a"): "1"}
    found = in_common(
        by_run(
            make_record(dataset=dataset, build=build, query_id=name)
            for (dataset, build), names in asked.items()
            for name in names
        )
    )
    assert ["".join(record.query_id for record in records) for records in found.values()] == [
        "23",
        "23",
        "1",
    ]


def test_runs_keep_their_order(make_record: Callable[..., Record]) -> None:
    records = [make_record(build=build, query_id=q) for build in "ba" for q in ("q1", "q2")]
    runs = by_run(records)
    assert list(runs) == [RunKey("help", "b", "s"), RunKey("help", "a", "s")]
    assert [record.query_id for record in runs[RunKey("help", "a", "s")]] == ["q1", "q2"]


def test_what_an_answerer_gave_is_a_run_of_its_own(make_record: Callable[..., Record]) -> None:
    records = [make_record(), make_record(answerer="extractive"), make_record(answerer="bedrock")]
    names = [key.system for key in by_run(records)]
    assert names == ["b/s", "b/s/extractive", "b/s/bedrock"]
