"""Quotas of tokens and requests per minute, as Bedrock takes them.

When a request arrives its input and `maxTokens` are taken, and what was not used is given back when
it ends. Reads of the prompt cache do not count then, and a token of output may count several times:
https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html
How Bedrock refills a quota is not documented; here it is evenly, up to a minute's worth.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked

from benchmarks.gateway.bedrock.refusals import RefusedError

_MINUTE_S = 60


@checked(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Quota:
    """What each target that the patterns match may be asked for in a minute; None is no limit.
    `output_weight` is how much of the quota a token of output costs once it is there."""

    region: str = "*"
    model: str = "*"
    tokens_per_minute: Annotated[int, Field(gt=0)] | None = None
    requests_per_minute: Annotated[int, Field(gt=0)] | None = None
    output_weight: Annotated[int, Field(gt=0)] = 1


class Bucket:
    """So much a minute, full at first."""

    def __init__(self, per_minute: int, now: float) -> None:
        self._full = self._level = float(per_minute)
        self._filled = now

    def has(self, amount: int, now: float) -> bool:
        """Whether so much is there now."""
        passed, self._filled = now - self._filled, now
        self._level = min(self._full, self._level + passed * self._full / _MINUTE_S)
        return self._level >= amount

    def take(self, amount: int) -> None:
        """Take so much out, or give it back where it is below 0."""
        self._level = min(self._full, self._level - amount)


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a request has taken of a target's quota."""

    tokens: int
    weight: int
    bucket: Bucket | None

    def settle(self, input_tokens: int, output_tokens: int) -> None:
        """Give back what was not used; `input_tokens` without those read from the cache."""
        if self.bucket is not None:
            self.bucket.take(input_tokens + self.weight * output_tokens - self.tokens)


class Quotas:
    """The quotas of all targets."""

    def __init__(self, quotas: Sequence[Quota], clock: Callable[[], float]) -> None:
        self._quotas = quotas
        self._clock = clock
        self._targets: dict[tuple[str, str], tuple[Bucket | None, Bucket | None, int]] = {}

    def reserve(self, region: str, model_id: str, tokens: int) -> Reserved:
        """Take a request's tokens, and one request.

        Raises:
            RefusedError: there are not so many.
        """
        now = self._clock()
        target = region, model_id
        if target not in self._targets:
            self._targets[target] = self._made(region, model_id, now)
        of_tokens, of_requests, weight = self._targets[target]
        if of_requests is not None and not of_requests.has(1, now):
            raise RefusedError("ThrottlingException")
        if of_tokens is not None and not of_tokens.has(tokens, now):
            said = "Too many tokens, please wait before trying again."
            raise RefusedError("ThrottlingException", said)
        if of_requests is not None:
            of_requests.take(1)
        if of_tokens is not None:
            of_tokens.take(tokens)
        return Reserved(tokens, weight, of_tokens)

    def _made(
        self, region: str, model_id: str, now: float
    ) -> tuple[Bucket | None, Bucket | None, int]:
        for quota in self._quotas:
            if fnmatchcase(region, quota.region) and fnmatchcase(model_id, quota.model):
                limits = quota.tokens_per_minute, quota.requests_per_minute
                tokens, requests = (n and Bucket(n, now) for n in limits)
                return tokens or None, requests or None, quota.output_weight
        return None, None, 1
