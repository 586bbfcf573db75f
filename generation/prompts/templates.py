"""The prompts there are: those that come with the gateway, and those of a folder."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generation.errors import ConfigurationError, PromptError
from generation.prompts.template import Template
from generation.yaml_file import read_yaml

_SHIPPED = Path(__file__).parent
_KEYS = ("inputs", "system", "user")


class Templates:
    """Templates by id and version."""

    def __init__(self, templates: Mapping[tuple[str, int], Template]) -> None:
        self._templates = templates

    @classmethod
    def load(cls, folder: Path | None = None) -> "Templates":
        """The templates that come with the gateway, and those of `folder`, which holds them as
        `<id>/<version>.yaml` too and may add ids and versions.

        Raises:
            ConfigurationError: the folder cannot be read, or it changes a version that comes with
                the gateway.
            PromptError: a file is no valid template.
        """
        templates = dict(_found(_SHIPPED))
        for key, template in _found(folder) if folder is not None else ():
            shipped = templates.get(key)
            if shipped is not None and shipped.digest != template.digest:
                raise ConfigurationError(
                    f"{folder}: {template} comes with the gateway and is not to be changed, since "
                    f"records name it; call yours {template.id}@{_next(templates, template.id)}"
                )
            templates[key] = template
        return cls(templates)

    def __iter__(self) -> Iterator[Template]:
        """By id and version."""
        return (self._templates[key] for key in sorted(self._templates))

    def get(self, id_: str, version: int) -> Template:
        """One of them.

        Raises:
            PromptError: there is none by that id and version.
        """
        template = self._templates.get((id_, version))
        if template is None:
            names = ", ".join(str(known) for known in self)
            raise PromptError(f"there is no template {id_}@{version}; there are {names}")
        return template


def _found(folder: Path) -> Iterator[tuple[tuple[str, int], Template]]:
    try:
        files = [file for place in (folder, *_folders(folder)) for file in _yaml_files(place)]
    except OSError as exc:
        raise ConfigurationError(f"{folder}: cannot be read: {exc.strerror}") from exc
    for file in files:
        if file.parent == folder or not _is_version(file):
            raise PromptError(
                f"{file}: a template is at <id>/<version>.yaml, as in answer/1.yaml; versions are "
                "numbers from 1"
            )
        template = _read(file)
        yield (template.id, template.version), template


def _folders(folder: Path) -> Iterator[Path]:
    return (place for place in sorted(folder.iterdir()) if place.is_dir())


def _yaml_files(place: Path) -> Iterator[Path]:
    return (file for file in sorted(place.iterdir()) if file.suffix in (".yaml", ".yml"))


def _is_version(file: Path) -> bool:
    name = file.stem
    is_number = name.isascii() and name.isdecimal() and not name.startswith("0")
    return is_number and file.suffix == ".yaml"


def _read(file: Path) -> Template:
    content = read_yaml(file, PromptError)
    _check_keys(file, content)
    try:
        return Template(
            id=file.parent.name,
            version=int(file.stem),
            system=content.get("system", ""),
            user=content["user"],
            inputs=content["inputs"],
        )
    except PromptError as exc:
        raise PromptError(f"{file}: {exc}") from exc


def _check_keys(file: Path, content: Any) -> None:
    valid = f"valid keys: {', '.join(_KEYS)}"
    if not isinstance(content, dict):
        raise PromptError(f"{file}: a template is an object; {valid}")
    if unknown := [key for key in content if key not in _KEYS]:
        raise PromptError(f"{file}: unknown key {unknown[0]!r}; {valid}")
    for key in ("user", "inputs"):
        if key not in content:
            raise PromptError(f"{file}: {key!r} is missing; {valid}")
    for key in ("system", "user"):
        if not isinstance(content.get(key, ""), str):
            raise PromptError(f"{file}: {key!r} is not a text")
    inputs = content["inputs"]
    if not isinstance(inputs, dict) or not all(isinstance(name, str) for name in inputs):
        raise PromptError(f"{file}: 'inputs' is an object of names and types")


def _next(templates: Mapping[tuple[str, int], Template], id_: str) -> int:
    return 1 + max(version for known, version in templates if known == id_)
