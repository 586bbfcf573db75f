"""The YAML that many Markdown files begin with."""

import datetime
import math
import re
from collections.abc import Mapping

import yaml

from chunkers.document import JSON
from chunkers.errors import ExtractError

# A blank line after the opening dashes makes them a thematic break.
_FRONT_MATTER = re.compile(
    r"---[ \t]*\r?\n(?!\s*\n)(?P<yaml>.*?^)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)",
    re.DOTALL | re.MULTILINE,
)


class _Loader(yaml.SafeLoader):
    """A safe loader without aliases: a few lines of them can expand to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not accepted", mark)
        return super().compose_node(parent, index)


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
    return _fields(values), text[found.end() :]


def _load(source: str) -> object:
    try:
        return yaml.load(source, Loader=_Loader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        # Counted from the file's first line, which holds the opening dashes.
        line = f", line {mark.line + 2}" if mark else ""
        raise ExtractError(f"broken YAML in the front matter{line}: {exc.problem}") from exc
    except (yaml.YAMLError, ValueError) as exc:
        raise ExtractError(f"broken YAML in the front matter: {exc}") from exc
    except RecursionError as exc:
        raise ExtractError("broken YAML in the front matter: nested too deeply") from exc


def _fields(values: Mapping[object, object]) -> dict[str, JSON]:
    return {str(key): _json(value) for key, value in values.items() if _is_json(value)}


def _is_json(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int | datetime.date | dict | list)


def _json(value: object) -> JSON:
    if isinstance(value, datetime.date):  # datetime too
        return value.isoformat()
    if isinstance(value, dict):
        return _fields(value)
    if isinstance(value, list):
        return [_json(item) for item in value if _is_json(item)]
    return value if isinstance(value, str | int | float | bool) else None
