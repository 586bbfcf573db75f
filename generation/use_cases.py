"""What the gateway is used for: each use case with its prompt, its route and its limits."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints, model_validator
from pydantic.dataclasses import dataclass

from generation.targets import STRICT, Count, Name

OnBroken = Literal["continue", "restart", "fail"]
Priority = Literal["critical", "normal", "batch"]

PRIORITIES: Mapping[Priority, int] = {"critical": 0, "normal": 1, "batch": 2}

Seconds = Annotated[float, Strict(), Field(gt=0, le=3600)]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]
Usd = Annotated[float, Strict(), Field(ge=1e-9, le=1e9)]
TAG = re.compile(r"[A-Za-z0-9 :_@$#=/+,.-]{1,256}")
"""What Bedrock takes as a value of a request's metadata."""

Tag = Annotated[str, StringConstraints(pattern=rf"^{TAG.pattern}$")]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Budget:
    """The most that may be spent, in USD, by the day and the month of UTC, with what was spent of
    it before it was declared; a warning is logged at the share `warn_at`. None is no limit."""

    day_usd: Usd | None = None
    month_usd: Usd | None = None
    warn_at: Annotated[Share, Field(gt=0)] = 0.8


@dataclass(frozen=True, kw_only=True, config=STRICT)
class UseCase:
    """One use of the gateway.

    `prompt` names a template and its version, as in `answer@1`. `deadline_s` holds for the whole
    call with all its attempts, of which there are at most `attempts`, hedged ones among them.
    Where it streams, `first_token_s` and `between_tokens_s` are the longest silences; where it
    does not, an attempt may take `attempt_s`. With `hedge_after_s` another target is asked as well
    when the first token takes longer than that.

    `on_broken` says what happens when a stream breaks after its first token: the next target goes
    on with the text so far (`continue`, where the target's model can), the answer starts again and
    says so (`restart`), or the call ends with an error (`fail`).

    `tags` go along with each request as its metadata, and into records and costs.
    """

    prompt: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*@\d+$")]
    route: Name
    max_tokens: Count
    temperature: Share | None = None
    top_p: Annotated[Share, Field(gt=0)] | None = None
    stop: tuple[str, ...] = ()
    stream: Annotated[bool, Strict()] = False
    deadline_s: Seconds = 30.0
    first_token_s: Seconds = 5.0
    between_tokens_s: Seconds = 5.0
    attempt_s: Seconds = 15.0
    attempts: Annotated[Count, Field(le=10)] = 4
    hedge_after_s: Seconds | None = None
    on_broken: OnBroken = "continue"
    priority: Priority = "normal"
    budget: Budget = Budget()
    tenant_budget: Budget = Budget()
    tags: Mapping[Name, Tag] = Field(default_factory=dict, max_length=14)

    @model_validator(mode="after")
    def _limits_fit(self) -> "UseCase":
        if self.first_limit_s > self.deadline_s:
            name = "first_token_s" if self.stream else "attempt_s"
            raise ValueError(
                f"{name} ({self.first_limit_s:g}) is longer than deadline_s ({self.deadline_s:g})"
            )
        if self.hedge_after_s is not None and self.hedge_after_s >= self.first_limit_s:
            raise ValueError(
                f"hedge_after_s ({self.hedge_after_s:g}) comes too late: an attempt is given up "
                f"after {self.first_limit_s:g}"
            )
        return self

    @property
    def first_limit_s(self) -> float:
        """The longest that an attempt may take to its first token, or to its whole answer."""
        return self.first_token_s if self.stream else self.attempt_s

    @property
    def template(self) -> tuple[str, int]:
        """The id and the version of the prompt's template."""
        id_, _, version = self.prompt.partition("@")
        return id_, int(version)
