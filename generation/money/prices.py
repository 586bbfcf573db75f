"""What models cost: a dated table of prices by model, region and tier."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Literal

from generation.errors import ConfigurationError
from generation.messages import Usage
from generation.targets import Target

Tier = Literal["standard", "priority", "flex", "batch"]
PaidBy = Tier | Literal["provisioned"]

_MILLION = 1_000_000
_GEOGRAPHY = re.compile(r"^(global|us-gov|us|eu|apac|au|jp|ca|in)\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Nano-dollars for a million tokens of each kind."""

    input: int
    output: int
    cache_read: int
    cache_write: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model's tokens cost. Where the prompt, with what is read from the cache and written
    to it, has more than `over` tokens, all of the call is paid by the rates `beyond`."""

    rates: Rates
    over: int | None = None
    beyond: Rates | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the table. `model` and `region` are globs; the price holds from the day `since`
    until a later entry of the same model, region and tier. `source` is the page that says so, and
    `looked_up` the day on which it did."""

    model: str
    region: str
    tier: Tier
    since: date
    price: Price
    source: str
    looked_up: date


BY_THE_HOUR = Price(rates=Rates(input=0, output=0, cache_read=0, cache_write=0))
"""The price of provisioned throughput: it is paid by the hour, used or not, and a call that goes
there costs nothing more. Budgets and costs leave the hours out."""


class Prices:
    """A table of prices; safe for threads."""

    def __init__(self, entries: Sequence[Entry], name: str) -> None:
        """`name` is what errors call the table: its file."""
        self._entries = tuple(entries)
        self._name = name
        # A call looks its price up, and there are few of them in a day.
        self._known = lru_cache(4096)(self._find)

    def price_of(self, model: str, region: str, tier: PaidBy, day: date) -> Price:
        """The price on a day of the most specific entry: one that names the model, or else more
        of its name than others do; among these, more of the region; then the latest.

        A model's id may have the prefix of a cross-region profile (`global.`, `us.`, ...). Entries
        for such ids go before those for the model itself.

        Raises:
            ConfigurationError: there is none. The message names the model and the file.
        """
        if tier == "provisioned":
            return BY_THE_HOUR
        found = self._known(model, region, tier, day)
        if found is None:
            raise ConfigurationError(self._missing(model, region, tier, day))
        return found

    def of(self, target: Target, day: date) -> Price:
        """The price of a target: of its cross-region profile where that has a price of its own,
        or of its model. See `price_of` for what it raises."""
        profile = target.profile or ""
        known = profile.endswith(target.model) and _GEOGRAPHY.match(profile)
        model = profile if known else target.model
        return self.price_of(model, target.region, paid_by(target), day)

    def _find(self, model: str, region: str, tier: Tier, day: date) -> Price | None:
        for name in (model, _GEOGRAPHY.sub("", model)):
            fitting = [
                entry
                for entry in self._entries
                if entry.tier == tier
                and entry.since <= day
                and fnmatchcase(name, entry.model)
                and fnmatchcase(region, entry.region)
            ]
            if fitting:
                return max(fitting, key=_rank).price
        return None

    def _missing(self, model: str, region: str, tier: Tier, day: date) -> str:
        base = _GEOGRAPHY.sub("", model)
        others = [
            f"{entry.tier} in {entry.region} from {entry.since}"
            for entry in self._entries
            if fnmatchcase(model, entry.model) or fnmatchcase(base, entry.model)
        ]
        said = f"; it has {', '.join(others)}" if others else ""
        return (
            f"{self._name} has no {tier} price for {model} in {region} on {day}{said}. A budget "
            "needs one: add an entry to a file of your own"
        )


def paid_by(target: Target) -> PaidBy:
    """The tier that a target's calls are paid by. Calls that go beyond a reserved tier's capacity
    are paid as the standard tier's, and Bedrock does not say which: all of them count as such."""
    if target.provisioned:
        return "provisioned"
    return target.tier if target.tier in ("priority", "flex") else "standard"


def cost_nano(price: Price, usage: Usage) -> int:
    """What a call cost, in nano-dollars; exact, but for one rounding (half up) for all of it."""
    prompt = usage.input + usage.cache_read + usage.cache_write
    rates = price.rates
    if price.over is not None and price.beyond is not None and prompt > price.over:
        rates = price.beyond
    return _rounded(
        usage.input * rates.input
        + usage.output * rates.output
        + usage.cache_read * rates.cache_read
        + usage.cache_write * rates.cache_write
    )


def most_nano(price: Price, input_tokens: int, max_tokens: int) -> int:
    """The most that a request can cost, in nano-dollars: all that may be written is written, and
    the prompt is paid by the dearest of the rates that it could be paid by."""
    bands = [price.rates]
    if price.over is not None and price.beyond is not None and input_tokens > price.over:
        bands.append(price.beyond)
    return max(
        _rounded(
            input_tokens * max(rates.input, rates.cache_read, rates.cache_write)
            + max_tokens * rates.output
        )
        for rates in bands
    )


def _rank(entry: Entry) -> tuple[bool, int, bool, int, date]:
    return (*_named(entry.model), *_named(entry.region), entry.since)


def _named(glob: str) -> tuple[bool, int]:
    """Whether a glob is a whole name, and how much of one it says."""
    said = re.sub(r"[*?]", "", re.sub(r"\[[^]]*\]", "x", glob))  # [ew] says about a character.
    return said == glob, len(said)


def _rounded(millionths: int) -> int:
    return (millionths + _MILLION // 2) // _MILLION
