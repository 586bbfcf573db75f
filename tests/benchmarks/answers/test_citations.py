from fractions import Fraction

import pytest

from benchmarks.answers.citations import citation_precision, citation_recall

PASSAGES = {"p1": "billing", "p2": "billing", "p3": "wifi", "p4": "refund"}
RELEVANT = frozenset({"billing", "refund", "never found"})


def test_precision_is_over_the_passages_cited() -> None:
    value = citation_precision(["p1", "p3", "p4"], PASSAGES, RELEVANT)
    assert value == pytest.approx(float(Fraction(2, 3)))


def test_a_passage_cited_twice_counts_once() -> None:
    assert citation_precision(["p1", "p1", "p3"], PASSAGES, RELEVANT) == 0.5


def test_a_passage_that_was_not_in_the_prompt_is_a_wrong_citation() -> None:
    assert citation_precision(["p1", "p9"], PASSAGES, RELEVANT) == 0.5
    assert citation_recall(["p9"], PASSAGES, RELEVANT) == 0.0


def test_recall_is_over_the_relevant_documents_in_the_prompt() -> None:
    assert citation_recall(["p1", "p3"], PASSAGES, RELEVANT) == 0.5
    assert citation_recall(["p2", "p4"], PASSAGES, RELEVANT) == 1.0


def test_one_passage_of_a_document_is_enough() -> None:
    assert citation_recall(["p2"], PASSAGES, frozenset({"billing"})) == 1.0


def test_an_answer_without_citations_scores_zero() -> None:
    assert citation_precision([], PASSAGES, RELEVANT) == 0.0
    assert citation_recall([], PASSAGES, RELEVANT) == 0.0


def test_with_nothing_relevant_nothing_is_right() -> None:
    assert citation_precision(["p1"], PASSAGES, frozenset()) == 0.0
    assert citation_recall(["p1"], PASSAGES, frozenset({"never found"})) == 0.0
    assert citation_recall(["p1"], {}, RELEVANT) == 0.0
