"""The YAML that many Markdown files begin with."""

import datetime
import math
import re
from collections.abc import Mapping

import yaml

from chunkers.document import JSON
from chunkers.errors import ExtractError
from chunkers.readers.text import clean

# A blank line after the opening dashes makes them a thematic break.
_FRONT_MATTER = re.compile(
    r"---[ \t]*\r?\n(?!\s*\n)(?P<yaml>.*?^)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)",
    re.DOTALL | re.MULTILINE,
)


class _Loader(yaml.SafeLoader):
    """A safe loader without aliases, a few lines of which can expand to gigabytes; a value that
    its tag does not fit is an error as every other."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not accepted", mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        try:
            return super().construct_object(node, deep)
        except (LookupError, AttributeError) as exc:  # As of `!!bool maybe`, `!!timestamp soon`.
            problem = f"{node.value!r} is not of the type {node.tag.rpartition(':')[2]}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from exc


def split_front_matter(text: str) -> tuple[dict[str, JSON], str]:
    """Return the front matter and the text after it. Raises ExtractError on broken YAML."""
    found = _FRONT_MATTER.match(text)
    if not found:
        return {}, text
    values = _load(found["yaml"])
    if values is None:
        return {}, text[found.end() :]
    if not isinstance(values, dict):
        return {}, text  # prose between two thematic breaks
    return values, text[found.end() :]


def _load(source: str) -> object:
    try:
        values = yaml.load(source, Loader=_Loader)
        return _fields(values) if isinstance(values, dict) else values
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        # Counted from the file's first line, which holds the opening dashes.
        line = f", line {mark.line + 2}" if mark else ""
        raise ExtractError(f"broken YAML in the front matter{line}: {exc.problem}") from exc
    except (yaml.YAMLError, ValueError, OverflowError) as exc:
        raise ExtractError(f"broken YAML in the front matter: {exc}") from exc
    except RecursionError as exc:
        raise ExtractError("broken YAML in the front matter: nested too deeply") from exc


def _fields(values: Mapping[object, object]) -> dict[str, JSON]:
    return {clean(str(key)): _json(value) for key, value in values.items() if _is_json(value)}


def _is_json(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):  # Hexadecimal ones can be too long to be written out.
        return value.bit_length() <= 64
    return value is None or isinstance(value, str | datetime.date | dict | list)


def _json(value: object) -> JSON:
    if isinstance(value, datetime.date):  # datetime too
        return value.isoformat()
    if isinstance(value, dict):
        return _fields(value)
    if isinstance(value, list):
        return [_json(item) for item in value if _is_json(item)]
    if isinstance(value, str):
        return clean(value)
    return value if isinstance(value, int | float) else None
