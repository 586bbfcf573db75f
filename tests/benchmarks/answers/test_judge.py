import pytest
from llama_index.core.evaluation import EvaluationResult

from benchmarks.answers.judge import read_correctness, read_support


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("4.0\nAlmost.", 4.0),
        ("\n 5 \n\nRight.", 5.0),
        ("3", 3.0),
        ("1", 1.0),
        ("Score: 4\nGood.", None),
        ("4/5", None),
        ("0\nNo.", None),
        ("6", None),
        ("nan", None),
        ("", None),
    ],
)
def test_a_correctness_is_a_number_from_1_to_5_on_a_line_of_its_own(
    said: str, score: float | None
) -> None:
    assert read_correctness(said) == (score, said)


@pytest.mark.parametrize(
    ("said", "passing", "score"),
    [
        ("YES", True, 1.0),
        ("Answer: yes, it does.", True, 1.0),
        ("NO", False, 0.0),
        ("No.", False, 0.0),
        # LlamaIndex takes these for a yes, and for a no.
        ("Yesterday's news.", True, None),
        ("NO: a yes would need more.", True, None),
        ("I cannot tell.", False, None),
        ("", False, None),
    ],
)
def test_a_support_is_a_whole_yes_or_no(said: str, passing: bool, score: float | None) -> None:
    result = EvaluationResult(passing=passing, score=float(passing), feedback=said)
    assert read_support(result) == score
