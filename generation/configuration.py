"""The gateway's YAML file: targets, routes, use cases, and what stands around them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from generation.bedrock import Region
from generation.errors import ConfigurationError
from generation.redaction import BUILT_IN, Rule
from generation.routes import Route
from generation.targets import STRICT, Name, Quota, Target
from generation.use_cases import Budget, UseCase
from generation.yaml_file import read_yaml, what_is_wrong


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RecordSettings:
    """Where the records of calls go: `max_bytes` a file, for `keep_days`."""

    folder: Path
    max_bytes: Annotated[int, Field(gt=0)] = 64_000_000
    keep_days: Annotated[int, Field(gt=0)] = 30


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Configuration:
    """Everything that the gateway is told.

    `budget` is over all use cases. `prices` is a table in place of the one that comes along,
    `prompts` a folder of templates beside those. `redact` names built-in rules, or is rules of
    one's own. At most `at_once` attempts are under way in a process.
    """

    targets: Annotated[Mapping[Name, Target], Field(min_length=1)]
    routes: Annotated[Mapping[Name, Route], Field(min_length=1)]
    use_cases: Annotated[Mapping[Name, UseCase], Field(min_length=1)]
    regions: Mapping[str, Region] = Field(default_factory=dict)
    budget: Budget = Budget()
    prices: Path | None = None
    prompts: Path | None = None
    records: RecordSettings | None = None
    redact: tuple[str | Rule, ...] = tuple(BUILT_IN)
    at_once: Annotated[int, Field(gt=0, le=4096)] = 256

    def use_case(self, name: str) -> UseCase:
        """A use case by its name.

        Raises:
            ConfigurationError: there is none; the message lists those that there are.
        """
        try:
            return self.use_cases[name]
        except KeyError:
            valid = ", ".join(self.use_cases)
            raise ConfigurationError(f"no use case {name!r}; there are {valid}") from None


_KEYS: Mapping[str, type] = {
    "": Configuration,
    "targets.*": Target,
    "targets.*.quota": Quota,
    "routes.*": Route,
    "use_cases.*": UseCase,
    "use_cases.*.budget": Budget,
    "use_cases.*.tenant_budget": Budget,
    "regions.*": Region,
    "budget": Budget,
    "records": RecordSettings,
}
"""What stands where in the file, for its valid keys."""


def load_configuration(path: Path) -> Configuration:
    """The configuration in a file; its own paths count from the file's folder.

    Raises:
        ConfigurationError: it cannot be read, or is not valid. The message names the file, the key,
            and what is valid there.
    """
    content = read_yaml(path, ConfigurationError)
    try:
        return parsed(content, path.parent)
    except ConfigurationError as exc:
        raise ConfigurationError(f"{path}: {exc}") from exc


def parsed(content: Any, folder: Path) -> Configuration:
    """The configuration that a YAML mapping says; paths in it count from `folder`.

    Raises:
        ConfigurationError: it is not valid.
    """
    try:
        found: Configuration = TypeAdapter(Configuration).validate_python(_placed(content, folder))
    except ValidationError as exc:
        raise ConfigurationError("; ".join(_said(error) for error in exc.errors()[:3])) from exc
    for name, route in found.routes.items():
        _check_names(f"routes.{name}.targets", route.targets, found.targets, "targets")
        _check_names(f"routes.{name}.weights", route.weights, route.targets, "targets of the route")
    for name, use_case in found.use_cases.items():
        _check_names(f"use_cases.{name}.route", [use_case.route], found.routes, "routes")
    return found


def _placed(content: Any, folder: Path) -> Any:
    if not isinstance(content, dict):
        return content
    placed = dict(content)
    for key in ("prices", "prompts"):
        if isinstance(placed.get(key), str):
            placed[key] = folder / placed[key]
    records = placed.get("records")
    if isinstance(records, dict) and isinstance(records.get("folder"), str):
        placed["records"] = {**records, "folder": folder / records["folder"]}
    return placed


def _check_names(where: str, names: Iterable[str], valid: Iterable[str], what: str) -> None:
    known = list(valid)
    for name in names:
        if name not in known:
            raise ConfigurationError(f"{where}: no {name!r}; {what}: {', '.join(known)}")


def _said(error: Any) -> str:
    where = error["loc"]
    return what_is_wrong(error, ".".join(str(key) for key in where), _keys(where[:-1]))


def _keys(where: tuple[Any, ...]) -> list[str]:
    # The second place is always a name of the user's own.
    place = ".".join("*" if n == 1 else str(key) for n, key in enumerate(where))
    kind = _KEYS.get(place)
    return list(getattr(kind, "__dataclass_fields__", {}))
