"""What an answerer gave for one question, and what a judge said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What calls of the gateway took: tokens, and nano-dollars, 1 USD being 1,000,000,000.

    `tokens_in` counts neither what was read from the prompt cache nor what was written to it.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cache_read: int = 0
    tokens_cache_write: int = 0
    cost_nano: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            tokens_cache_read=self.tokens_cache_read + other.tokens_cache_read,
            tokens_cache_write=self.tokens_cache_write + other.tokens_cache_write,
            cost_nano=self.cost_nano + other.cost_nano,
        )

    @property
    def tokens_read(self) -> int:
        """All tokens of the prompts, those of the cache among them."""
        return self.tokens_in + self.tokens_cache_read + self.tokens_cache_write


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer, a refusal, or a failure, with what it took.

    `text` is without the marks of its citations: a `[1]` left in it would count as a word.
    `refused` is the answerer's own word that nothing answers the question, and `reason` why.
    `failed` is the name and the message of what kept the gateway from answering; then there is no
    text, though its attempts may have cost something.

    `cited` are the numbers, from 1, of the passages that are cited, each once, in order; a number
    that no passage has was made up. `first_token_ms` and `total_ms` count from the moment the
    answerer was asked; the first is None where no answer was streamed. `target` is the model that
    answered, by its name in the gateway's configuration, after `attempts`, and `call_id` finds the
    call in the gateway's own records.
    """

    text: str
    refused: bool
    reason: str | None = None
    failed: str | None = None
    cited: tuple[int, ...] = ()
    total_ms: float
    first_token_ms: float | None = None
    spent: Spent = field(default_factory=Spent)
    target: str | None = None
    attempts: int = 0
    call_id: str | None = None

    @property
    def said(self) -> str:
        """The text that is to answer the question: none in a refusal, however it is worded."""
        return "" if self.refused else self.text

    @property
    def declined(self) -> bool:
        """Whether there is no answer: a refusal, a blank text, or a failure."""
        return not self.said.strip()

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Answered":
        """One that was JSON by `asdict`. Raises TypeError or KeyError for anything else."""
        spent = fields["spent"] or {}  # Earlier versions did not know what a failed call cost.
        given = {"cited": tuple(fields["cited"]), "spent": Spent(**spent)}
        return cls(**{**fields, **given})


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeVerdict:
    """What a judge said of an answer.

    `score` is None where what it said is no verdict, or where `failed` says why it said nothing;
    `feedback` is all that it said. `spent` is over all its calls.
    """

    score: float | None
    feedback: str
    failed: str | None = None
    spent: Spent = field(default_factory=Spent)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "JudgeVerdict":
        """One that was JSON by `asdict`. Raises TypeError or KeyError for anything else."""
        return cls(**{**fields, "spent": Spent(**fields["spent"])})
