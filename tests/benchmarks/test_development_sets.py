"""The forms of the sets that relevance is fitted on."""

import json
from pathlib import Path

import pytest

from benchmarks.datasets import FORMS, Dataset, DatasetSpec, Places
from benchmarks.errors import DatasetError
from chunkers import extract
from chunkers.document import ContentType
from tests.benchmarks.conftest import write_lines

TEXT = "Seasons recur . Averages smooth them . Seasons recur ."


def load(data: Path, form: str, content_type: ContentType = ContentType.ARTICLE) -> Dataset:
    spec = DatasetSpec(
        name="set", form=FORMS[form], path="set", suite_folder=Path(), content_type=content_type
    )
    return spec.load(Places(data=data, catalog=Path("catalog.yaml")))


def clapnq_row(id_: str, *selected: str) -> dict[str, object]:
    return {
        "id": id_,
        "input": f"question {id_}",
        "passages": [{"title": "Seasons", "text": TEXT}],
        "output": [{"answer": "", "selected_sentences": list(selected)}],
    }


def test_clapnq(tmp_path: Path) -> None:
    selected = ["Averages smooth them .", "Seasons recur .", "Averages smooth them .", "Nowhere ."]
    write_lines(tmp_path / "set" / "dev_answerable.jsonl", [clapnq_row("1", *selected)])
    write_lines(tmp_path / "set" / "dev_unanswerable.jsonl", [clapnq_row("2")])
    dataset = load(tmp_path, "clapnq")
    (document,) = dataset.documents
    assert (document.title, extract(document).text) == ("Seasons", TEXT)
    yes, no = dataset.questions
    assert (yes.judgments, yes.answerable) == ({document.id: 1}, True)
    # What stands there twice could be either, and what stands nowhere is not there.
    assert [TEXT[span.start : span.end] for span in yes.references] == ["Averages smooth them ."]
    assert (no.judgments, no.references, no.answerable) == ({}, (), False)


def test_clapnq_has_every_annotators_answer_once(tmp_path: Path) -> None:
    answers = ["Averages do.", "", "Averages smooth.", "Averages do."]
    row = {**clapnq_row("1"), "output": [{"answer": answer} for answer in answers]}
    write_lines(tmp_path / "set" / "dev_answerable.jsonl", [row])
    write_lines(tmp_path / "set" / "dev_unanswerable.jsonl", [clapnq_row("2")])
    yes, no = load(tmp_path, "clapnq").questions
    assert (yes.answers, no.answers) == (("Averages do.", "Averages smooth."), ())


def test_an_output_without_an_answer_is_named(tmp_path: Path) -> None:
    row = {**clapnq_row("1"), "output": [{"selected_sentences": []}]}
    write_lines(tmp_path / "set" / "dev_answerable.jsonl", [row])
    with pytest.raises(DatasetError, match=r"dev_answerable\.jsonl:1: 'answer' must be text"):
        load(tmp_path, "clapnq")


def test_a_question_over_two_passages_is_named(tmp_path: Path) -> None:
    row = clapnq_row("1")
    row["passages"] = [{"title": "", "text": "a"}, {"title": "", "text": "b"}]
    write_lines(tmp_path / "set" / "dev_answerable.jsonl", [row])
    with pytest.raises(DatasetError, match=r"dev_answerable\.jsonl:1: .* one passage, not 2"):
        load(tmp_path, "clapnq")


def chat(folder: Path, *rows: dict[str, object]) -> Dataset:
    (folder / "set" / "billing").mkdir(parents=True)
    (folder / "set" / "billing" / "pause.md").write_text("# Pause your plan\n\nSelect Pause.\n")
    write_lines(folder / "suites" / "chat" / "set.jsonl", rows)
    spec = DatasetSpec(name="set", form=FORMS["chat"], path="set", suite_folder=folder / "suites")
    return spec.load(Places(data=folder, catalog=Path("catalog.yaml")))


PAUSE: dict[str, object] = {
    "id": "1",
    "question": "off for a month, what now",
    "documents": ["billing/pause.md"],
}


def test_chat(tmp_path: Path) -> None:
    dataset = chat(tmp_path, PAUSE, {"id": "2", "question": "are you a robot", "documents": []})
    (document,) = dataset.documents
    assert extract(document).title == "Pause your plan"
    yes, no = dataset.questions
    assert (yes.text, yes.judgments) == ("off for a month, what now", {"billing/pause.md": 1})
    assert (yes.answerable, no.answerable, no.judgments) == (True, False, {})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**PAUSE, "documents": ["pause.md"]}, r"jsonl:2: .* has no document 'pause\.md'"),
        ({**PAUSE, "documents": "pause.md"}, r"jsonl:2: field 'documents' must be a list"),
        ({**PAUSE, "question": 3}, r"jsonl:2: 'question' must be text"),
        (PAUSE, r"set\.jsonl: two questions have one id"),
    ],
)
def test_a_chat_row_that_is_not_of_its_form_is_named(
    tmp_path: Path, row: dict[str, object], said: str
) -> None:
    with pytest.raises(DatasetError, match=said):
        chat(tmp_path, PAUSE, row)


def banking(folder: Path) -> None:
    folder.mkdir()
    said = [f"where is my card {number},card_arrival" for number in range(6)]
    said += [f"is the fee right {number},FeeWrong" for number in range(3)]
    (folder / "train.csv").write_text("\n".join(["text,category", *said]), encoding="utf-8")
    asked = "text,category\nmy card is late,card_arrival\nodd,never_trained\n"
    (folder / "test.csv").write_text(asked, encoding="utf-8")


def test_intents_are_faqs_and_the_test_split_asks(tmp_path: Path) -> None:
    banking(tmp_path / "set")
    dataset = load(tmp_path, "intents", ContentType.FAQ)
    documents = {content.id: extract(content) for content in dataset.documents}
    assert documents["card_arrival"].text.endswith("card arrival")
    assert documents["FeeWrong"].text.endswith("Fee Wrong")
    assert {name: len(found.questions) for name, found in documents.items()} == {
        "card_arrival": 4,
        "FeeWrong": 3,
    }
    (question,) = dataset.questions
    assert (question.text, question.judgments) == ("my card is late", {"card_arrival": 1})
    assert load(tmp_path, "intents", ContentType.FAQ).questions == dataset.questions


def test_without_a_split_what_no_faq_holds_is_asked(tmp_path: Path) -> None:
    rows = [{"utterance": f"a quote {number}", "intent": "GetQuote"} for number in range(6)]
    write_lines(tmp_path / "set" / "test-utterances.jsonl", rows)
    dataset = load(tmp_path, "intents", ContentType.FAQ)
    (content,) = dataset.documents
    asked = {question.text for question in dataset.questions}
    assert len(asked) == 2
    assert asked.isdisjoint(extract(content).questions)


def test_intents_that_nobody_asks_for(tmp_path: Path) -> None:
    write_lines(
        tmp_path / "set" / "test-utterances.jsonl", [{"utterance": "hello", "intent": "Greet"}]
    )
    with pytest.raises(DatasetError, match="nothing is asked of an intent"):
        load(tmp_path, "intents", ContentType.FAQ)


def test_a_table_without_its_columns(tmp_path: Path) -> None:
    banking(tmp_path / "set")
    (tmp_path / "set" / "train.csv").write_text("said,category\na,b\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"train\.csv: has no column 'text'"):
        load(tmp_path, "intents", ContentType.FAQ)


def test_out_of_scope_questions_have_no_documents(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    path = tmp_path / "set" / "data_full.json"
    path.write_text(json.dumps({"oos_test": [["what is the dow", "oos"]]}), encoding="utf-8")
    dataset = load(tmp_path, "out_of_scope")
    assert list(dataset.documents) == []
    assert [(q.text, q.answerable) for q in dataset.questions] == [("what is the dow", False)]
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(DatasetError, match="must hold pairs of utterance and intent"):
        load(tmp_path, "out_of_scope")
