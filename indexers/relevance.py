"""The calibrated probability that a hit answers its query, comparable across indexes.

A logistic regression (Platt, 1999) on the hit's fused score, which is absolute, and on two things
that are known of the query: how close the crowd of hits is that do not answer, and how much the
query says. Within an index relevance rises with the fused score, so that it never contradicts the
ranking.

`python -m benchmarks calibrate` fits the coefficients on development sets, and prints how well
calibrated they are.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a query in an index: the mean fused score of its `crowd`, the hits behind
    the best ten, and the number of its distinct `terms`, as far as more of them matter."""

    crowd: float
    terms: int


@dataclass(frozen=True, kw_only=True)
class Relevance:
    """The coefficients of the log odds; `terms` multiplies ln(1 + terms)."""

    intercept: float
    fused: float
    crowd: float
    terms: float

    def __call__(self, fused: float, evidence: Evidence) -> float:
        """The probability, from 0 to 1, that a hit of this fused score answers."""
        log_odds = (
            self.intercept
            + self.fused * fused
            + self.crowd * evidence.crowd
            + self.terms * math.log1p(evidence.terms)
        )
        return (1.0 + math.tanh(log_odds / 2)) / 2  # The logistic function, without overflow.
