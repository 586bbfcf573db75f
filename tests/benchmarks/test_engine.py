"""Passages itself, as suites run it."""

from pathlib import Path

import pytest

from benchmarks.datasets import Dataset, Question
from benchmarks.engine import open_engine
from benchmarks.errors import BuildError
from benchmarks.suite import BuildSpec
from indexers.located import Located


def test_a_data_set_without_documents_is_said_not_to_be_one_to_run(tmp_path: Path) -> None:
    """Such as the form out_of_scope, whose questions are there to calibrate with."""
    questions = (Question(id="q1", text="what is the dow today", answerable=False),)
    dataset = Dataset(name="oos", documents=(), questions=questions)
    build = BuildSpec(name="baseline", where=Located("suite.yaml", 1))
    with (
        open_engine(tmp_path) as engine,
        pytest.raises(BuildError, match="oos has no documents to index"),
    ):
        engine.build(dataset, build, lambda stage, done, total: None)
