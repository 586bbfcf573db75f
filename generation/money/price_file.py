"""The YAML file that prices are read from."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from generation.errors import ConfigurationError
from generation.money.nano import nano_of
from generation.money.prices import Entry, Price, Prices, Rates, Tier
from generation.targets import STRICT
from generation.yaml_file import at_line, read_yaml, what_is_wrong

Usd = Annotated[Decimal, Field(ge=0, le=100_000, decimal_places=9)]
Glob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:*?\[\]-]+$")]
Text = Annotated[str, StringConstraints(min_length=1)]


@dataclass(frozen=True, kw_only=True, config=STRICT)
class _Rates:
    """USD for a million tokens. Where nothing is said of the cache, its tokens cost what other
    input costs: models without a prompt cache report none."""

    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None

    def rates(self) -> Rates:
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        return Rates(
            input=nano_of(self.input),
            output=nano_of(self.output),
            cache_read=nano_of(read),
            cache_write=nano_of(write),
        )


@dataclass(frozen=True, kw_only=True, config=STRICT)
class _Entry(_Rates):
    model: Glob
    region: Glob = "*"
    tier: Tier = "standard"
    since: date = Field(alias="from")  # `from` is a word of the language.
    over: Annotated[int, Field(gt=0)] | None = None
    beyond: _Rates | None = None
    source: Text
    looked_up: date

    @model_validator(mode="after")
    def _bands_fit(self) -> "_Entry":
        if (self.over is None) != (self.beyond is None):
            raise ValueError("over and beyond belong together: the tokens of a prompt, and rates")
        return self

    def entry(self) -> Entry:
        beyond = self.beyond.rates() if self.beyond else None
        return Entry(
            model=self.model,
            region=self.region,
            tier=self.tier,
            since=self.since,
            price=Price(rates=self.rates(), over=self.over, beyond=beyond),
            source=self.source,
            looked_up=self.looked_up,
        )


@dataclass(frozen=True, kw_only=True, config=STRICT)
class _Table:
    prices: Annotated[tuple[_Entry, ...], Field(min_length=1)]


_KEYS: Mapping[int, tuple[str, ...]] = {
    1: ("prices",),
    3: (
        *("model", "region", "tier", "from", "input", "output", "cache_read", "cache_write"),
        *("over", "beyond", "source", "looked_up"),
    ),
    4: ("input", "output", "cache_read", "cache_write"),
}
"""The valid keys, by how deep in the file they are."""


def load_prices(path: Path | None = None) -> Prices:
    """The prices of a file, or those that come with the gateway.

    Raises:
        ConfigurationError: the file is no valid table. The message names the file, the key, and
            what is valid there.
    """
    path = path or Path(__file__).with_name("prices.yaml")
    content = read_yaml(path, ConfigurationError)
    try:
        table = TypeAdapter(_Table).validate_python(content)
    except ValidationError as exc:
        wrong = "; ".join(_said(error, content) for error in exc.errors()[:3])
        raise ConfigurationError(f"{path}: {wrong}") from exc
    _check_once(table, path)
    return Prices([line.entry() for line in table.prices], str(path))


def _said(error: Any, content: Any) -> str:
    where = error["loc"]
    name = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in where).lstrip(".")
    if len(where) > 2 and isinstance(content["prices"][where[1]], dict):
        name += f" ({content['prices'][where[1]].get('model', 'no model')})"
    return at_line(content, where) + what_is_wrong(error, name, _KEYS.get(len(where), ()))


def _check_once(table: _Table, path: Path) -> None:
    keys = Counter((line.model, line.region, line.tier, line.since) for line in table.prices)
    for (model, region, tier, since), count in keys.items():
        if count > 1:
            raise ConfigurationError(
                f"{path}: {count} {tier} prices for {model} in {region} from {since}; one is valid"
            )
