"""Answers: what an answerer gave, what the data set wants, and measures of the one by the other."""

from benchmarks.answers.answered import Answered
from benchmarks.answers.expected import Expected, load_expected
from benchmarks.answers.measures import AnswerMeasure, Case, parse, score, valid_names

__all__ = [
    "AnswerMeasure",
    "Answered",
    "Case",
    "Expected",
    "load_expected",
    "parse",
    "score",
    "valid_names",
]
