"""The YAML files that people write for the gateway."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from generation.errors import GenerationError


def read_yaml(path: Path, error: type[GenerationError]) -> Any:
    """What a file says.

    Raises:
        GenerationError: of the kind `error`, where it cannot be read, or is no YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise error(f"{path}: cannot be read: {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise error(f"{path}: no valid YAML: {exc}") from exc


def what_is_wrong(found: Any, name: str, valid_keys: Sequence[str]) -> str:
    """One of pydantic's errors, said of the place `name` in a file, where `valid_keys` are valid
    beside a key that is unknown."""
    if found["type"] == "unexpected_keyword_argument":
        return f"{name}: unknown key; valid keys: {', '.join(valid_keys)}"
    if found["type"] in ("missing", "missing_keyword_only_argument"):
        return f"{name}: has to be there"
    given = f", not {found['input']!r}" if isinstance(found["input"], str | int | float) else ""
    return f"{name or 'the file'}: {found['msg'].removeprefix('Value error, ')}{given}"
