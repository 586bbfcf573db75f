"""The plan of what goes wrong, and which request it happens to."""

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from benchmarks.errors import BenchmarksError
from benchmarks.gateway.bedrock.quotas import Quota

_STRICT = ConfigDict(extra="forbid")

Refusal = Literal[
    "ThrottlingException",
    "ModelNotReadyException",
    "InternalServerException",
    "ServiceUnavailableException",
    "ModelTimeoutException",
    "ModelErrorException",
    "ServiceQuotaExceededException",
    "ValidationException",
    "AccessDeniedException",
    "ResourceNotFoundException",
    "ExpiredTokenException",
]
StreamError = Literal[
    "modelStreamErrorException",
    "throttlingException",
    "internalServerException",
    "serviceUnavailableException",
    "modelTimeoutException",
    "validationException",
]
Cut = Literal["reset_midway", "half_frame", "early_end", "bad_crc"]
Slow = Literal["stall_head", "stall"]
Whole = Literal["half_body", "slow_body"]
Kind = Refusal | StreamError | Cut | Slow | Whole | Literal["reset", "refused"]

REFUSALS: frozenset[str] = frozenset(get_args(Refusal))
STREAM_ERRORS: frozenset[str] = frozenset(get_args(StreamError))
CUTS: frozenset[str] = frozenset(get_args(Cut))
SLOW: frozenset[str] = frozenset(get_args(Slow))
_ONLY_STREAMS = STREAM_ERRORS | CUTS
_ONLY_WHOLE = frozenset(get_args(Whole))


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Fault:
    """One way to fail, and how often.

    `share` of the requests fail so, from `from_s` to `to_s` in seconds since the plan was set; None
    is for ever. The kinds, and what a request gets:

        ThrottlingException ...      that error as an HTTP answer, after `stall_s`; with
                                     `retry_after_s` as its Retry-After where that is set
        reset                        its connection is reset before any byte, after `stall_s`
        stall_head                   nothing for `stall_s`, and then its answer
        stall                        nothing for `stall_s` before the token `after_tokens`, where 0
                                     is the first one, and then the rest; without a stream the
                                     answer is late by it

    Only streams, in place of the token `after_tokens` or of what follows the last one:

        throttlingException ...      that error, and the end of the response
        reset_midway                 its connection is reset
        half_frame                   half of the event, and the connection is closed
        early_end                    half of the event, and the response ends as if it were complete
        bad_crc                      the event with a wrong checksum, and the end of the response

    Only answers without a stream:

        half_body                    half of the body, and the connection is closed
        slow_body                    the body in ten parts over `stall_s`

    A region as a whole, with a `share` of 1 for every model:

        refused                      connections are refused, and those that are open are reset

    A fault that a request cannot have does not happen to it, and makes no room for another one.
    """

    kind: Kind
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    from_s: Annotated[float, Field(ge=0)] = 0.0
    to_s: float | None = None
    retry_after_s: Annotated[int, Field(ge=0)] | None = None
    stall_s: Annotated[float, Field(ge=0)] = 0.0
    after_tokens: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "Fault":
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError(f"to_s ({self.to_s:g}) is not after from_s ({self.from_s:g})")
        return self

    def happens_to(self, *, streams: bool) -> bool:
        """Whether such a request can fail so."""
        return self.kind not in (_ONLY_WHOLE if streams else _ONLY_STREAMS)

    def lasts_at(self, elapsed_s: float) -> bool:
        """Whether it happens so long after the plan was set."""
        return self.from_s <= elapsed_s and (self.to_s is None or elapsed_s < self.to_s)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Faults:
    """What happens to the requests for a target. `region` and `model` are patterns as those of a
    shell, and a model is named by the id that the request has."""

    region: str = "*"
    model: str = "*"
    faults: tuple[Fault, ...]

    @model_validator(mode="after")
    def _outages_are_whole(self) -> "Faults":
        for fault in self.faults:
            if fault.kind == "refused" and (self.model != "*" or fault.share < 1):
                raise ValueError("refused is for all of a region: its model is *, its share 1")
        return self


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Plan:
    """Everything that goes wrong, and the quotas. All `faults` that match a target hold for it; a
    request meets one of them at most, and where their shares come to more than 1, later ones have
    less than theirs. Of `quotas` the first one that matches holds."""

    seed: int = 0
    faults: tuple[Faults, ...] = ()
    quotas: tuple[Quota, ...] = ()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Plan":
        """The plan that `to_json` wrote.

        Raises:
            BenchmarksError: it is none.
        """
        try:
            return _PLANS.validate_json(text)
        except ValidationError as exc:
            raise BenchmarksError(f"the plan is not valid: {exc}") from exc

    def to_json(self) -> str:
        """The plan as JSON."""
        return _PLANS.dump_json(self).decode()

    def outages(self, region: str) -> Sequence[Fault]:
        """When a region refuses connections."""
        return [
            fault
            for rule in self.faults
            if fnmatchcase(region, rule.region)
            for fault in rule.faults
            if fault.kind == "refused"
        ]

    def of_target(self, region: str, model_id: str) -> Sequence[Fault]:
        """What can happen to a request for a target."""
        return [
            fault
            for rule in self.faults
            if fnmatchcase(region, rule.region) and fnmatchcase(model_id, rule.model)
            for fault in rule.faults
            if fault.kind != "refused"
        ]


_PLANS = TypeAdapter(Plan)


class Draws:
    """Which fault a request meets: a function of the plan's seed, the target, and how many requests
    that target has had, whatever happens elsewhere and however they are ordered there."""

    def __init__(self, plan: Plan) -> None:
        """No target has had a request."""
        self.plan = plan
        self._ordinals: Counter[tuple[str, str]] = Counter()
        self._matched: dict[tuple[str, str], Sequence[Fault]] = {}

    def next(self, region: str, model_id: str, *, streams: bool, elapsed_s: float) -> Fault | None:
        """The fault that the next request for a target meets, if any."""
        target = region, model_id
        ordinal = self._ordinals[target]
        self._ordinals[target] += 1
        faults = self._matched.get(target)
        if faults is None:
            faults = self._matched[target] = self.plan.of_target(region, model_id)
        if not faults:
            return None
        left = drawn(self.plan.seed, region, model_id, ordinal)
        for fault in faults:
            if fault.lasts_at(elapsed_s) and fault.happens_to(streams=streams):
                if left < fault.share:
                    return fault
                left -= fault.share
        return None


def drawn(seed: int, region: str, model_id: str, ordinal: int) -> float:
    """A number from 0 to below 1, evenly drawn for one request."""
    name = f"{seed} {region} {model_id} {ordinal}".encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest()[:7]) / 2**56
