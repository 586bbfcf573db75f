"""YAML that remembers its lines, and its reading into frozen dataclasses.

Every error says where (file and line), what was wrong and what is valid.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

T = TypeVar("T")


class LocatedError(ValueError):
    """A value in a YAML file is not valid."""


class Located(dict[str, Any]):
    """A YAML mapping that knows its file, its own line and the line of each key (from 1)."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.lines: dict[str, int] = {}

    def error(self, message: str, key: str | None = None) -> LocatedError:
        """A LocatedError at the line of `key`, or of the mapping itself; one that comes from no
        file, and has line 0, says none."""
        line = self.line if key is None else self.lines.get(key, self.line)
        return LocatedError(f"{self.file}:{line}: {message}" if line else message)

    def require(self, key: str) -> Any:
        """The value of a key that has to be there.

        Raises:
            LocatedError: it is missing.
        """
        if key not in self:
            raise self.error(f"'{key}' is missing")
        return self[key]

    def mapping(self, key: str) -> "Located":
        """The mapping under `key`; an absent key is an empty mapping.

        Raises:
            LocatedError: the value is something else.
        """
        if key not in self:
            return Located(self.file, self.line)
        value = self[key]
        if not isinstance(value, Located):
            raise self.error(f"'{key}' must be a mapping, not {describe(value)}", key)
        return value

    def only(self, valid: typing.Iterable[str]) -> None:
        """Check that every key is one of `valid`.

        Raises:
            LocatedError: the first one that is not.
        """
        names = sorted(valid)
        for key in self:
            if key not in names:
                raise self.error(f"unknown key '{key}'; valid keys: {', '.join(names)}", key)


def describe(value: object) -> str:
    """A short name of a YAML value's type, for messages."""
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}
    kind = next((name for type_, name in names.items() if isinstance(value, type_)), None)
    return kind or ("nothing" if value is None else f"{value!r}")


def load(path: Path) -> Located:
    """Read a YAML file whose top level is a mapping.

    Raises:
        LocatedError: it cannot be read, is not YAML, repeats a key, or is not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            raise LocatedError(f"{path}:1: the top level must be a mapping")
        return _mapping(str(path), node)
    except LocatedError:
        raise
    except OSError as exc:
        raise LocatedError(f"{path}: cannot be read: {exc.strerror}") from exc
    except (yaml.YAMLError, ValueError, OverflowError) as exc:  # Not UTF-8, or no such character.
        raise LocatedError(f"{path}: not valid YAML: {exc}") from exc
    except RecursionError as exc:
        raise LocatedError(f"{path}: nested too deeply, or an anchor holds itself") from exc


def from_json(value: Mapping[str, Any], file: str) -> Located:
    """A mapping that came some other way; paths in it are relative to `file` all the same."""
    found = Located(file, 0)
    for key, item in value.items():
        found[key] = from_json(item, file) if isinstance(item, Mapping) else item
    return found


def _mapping(file: str, node: yaml.MappingNode) -> Located:
    found = Located(file, node.start_mark.line + 1)
    for key_node, value_node in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        if key in found:
            raise LocatedError(f"{file}:{line}: '{key}' is there twice")
        found[key] = _value(file, value_node)
        found.lines[key] = line
    return found


def _value(file: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(file, node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(file, child) for child in node.value]
    try:
        # Deep, or a list's tag on a scalar would be an empty list.
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, OverflowError) as exc:
        # An unknown tag, a 13th month; `!!bool maybe` and `!!timestamp soon` are the others.
        line = node.start_mark.line + 1
        raise LocatedError(f"{file}:{line}: {node.value!r} is not valid YAML") from exc


def choose(where: Located, key: str, choices: Mapping[str, T], default: str | None = None) -> T:
    """The choice that `key` names.

    Raises:
        LocatedError: it names none; the valid ones are listed.
    """
    name = where.get(key, default)
    if name is None:
        raise where.error(f"'{key}' is missing; valid: {', '.join(sorted(choices))}")
    if not isinstance(name, str) or name not in choices:
        raise where.error(f"unknown {key} {name!r}; valid: {', '.join(sorted(choices))}", key)
    return choices[name]


def construct(
    cls: Callable[..., T], where: Located, aside: typing.Iterable[str] = ("kind",), **given: object
) -> T:
    """Build a dataclass from a mapping whose keys are its fields, apart from those `given` and
    the keys left `aside`.

    Raises:
        LocatedError: an unknown or missing key, a value of the wrong type, or a value that the
            dataclass itself refuses with ValueError.
    """
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    where.only({*(set(fields) - set(given)), *aside})
    hints = typing.get_type_hints(cls)
    values = dict(given)
    for name, field in fields.items():
        if name in where and name not in given:
            values[name] = _typed(where, name, where[name], hints[name])
        elif name not in given and _required(field):
            raise where.error(f"'{name}' is missing")
    try:
        return cls(**values)
    except ValueError as exc:
        raise where.error(str(exc)) from exc


def _required(field: "dataclasses.Field[Any]") -> bool:
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def _typed(where: Located, key: str, value: Any, hint: Any) -> Any:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for option in options:
        if option is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if option is Path and isinstance(value, str):
            try:
                return (Path(where.file).parent / value).resolve()
            except ValueError as exc:
                raise where.error(f"'{key}' is not a path: {exc}", key) from exc
        if typing.get_origin(option) is tuple and isinstance(value, list):
            return tuple(_element(where, key, item, option) for item in value)
        plain = typing.get_origin(option) or option
        if isinstance(value, plain) and (plain is bool or not isinstance(value, bool)):
            if isinstance(value, float) and not math.isfinite(value):
                break
            return value
    names = " or ".join(getattr(option, "__name__", str(option)) for option in options)
    raise where.error(f"'{key}' must be {names}, not {describe(value)}", key)


def _element(where: Located, key: str, item: Any, hint: Any) -> Any:
    """An item of a list that becomes the tuple of any length that `hint` says."""
    (kind, _) = typing.get_args(hint)
    if not isinstance(item, kind):
        raise where.error(f"'{key}' must be a list of {kind.__name__}, not {describe(item)}", key)
    return item
