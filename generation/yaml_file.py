"""The YAML files that people write for the gateway."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from generation.errors import GenerationError


class Lined(dict[Any, Any]):
    """A YAML mapping that knows the line of each of its keys, from 1."""

    lines: dict[Any, int]


def read_yaml(path: Path, error: type[GenerationError]) -> Any:
    """What a file says, its mappings as Lined.

    Raises:
        GenerationError: of the kind `error`, where it cannot be read, is no YAML, or has a key
            twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as exc:
        raise error(f"{path}: cannot be read: {exc.strerror}") from exc
    except yaml.MarkedYAMLError as exc:
        line = f"line {exc.problem_mark.line + 1}: " if exc.problem_mark else ""
        said = " ".join(part for part in (exc.context, exc.problem) if part)
        raise error(f"{path}: {line}no valid YAML: {said}") from exc
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as exc:
        # Not UTF-8, a 13th month, `!!bool maybe`, `!!timestamp soon`, or nested too deeply.
        raise error(f"{path}: no valid YAML: {exc}") from exc


_MERGE = "tag:yaml.org,2002:merge"
"""The key `<<`, which what is beside it may say otherwise."""


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Refuses a key that is there twice; later on, what is merged is among a node's own."""
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            if (key.tag, key.value) in seen:
                said = f"{key.value!r} is there twice"
                raise yaml.composer.ComposerError(None, None, said, key.start_mark)
            seen.add((key.tag, key.value))
        return node


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[Lined]:
    found = Lined()
    yield found  # Before it is filled, since an anchor in it may name it.
    found.update(loader.construct_mapping(node))
    found.lines = {
        loader.construct_object(key): key.start_mark.line + 1
        for key, _ in node.value
        if isinstance(key, yaml.ScalarNode)
    }


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def at_line(content: Any, where: Iterable[str | int]) -> str:
    """How a message about a place in a file's content begins: with its line, where it has one."""
    line = None
    for key in where:
        if isinstance(content, Lined):
            line = content.lines.get(key, line)
        try:
            content = content[key]
        except (LookupError, TypeError):
            break
    return "" if line is None else f"line {line}: "


_KINDS = {
    "dataclass_type": "a mapping",
    "mapping_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
}
"""What people call what pydantic expects, by the type of its error."""

_NUMBERS = ("int_type", "float_type")
"""Errors of what is no number: YAML takes 1e3 for a text, and 1.0e+3 for a number."""


def what_is_wrong(found: Any, name: str, valid_keys: Sequence[str]) -> str:
    """One of pydantic's errors, said of the place `name` in a file, where `valid_keys` are valid
    beside a key that is unknown."""
    if found["type"] == "unexpected_keyword_argument":
        return f"{name}: unknown key; valid keys: {', '.join(valid_keys)}"
    if found["type"] in ("missing", "missing_keyword_only_argument"):
        return f"{name}: has to be there"
    given = found["input"]
    kind = "the text " if isinstance(given, str) and found["type"] in _NUMBERS else ""
    shown = f", not {kind}{given!r}" if isinstance(given, str | int | float) else ""
    if found["type"] in _KINDS:
        wanted = f"has to be {_KINDS[found['type']]}"
        return f"{name or 'the file'}: {wanted}{', not nothing' if given is None else shown}"
    return f"{name or 'the file'}: {found['msg'].removeprefix('Value error, ')}{shown}"
