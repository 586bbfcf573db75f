"""What a template is filled with: JSON values of three types."""

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

InputType = Literal["text", "passages", "conversation"]

TYPES: tuple[InputType, ...] = get_args(InputType)

VALID: Mapping[InputType, str] = {
    "text": "a string",
    "passages": 'a list of objects with "text" and, where known, "id", "title" and "url", all '
    "strings",
    "conversation": 'a list of objects with "role" ("user" or "assistant") and "text", a string',
}
"""The values of each type. Passages are numbered from 1, in their order."""

_PASSAGE = {"id": "", "title": "", "url": ""}
_ROLES = ("user", "assistant")


def wrong(kind: InputType, value: object) -> str | None:
    """What keeps a value from being of a type, or None where nothing does."""
    if kind == "text":
        return None if isinstance(value, str) else f"it is {_named(value)}"
    if not isinstance(value, list | tuple):
        return f"it is {_named(value)}"
    for position, item in enumerate(value):
        if said := _wrong_item(kind, item):
            return f"[{position}]{said}"
    return None


def filled(value: Any, guard: "Guard") -> Any:
    """A valid value as a template takes it: what may be left out of a passage is empty, and no text
    reads as one of the template's own tags."""
    if isinstance(value, str):
        return guard(value)
    return [{k: guard(v) for k, v in (_PASSAGE | dict(item)).items()} for item in value]


class Guard:
    """Keeps text from closing or opening the tags that a template delimits its inputs by, so that
    it cannot pass for anything but data: `</passage>` becomes `&lt;/passage>`. Other text is left
    as it is, other tags among it."""

    def __init__(self, template: str) -> None:
        """The tags are those of the template's source."""
        tags = {name.lower() for name in re.findall(r"</?([A-Za-z][\w-]*)", template)}
        names = "|".join(sorted(map(re.escape, tags), key=len, reverse=True))
        self._tag = re.compile(rf"<(?=\s*+/?\s*+(?:{names})(?![\w-]))", re.I) if tags else None

    def __call__(self, text: str) -> str:
        return self._tag.sub("&lt;", text) if self._tag else text


def _wrong_item(kind: InputType, item: object) -> str | None:
    if not isinstance(item, Mapping):
        return f" is {_named(item)}"
    needed = ("text",) if kind == "passages" else ("role", "text")
    known = (*needed, *_PASSAGE) if kind == "passages" else needed
    for key in needed:
        if key not in item:
            return f" has no {key!r}"
    for key, value in item.items():
        if key not in known:
            return f" has an unknown key {key!r}"
        if not isinstance(value, str):
            return f".{key} is {_named(value)}"
    if kind == "conversation" and item["role"] not in _ROLES:
        return f".role is {item['role']!r}"
    return None


def _named(value: object) -> str:
    return "null" if value is None else f"of the type {type(value).__name__}"
