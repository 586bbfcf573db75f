"""What the catalog says of an index's re-indexing: its gate, what is kept, when it runs."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from croniter import croniter

from indexers.located import Located, choose, construct


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a new build has to pass before searches see it.

    It may hold at most `max_shrink` fewer documents than the live one, as a share of those.
    `golden` is a JSON Lines file of {"query", "document"}: each query has to find its document
    among the best `within` by one of its vectors. Of `samples` chunks, each has to find itself.
    """

    max_shrink: float = 0.5
    golden: Path | None = None
    within: int = 10
    samples: int = 20

    def __post_init__(self) -> None:
        if not 0 <= self.max_shrink <= 1:
            raise ValueError(f"'max_shrink' is a share from 0 to 1, not {self.max_shrink:g}")
        if self.within < 1 or self.samples < 0:
            raise ValueError("'within' is 1 or more, 'samples' 0 or more")


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Which earlier builds are kept to go back to: the latest `builds`, left at most `days` ago."""

    builds: int = 1
    days: float | None = None

    def __post_init__(self) -> None:
        if self.builds < 0 or (self.days is not None and self.days < 0):
            raise ValueError("'builds' and 'days' are 0 or more")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When an index is re-indexed by itself: `every` so often, as "90s", "30m", "6h" or "1d", or
    by a `cron` expression of five fields, in UTC."""

    every: str | None = None
    cron: str | None = None

    def __post_init__(self) -> None:
        if (self.every is None) == (self.cron is None):
            raise ValueError("a schedule has either 'every' or 'cron'")
        if self.every is not None:
            seconds(self.every)
        elif self.cron is not None:
            _check_cron(self.cron)


@dataclass(frozen=True, kw_only=True)
class Hook:
    """How a help centre announces changes at POST /hooks/{index}: `kind` says how it signs them,
    `secret_env` names the environment variable that holds the secret it signs with."""

    kind: str
    secret_env: str


HOOKS = {name: name for name in ("passages", "zendesk", "intercom")}
"""Ways to sign an announcement."""


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """All of it, for one index."""

    gate: Gate = Gate()
    keep: Keep = Keep()
    schedule: Schedule | None = None
    hook: Hook | None = None


KEYS = ("gate", "keep", "schedule", "hook")
"""The keys of an index in the catalog that are read here."""


def parse_upkeep(where: Located) -> Upkeep:
    """The upkeep that an index's mapping describes.

    Raises:
        LocatedError: an unknown key, or a value out of range.
    """
    given: dict[str, Any] = {}
    if "schedule" in where:
        given["schedule"] = construct(Schedule, where.mapping("schedule"), aside=())
    if "hook" in where:
        hook = where.mapping("hook")
        choose(hook, "kind", HOOKS)
        given["hook"] = construct(Hook, hook, aside=())
    return Upkeep(
        gate=construct(Gate, where.mapping("gate"), aside=()),
        keep=construct(Keep, where.mapping("keep"), aside=()),
        **given,
    )


def _check_cron(text: str) -> None:
    try:
        if len(text.split()) != 5:
            raise ValueError("there are not five")
        croniter(text, datetime(2000, 1, 1, tzinfo=UTC)).get_next()
    except (ValueError, LookupError) as exc:
        what = "is not a cron expression of five fields that ever comes"
        raise ValueError(f"{text!r} {what}: {exc}") from exc


def seconds(text: str) -> float:
    """The seconds of "90s", "30m", "6h" or "1d".

    Raises:
        ValueError: it is none of these.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isdecimal() or int(number) == 0:
        raise ValueError(f"{text!r} is not a number with s, m, h or d behind it, as in 30m")
    return int(number) * _UNITS[unit]


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
