"""The calibrated probability that a hit answers its query, comparable across indexes.

A logistic regression on what the scores say in absolute terms: how close the best hit's best unit
is, how much of the query's attainable BM25 it has, how far it stands out from the crowd, how much
the query says; and then how far this hit falls behind the best one. Within an index relevance
falls with the fused score, so that it never contradicts the ranking.

`python -m benchmarks calibrate` fits the coefficients on development sets, and prints how well
calibrated they are.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What speaks for a query's best hit in an index.

    `unit` is the cosine of its best unit. `share` is its BM25 divided by the most that the
    query's rarest terms could give. `margin` is its dense cosine less the mean of the crowd
    behind the ten best. `terms` counts the query's distinct terms.
    """

    unit: float
    share: float
    margin: float
    terms: int


@dataclass(frozen=True, kw_only=True)
class Coefficients:
    """Of the log odds; `behind` multiplies the best fused score less the hit's."""

    intercept: float = -6.590
    unit: float = 3.609
    share: float = 4.079
    margin: float = 5.945
    terms: float = 0.656
    behind: float = -8.0


FITTED = Coefficients()


def relevance(behind: float, evidence: Evidence, by: Coefficients = FITTED) -> float:
    """The probability, from 0 to 1, that a hit answers."""
    log_odds = (
        by.intercept
        + by.unit * evidence.unit
        + by.share * evidence.share
        + by.margin * evidence.margin
        + by.terms * math.log1p(evidence.terms)
        + by.behind * behind
    )
    return 1.0 / (1.0 + math.exp(-log_odds))
