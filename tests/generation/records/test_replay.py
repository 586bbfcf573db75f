"""Prompts made again from their records."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from generation.errors import PromptError, RecordsError
from generation.prompts.template import Template
from generation.prompts.templates import Templates
from generation.records.reader import read_records
from generation.records.replay import rebuilt
from generation.records.writer import RecordWriter
from tests.generation.records.samples import TEMPLATES, call, prompt


@pytest.fixture
def record(tmp_path: Path) -> Mapping[str, Any]:
    return recorded(tmp_path, "How do I pause?")


def recorded(folder: Path, question: str) -> Mapping[str, Any]:
    with RecordWriter(folder) as writer:
        writer.write(call(prompt=prompt(question)))
    (record,) = read_records(folder)
    return record


def test_a_prompt_comes_out_as_it_was_sent(record: Mapping[str, Any]) -> None:
    asked, again = prompt("How do I pause?"), rebuilt(record, TEMPLATES)
    assert (again.system, again.messages) == (asked.system, asked.messages)
    assert again.exact
    assert again.why == ""


def test_redacted_inputs_make_another_prompt_and_that_is_said(tmp_path: Path) -> None:
    again = rebuilt(recorded(tmp_path, "I am ada@example.com, pause my plan"), TEMPLATES)
    assert "I am [email], pause my plan" in again.messages[0].text
    assert not again.exact
    assert again.why == "the inputs are redacted"


def test_a_template_that_is_not_what_it_was_is_said(record: Mapping[str, Any]) -> None:
    was = TEMPLATES.get("answer", 1)
    now = Template(
        id="answer", version=1, system="Be brief.", user=was.user, inputs=dict(was.inputs)
    )
    again = rebuilt(record, Templates({("answer", 1): now}))
    assert again.system == "Be brief."
    assert not again.exact
    assert again.why == f"the template answer@1 is not what it was (its digest was {was.digest})"


def test_another_text_of_the_same_template_and_inputs_is_said(record: Mapping[str, Any]) -> None:
    other = {**record, "prompt": {**record["prompt"], "sha256": "0" * 64}}
    assert rebuilt(other, TEMPLATES).why.startswith(
        "the same template and inputs make another text"
    )


def test_a_template_that_is_gone_is_said(record: Mapping[str, Any]) -> None:
    with pytest.raises(PromptError, match=r"there is no template answer@1; there are"):
        rebuilt(record, Templates({}))


@pytest.mark.parametrize("wrong", [{}, {"prompt": None}, {"prompt": {"id": "answer"}}])
def test_what_is_no_record_is_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(RecordsError, match="this is no record of a call"):
        rebuilt(wrong, TEMPLATES)
