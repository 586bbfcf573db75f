"""Answers judged by LlamaIndex's evaluators, through a use case of the gateway."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from llama_index.core.evaluation import (
    CorrectnessEvaluator,
    EvaluationResult,
    FaithfulnessEvaluator,
)

from benchmarks.answers.answered import Answered, JudgeVerdict, Spent
from benchmarks.answers.answering import spent
from benchmarks.answers.measures import CORRECTNESS, FAITHFULNESS, worded
from benchmarks.records import Record
from generation.asked import Completion
from generation.errors import CallError, GenerationError
from generation.gateway import Gateway
from generation.llama import GatewayLLM

_Evaluation = Coroutine[Any, Any, EvaluationResult]

_YES_OR_NO = re.compile(r"\b(yes|no)\b", re.IGNORECASE)
_ONE_OF = "\n\n(or)\n\n"


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Asks the use case `use_case`, whose prompt takes one text, as `prompt@1` does.

    Raises:
        ConfigurationError: on making one whose use case there is not, or takes something else.
    """

    gateway: Gateway
    use_case: str

    def __post_init__(self) -> None:
        GatewayLLM(self.gateway, self.use_case)

    def verdicts(self, record: Record, given: Answered) -> dict[str, JudgeVerdict]:
        """What is said of an answer to the record's question, by the measure's name: whether its
        passages support it, and, where there is a reference in words, how correct it is. Where
        there is no answer, nothing is asked, and so nothing said."""
        if given.declined:
            return {}
        found = {
            FAITHFULNESS: self._asked(lambda llm: _faithfulness(llm, record, given), read_support)
        }
        if worded(record.answers):
            found[CORRECTNESS] = self._asked(lambda llm: _correctness(llm, record, given), _score)
        return found

    def _asked(
        self,
        evaluation: Callable[[GatewayLLM], _Evaluation],
        score: Callable[[EvaluationResult], float | None],
    ) -> JudgeVerdict:
        completions: list[Completion] = []
        llm = GatewayLLM(self.gateway, self.use_case, completions.append)
        try:
            result = asyncio.run(evaluation(llm))
        except GenerationError as exc:
            failed = f"{type(exc).__name__}: {exc}"
            took = _sum(completions) + (spent(exc) if isinstance(exc, CallError) else Spent())
            return JudgeVerdict(score=None, feedback="", failed=failed, spent=took)
        return JudgeVerdict(
            score=score(result), feedback=result.feedback or "", spent=_sum(completions)
        )


def _faithfulness(llm: GatewayLLM, record: Record, given: Answered) -> _Evaluation:
    return FaithfulnessEvaluator(llm=llm).aevaluate(
        query=record.question,
        response=given.text,
        contexts=[passage.text for passage in record.passages],
    )


def _correctness(llm: GatewayLLM, record: Record, given: Answered) -> _Evaluation:
    return CorrectnessEvaluator(llm=llm, parser_function=read_correctness).aevaluate(
        query=record.question,
        response=given.text,
        reference=_ONE_OF.join(record.answers),
    )


def read_support(result: EvaluationResult) -> float | None:
    """LlamaIndex takes every text that has "yes" in it, "yesterday" too, for a yes, and all others
    for a no. It is a verdict where its first whole YES or NO says the same."""
    first = _YES_OR_NO.search(result.feedback or "")
    said = first is not None and (first[0].lower() == "yes") == result.passing
    return result.score if said else None


def _score(result: EvaluationResult) -> float | None:
    return result.score


def read_correctness(said: str) -> tuple[float | None, str]:
    """The score on the first line, from 1 to 5, or None where there is none; and all that was said.

    LlamaIndex's own parser raises a ValueError where that is one line, and takes any number.
    """
    line = said.strip().partition("\n")[0]
    try:
        score = float(line)
    except ValueError:
        return None, said
    return (score if 1 <= score <= 5 else None), said


def _sum(completions: list[Completion]) -> Spent:
    return sum(map(spent, completions), Spent())
