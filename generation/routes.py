"""In which order a call tries the targets of its route."""

import random
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, Strict, model_validator
from pydantic.dataclasses import dataclass

from generation.health import Health
from generation.targets import STRICT, Name

Order = Literal["ordered", "balanced", "fastest"]
Weight = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]

_EXPLORED = 0.05
"""Of the calls of a `fastest` route, so many begin with another target than the fastest: how fast
the others are by now is not known otherwise."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Route:
    """Names of targets, and how to choose the first one of a call.

    `ordered` tries them as they are listed: provisioned throughput before on-demand, a cheaper
    model before a dearer one. `balanced` draws by `weights` (1 for those not named), `fastest`
    goes by the time to the first token.
    """

    targets: Annotated[tuple[Name, ...], Field(min_length=1)]
    order: Order = "ordered"
    weights: Mapping[Name, Weight] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _weights_are_drawn_by(self) -> "Route":
        if self.weights and self.order != "balanced":
            raise ValueError(f"weights are for the order 'balanced', not {self.order!r}")
        return self

    def ranked(self, health: Mapping[str, Health], chance: random.Random) -> Sequence[str]:
        """The targets in the order of one call."""
        if self.order == "ordered" or len(self.targets) == 1:
            return self.targets
        if self.order == "balanced":
            # Efraimidis and Spirakis (2006): the order of successive draws by weight.
            return sorted(
                self.targets,
                key=lambda name: chance.random() ** (1 / self.weights.get(name, 1.0)),
                reverse=True,
            )
        fastest = sorted(self.targets, key=lambda name: health[name].first_s or 0.0)
        if chance.random() < _EXPLORED:
            fastest.insert(0, fastest.pop(chance.randrange(1, len(fastest))))
        return fastest
