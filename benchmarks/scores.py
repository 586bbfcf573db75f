"""What each measure says of one record: pure functions from a record to a number.

Rankings are taken in the order that the system gave, ties included. A question for which nothing
came back scores 0.
"""

from math import log2

from benchmarks.datasets.base import Span
from benchmarks.overlap import length, shared
from benchmarks.records import Record


def ndcg(record: Record, cut: int | None) -> float:
    """Normalised discounted cumulative gain of the first `cut` documents, from 0 to 1.

    A document of grade g at rank r adds g / log2(r + 1); the sum is divided by that of the best
    order possible (K. Järvelin and J. Kekäläinen, ACM TOIS 20(4), 2002). The gain is the grade
    itself, as in trec_eval's ndcg_cut, by which BEIR reports, not 2**g - 1.
    """
    ideal = sorted((grade for grade in record.judgments.values() if grade > 0), reverse=True)
    best = _discounted(ideal[:cut])
    return _discounted(_grades(record)[:cut]) / best if best else 0.0


def recall(record: Record, cut: int | None) -> float:
    """The share of the relevant documents that are among the first `cut`."""
    relevant = sum(grade > 0 for grade in record.judgments.values())
    found = sum(grade > 0 for grade in _grades(record)[:cut])
    return found / relevant if relevant else 0.0


def hit(record: Record, cut: int | None) -> float:
    """1 when a relevant document is among the first `cut`, else 0."""
    return float(any(grade > 0 for grade in _grades(record)[:cut]))


def reciprocal_rank(record: Record, cut: int | None) -> float:
    """1 / the rank of the first relevant document, 0 when none is among the first `cut`.

    Its mean over questions is the MRR (E. Voorhees, TREC-8, 1999).
    """
    ranks = (rank for rank, grade in enumerate(_grades(record)[:cut], start=1) if grade > 0)
    return 1 / next(ranks, float("inf"))


def token_recall(record: Record, cut: int | None) -> float:
    """The share of the references' characters that lie in a passage.

    The three token measures are those of Chroma (B. Smith and A. Troynikov, Evaluating Chunking
    Strategies for Retrieval, 2024), taken over characters as its package chunking_evaluation
    takes them at commit d451fc4. A character that two passages hold is found once; one that two
    references hold is wanted twice. Where nothing was returned the package divides by 0: here
    that question scores 0.
    """
    wanted = length(record.references)
    return shared(_passages(record), record.references) / wanted if wanted else 0.0


def token_precision(record: Record, cut: int | None) -> float:
    """The share of the passages' characters that lie in a reference.

    What two passages both return was paid for twice and counts twice among the returned, once
    among the found; passages of every document count.
    """
    returned = length(_passages(record))
    return shared(_passages(record), record.references) / returned if returned else 0.0


def token_iou(record: Record, cut: int | None) -> float:
    """The characters found, over those returned and those missed.

    As in precision, what two passages both return counts twice; so the value is at most the
    precision and at most the recall.
    """
    passages = _passages(record)
    missed = sum(length([span]) - shared(passages, [span]) for span in record.references)
    union = length(passages) + missed
    return shared(passages, record.references) / union if union else 0.0


def tokens(record: Record, cut: int | None) -> float:
    """The cl100k_base tokens of all passages returned: what the answer's prompt pays for."""
    return float(sum(passage.tokens for passage in record.passages))


def latency_ms(record: Record, cut: int | None) -> float:
    """The milliseconds from question to passages; 0 where the system did not time itself."""
    return record.timings_ms.get("total", 0.0)


def answered(record: Record, cut: int | None) -> float:
    """1 when the system said that it found an answer, else 0."""
    return float(record.answered)


def abstained(record: Record, cut: int | None) -> float:
    """1 when the system said that nothing answers the question, else 0."""
    return float(not record.answered)


def _grades(record: Record) -> list[int]:
    return [record.judgments.get(hit.document_id, 0) for hit in record.ranked]


def _discounted(grades: list[int]) -> float:
    gains = (max(grade, 0) / log2(rank + 1) for rank, grade in enumerate(grades, start=1))
    return sum(gains)


def _passages(record: Record) -> list[Span]:
    return [
        Span(document_id=passage.document_id, start=passage.start, end=passage.end)
        for passage in record.passages
    ]
