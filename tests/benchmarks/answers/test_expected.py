import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.answers import Expected, load_expected
from benchmarks.datasets import FORMS, DatasetSpec, Places
from benchmarks.errors import DatasetError
from tests.benchmarks.conftest import write_lines


def load(data: Path, form: str, path: str) -> Mapping[str, Expected]:
    spec = DatasetSpec(name="set", form=FORMS[form], path=path, suite_folder=Path())
    places = Places(data=data, catalog=Path("catalog.yaml"))
    return load_expected(spec, places, spec.load(places))


def answer_in_words(data: Path, **answers: object) -> None:
    """Give the queries of the set `help` the answers by their ids."""
    path = data / "help" / "queries.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    write_lines(path, [{**row, "reference_answer": answers.get(row["_id"])} for row in rows])


def test_a_retrieval_set_with_answers(data: Path) -> None:
    answer_in_words(data, q1="Choose Pause.", q2="Five days.", q4="Of another split.")
    found = load(data, "retrieval", "help")
    assert list(found.values()) == [
        Expected(
            question_id="q1",
            answers=("Choose Pause.",),
            answerable=True,
            relevant=frozenset({"pause"}),
        ),
        Expected(
            question_id="q2",
            answers=("Five days.",),
            answerable=True,
            relevant=frozenset({"refund"}),
        ),
        Expected(question_id="q3", answers=(), answerable=False, relevant=frozenset()),
    ]
    assert list(found) == ["q1", "q2", "q3"]


def test_a_retrieval_set_without_answers_has_what_it_has(data: Path) -> None:
    found = load(data, "retrieval", "help")
    assert [expected.answers for expected in found.values()] == [(), (), ()]
    assert found["q1"].relevant == {"pause"}


def test_the_wording_of_a_refusal_is_no_answer(data: Path) -> None:
    answer_in_words(data, q1="Choose Pause.", q3="The documents do not say.")
    assert load(data, "retrieval", "help")["q3"].answers == ()


def test_an_answer_that_is_not_text_is_named(data: Path) -> None:
    answer_in_words(data, q2=["Five", "days"])
    with pytest.raises(DatasetError, match=r"queries\.jsonl:2: 'reference_answer' must be text"):
        load(data, "retrieval", "help")


def test_a_set_of_another_form_has_no_answers(data: Path) -> None:
    (expected,) = load(data, "spans", "marked").values()
    assert (expected.answers, expected.answerable) == ((), True)
    assert expected.relevant == {"refund"}


def clapnq(data: Path, *outputs: Mapping[str, Any]) -> Mapping[str, Expected]:
    passage = {"title": "Seasons", "text": "Averages smooth them ."}
    row = {"input": "what smooths", "passages": [passage], "output": outputs}
    write_lines(data / "set" / "dev_answerable.jsonl", [{**row, "id": "1"}])
    none = {**row, "id": "2", "output": [{"answer": ""}]}
    write_lines(data / "set" / "dev_unanswerable.jsonl", [none])
    return load(data, "clapnq", "set")


def test_clapnq_has_every_annotators_answer_once(tmp_path: Path) -> None:
    answers = ["Averages do.", "", "Averages smooth.", "Averages do."]
    found = clapnq(tmp_path, *({"answer": answer} for answer in answers))
    assert found["1"].answers == ("Averages do.", "Averages smooth.")
    assert (found["1"].answerable, len(found["1"].relevant)) == (True, 1)
    none = Expected(question_id="2", answers=(), answerable=False, relevant=frozenset())
    assert found["2"] == none


def test_an_output_without_an_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"dev_answerable\.jsonl:1: 'answer' must be text"):
        clapnq(tmp_path, {"selected_sentences": []})


@pytest.mark.parametrize(
    ("form", "name", "answerable", "unanswerable", "answers"),
    [
        ("retrieval", "techqa_480", 384, 96, 384),
        ("clapnq", "clapnq", 300, 300, 478),
        ("retrieval", "aws_docs_qa", 100, 0, 100),
    ],
)
def test_the_shared_sets(
    shared_data: Path, form: str, name: str, answerable: int, unanswerable: int, answers: int
) -> None:
    found = load(shared_data, form, name).values()
    assert sum(expected.answerable for expected in found) == answerable
    assert sum(not expected.answerable for expected in found) == unanswerable
    assert sum(len(expected.answers) for expected in found) == answers
    for expected in found:
        assert bool(expected.answers) == bool(expected.relevant) == expected.answerable
