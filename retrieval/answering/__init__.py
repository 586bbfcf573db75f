"""Answers from passages, with citations, and refusals: the answerer that needs no model, and what
reads and checks the answers of those that do."""

from retrieval.answering.answer import Answer, AnswerSentence, Citation
from retrieval.answering.citations import AnswerReader, Cited, cited_sentences
from retrieval.answering.extractive import Extractive
from retrieval.answering.markers import Marker, MarkerScanner, scan
from retrieval.answering.ranking import Ranking
from retrieval.answering.refusals import REFUSAL, Refusals
from retrieval.answering.shown import Shown
from retrieval.answering.support import Support
from retrieval.answering.writing import (
    EXTRACTIVE,
    TAKEN,
    Answerer,
    Generated,
    Question,
    Quoting,
    Secured,
    Writing,
    Written,
)

__all__ = [
    "EXTRACTIVE",
    "REFUSAL",
    "TAKEN",
    "Answer",
    "AnswerReader",
    "AnswerSentence",
    "Answerer",
    "Citation",
    "Cited",
    "Extractive",
    "Generated",
    "Marker",
    "MarkerScanner",
    "Question",
    "Quoting",
    "Ranking",
    "Refusals",
    "Secured",
    "Shown",
    "Support",
    "Writing",
    "Written",
    "cited_sentences",
    "scan",
]
