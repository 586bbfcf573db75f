from fractions import Fraction

import pytest

from benchmarks.answers.citations import citation_precision, citation_recall

DOCUMENTS = ["billing", "billing", "wifi", "refund"]
RELEVANT = frozenset({"billing", "refund", "never found"})


def test_precision_is_over_the_passages_cited() -> None:
    value = citation_precision([1, 3, 4], DOCUMENTS, RELEVANT)
    assert value == pytest.approx(float(Fraction(2, 3)))


def test_a_passage_cited_twice_counts_once() -> None:
    assert citation_precision([1, 1, 3], DOCUMENTS, RELEVANT) == 0.5


@pytest.mark.parametrize("number", [0, -1, 5])
def test_a_passage_that_was_not_in_the_prompt_is_a_wrong_citation(number: int) -> None:
    assert citation_precision([1, number], DOCUMENTS, RELEVANT) == 0.5
    assert citation_recall([number], DOCUMENTS, RELEVANT) == 0.0


def test_recall_is_over_the_relevant_documents_in_the_prompt() -> None:
    assert citation_recall([1, 3], DOCUMENTS, RELEVANT) == 0.5
    assert citation_recall([2, 4], DOCUMENTS, RELEVANT) == 1.0


def test_one_passage_of_a_document_is_enough() -> None:
    assert citation_recall([2], DOCUMENTS, frozenset({"billing"})) == 1.0


def test_an_answer_without_citations_scores_zero() -> None:
    assert citation_precision([], DOCUMENTS, RELEVANT) == 0.0
    assert citation_recall([], DOCUMENTS, RELEVANT) == 0.0


def test_with_nothing_relevant_nothing_is_right() -> None:
    assert citation_precision([1], DOCUMENTS, frozenset()) == 0.0
    assert citation_recall([1], DOCUMENTS, frozenset({"never found"})) == 0.0
    assert citation_recall([1], [], RELEVANT) == 0.0
