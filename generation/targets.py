"""Where a request can be sent: a model, in a region, by one of Bedrock's ways to pay for it."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, Strict, StringConstraints
from pydantic.dataclasses import dataclass

Kind = Literal["on_demand", "cross_region", "provisioned"]
Tier = Literal["default", "priority", "flex", "reserved"]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]

Count = Annotated[int, Strict(), Field(gt=0)]

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Quota:
    """What the account may ask of a target in a minute. `output_weight` is how many tokens of quota
    one token of output costs once it is there (5 for some models). Several processes that share the
    account's quota get a part of it each."""

    tokens_per_minute: Count
    requests_per_minute: Count | None = None
    output_weight: Count = 1


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Target:
    """One place to send a request to.

    `model` is the base model's id, which its price goes by. What is sent is the first there is of
    `provisioned` (the ARN of a provisioned throughput), `profile` (the id or ARN of an inference
    profile, cross-region or of an application) and `model`. `continues` says whether the model
    takes up an answer that was begun for it; many of the newer ones do not.
    """

    model: Annotated[str, StringConstraints(min_length=1)]
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,}(-[a-z]+)+-\d$")]
    profile: str | None = None
    provisioned: str | None = None
    tier: Tier = "default"
    quota: Quota | None = None
    continues: Annotated[bool, Strict()] = True

    @property
    def model_id(self) -> str:
        """What the request names."""
        return self.provisioned or self.profile or self.model

    @property
    def kind(self) -> Kind:
        """The way that it is paid for."""
        if self.provisioned:
            return "provisioned"
        return "cross_region" if self.profile else "on_demand"
