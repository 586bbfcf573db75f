"""Answers and what is wanted of them; fields that a test does not name are plain."""

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.answers import Answered, Expected

MakeAnswered = Callable[..., Answered]
MakeExpected = Callable[..., Expected]


@pytest.fixture
def answered() -> MakeAnswered:
    def made(text: str = "", **fields: Any) -> Answered:
        plain: dict[str, Any] = {
            "question_id": "q1",
            "text": text,
            "refused": False,
            "passages": {},
            "citations": (),
            "tokens_in": 0,
            "tokens_out": 0,
            "cost_nano": 0,
            "first_token_ms": None,
            "total_ms": 0.0,
        }
        return Answered(**{**plain, **fields})

    return made


@pytest.fixture
def expected() -> MakeExpected:
    def made(*answers: str, **fields: Any) -> Expected:
        plain: dict[str, Any] = {
            "question_id": "q1",
            "answers": answers,
            "answerable": True,
            "relevant": frozenset(),
        }
        return Expected(**{**plain, **fields})

    return made
