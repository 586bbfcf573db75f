"""The gateway's YAML file: targets, routes, use cases, and what stands around them."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from generation.bedrock import Region
from generation.errors import ConfigurationError, PromptError
from generation.prompts.templates import Templates
from generation.redaction import BUILT_IN, Rule
from generation.routes import Route
from generation.targets import STRICT, Count, Name, Quota, Target
from generation.use_cases import Budget, UseCase
from generation.yaml_file import at_line, read_yaml, what_is_wrong

CHECK = "check"
"""The use case that `python -m generation check` counts its own costs under."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RecordSettings:
    """Where the records of calls go: `max_bytes` a file, for `keep_days`."""

    folder: Path
    max_bytes: Count = 64_000_000
    keep_days: Count = 30


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
    at_once: Annotated[Count, Field(le=4096)] = 256

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

    def templates(self) -> Templates:
        """The templates of prompts, with those of the use cases among them.

        Raises:
            PromptError: one is missing or not valid. ConfigurationError: nor is their folder.
        """
        found = Templates.load(self.prompts)
        for name, use_case in self.use_cases.items():
            try:
                found.get(*use_case.template)
            except PromptError as exc:
                raise PromptError(f"use_cases.{name}.prompt: {exc}") from exc
        return found


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
        wrong = "; ".join(_said(error, content) for error in exc.errors()[:3])
        raise ConfigurationError(wrong) from exc
    for where, what in _mismatches(found):
        name = ".".join(where)
        raise ConfigurationError(f"{at_line(content, where)}{name}: {what}")
    return found


def _mismatches(found: Configuration) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where parts that are valid by themselves do not fit, and why."""
    for name, route in found.routes.items():
        yield from _unknown(("routes", name, "targets"), route.targets, found.targets, "targets")
        of = "targets of the route"
        yield from _unknown(("routes", name, "weights"), route.weights, route.targets, of)
    for name, use_case in found.use_cases.items():
        where = ("use_cases", name)
        if name == CHECK:
            yield where, "the costs of 'python -m generation check' have that name; take another"
        yield from _unknown((*where, "route"), [use_case.route], found.routes, "routes")
        for target in found.routes[use_case.route].targets:
            quota = found.targets[target].quota
            if quota is not None and use_case.max_tokens > quota.tokens_per_minute:
                most = f"{quota.tokens_per_minute} a minute, which is all of the quota of {target}"
                yield (*where, "max_tokens"), f"{use_case.max_tokens} is more than {most}"


def _unknown(
    where: tuple[str, ...], names: Iterable[str], valid: Iterable[str], what: str
) -> Iterator[tuple[tuple[str, ...], str]]:
    known = list(valid)
    for name in names:
        if name not in known:
            yield where, f"no {name!r}; {what}: {', '.join(known)}"


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


def _said(error: Any, content: Any) -> str:
    where = error["loc"]
    name = ".".join(str(key) for key in where)
    return at_line(content, where) + what_is_wrong(error, name, _keys(where[:-1]))


def _keys(where: tuple[Any, ...]) -> list[str]:
    # The second place is always a name of the user's own.
    place = ".".join("*" if n == 1 else str(key) for n, key in enumerate(where))
    kind = _KEYS.get(place)
    return list(getattr(kind, "__dataclass_fields__", {}))
