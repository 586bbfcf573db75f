"""What an answerer gave for one question."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer, or a refusal, with what it cost.

    `text` is without the marks of its citations: a `[1]` left in it would count as a word.
    `refused` is the answerer's own word that nothing answers the question. `passages` are those
    that were in the prompt: the id of its document by each passage's id. `citations` are the ids
    of the passages cited, in order; one may be there twice, and one that was not in the prompt
    was made up. `cost_nano` is in nano-dollars, 1 USD being 1,000,000,000. `first_token_ms` and
    `total_ms` count from the moment the answerer was asked; the first is None where the answer
    was not streamed.
    """

    question_id: str
    text: str
    refused: bool
    passages: Mapping[str, str]
    citations: tuple[str, ...]
    tokens_in: int
    tokens_out: int
    cost_nano: int
    first_token_ms: float | None
    total_ms: float

    @property
    def said(self) -> str:
        """The text that is to answer the question: none in a refusal, however it is worded."""
        return "" if self.refused else self.text

    @property
    def declined(self) -> bool:
        """Whether there is no answer: a refusal, or a blank text."""
        return not self.said.strip()
