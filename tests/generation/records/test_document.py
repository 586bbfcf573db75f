"""docs/records.md says what records really are: its fields, its example, its SQL."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from generation.redaction import BUILT_IN
from tests.generation.records.samples import call
from tests.generation.records.test_record import SCHEMA, VALID

TEXT = (Path(__file__).parents[3] / "docs/records.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    rest = {key: value for key, value in node.items() if key != "$ref"}
    return {**SCHEMA["$defs"][node["$ref"].rpartition("/")[2]], **rest}


def fields(node: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The paths of a schema, and what it says of them."""
    for name, described in node.get("properties", {}).items():
        said = resolved(described)
        yield path + name, said
        yield from fields(said, f"{path}{name}.")
        yield from fields(said.get("items", {}), f"{path}{name}[].")


FIELDS = dict(fields(SCHEMA))


def type_of(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return "integer"
    if "enum" in field:
        return r" \| ".join(f"`{value}`" for value in field["enum"])
    kinds = field["type"]
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def test_every_field_is_described_with_its_type_and_meaning() -> None:
    rows = re.findall(r"^\| `([\w.\[\]]+)` \| (.+?) \| ([^|]*) \| (.+?) \|$", TEXT, re.MULTILINE)
    described = {path: (kind, meaning) for path, kind, _, meaning in rows}
    assert described == {
        path: (type_of(field), field["description"]) for path, field in FIELDS.items()
    }


def test_every_field_that_ends_with_a_unit_has_that_unit() -> None:
    rows = re.findall(r"^\| `([\w.\[\]]+)` \| .+? \| ([^|]*) \| .+? \|$", TEXT, re.MULTILINE)
    units = {"_ms": "ms", "_tokens": "tokens", "usd": "USD", "nano": "10⁻⁹ USD"}
    for path, unit in rows:
        for end, expected in units.items():
            assert not path.endswith(end) or unit == expected, path


def test_names_are_in_small_letters_as_the_warehouse_has_them() -> None:
    assert all(re.fullmatch(r"[a-z0-9_.\[\]]+", path) for path in FIELDS)


def test_the_example_is_a_record() -> None:
    (example,) = [json.loads(block) for block in blocks("json") if "schema_version" in block]
    VALID.validate(example)
    assert len(example["attempts"]) == 2


def test_every_rule_of_redaction_is_described() -> None:
    rules = re.search(r"\| rule \| finds \|\n\|---\|---\|\n(.*?)\n\n", TEXT, re.DOTALL)
    assert rules is not None
    cells = [line.split("|")[1] for line in rules.group(1).splitlines()]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(BUILT_IN)


def test_the_configurations_of_shippers_can_be_read() -> None:
    (agent,) = [json.loads(block) for block in blocks("json") if "flows" in block]
    assert all(flow["filePattern"].endswith("/calls-*.jsonl") for flow in agent["flows"])
    lines = [line for block in blocks("ini") for line in block.splitlines() if line.startswith(" ")]
    settings = dict(line.split(maxsplit=1) for line in lines)
    assert settings["path"].endswith("/calls-*.jsonl")
    assert settings["parser"] == "gateway_calls"


DDL, *QUERIES = blocks("sql")

SCALARS = {
    "string": ("string", "object"),  # An object stays JSON.
    "int": ("integer",),
    "bigint": ("integer",),
    "double": ("number",),
    "boolean": ("boolean",),
}


def columns(ddl: str) -> Iterator[tuple[str, str]]:
    """The paths of a table's columns, and their types."""
    table = ddl[ddl.index("(") + 1 : ddl.index("\n)")]
    for name, kind in parts(table, " "):
        yield from column(name.strip("` \n"), kind)


def parts(text: str, between: str) -> Iterator[tuple[str, str]]:
    """`name:type, name:type` cut at its commas, but not within a type's brackets."""
    depth, start = 0, 0
    for at, char in enumerate(f"{text},"):
        depth += (char == "<") - (char == ">")
        if char == "," and depth == 0:
            name, _, kind = text[start:at].strip().partition(between)
            yield name.strip(), "".join(kind.split())
            start = at + 1


def column(path: str, kind: str) -> Iterator[tuple[str, str]]:
    if kind.startswith("struct<"):
        yield path, "struct"
        for name, inner in parts(kind[len("struct<") : -1], ":"):
            yield from column(f"{path}.{name}", inner)
    elif kind.startswith("array<struct<"):
        yield path, "array"
        for name, inner in parts(kind[len("array<struct<") : -2], ":"):
            yield from column(f"{path}[].{name}", inner)
    else:
        yield path, kind


COLUMNS = dict(columns(DDL))


def kinds_of(field: Mapping[str, Any]) -> set[str]:
    if "const" in field:
        return {"integer"}
    if "enum" in field:
        return {"string"}
    kinds = field["type"]
    return {kinds} - {"null"} if isinstance(kinds, str) else set(kinds) - {"null"}


@pytest.mark.parametrize("path", COLUMNS)
def test_a_column_is_a_field_of_its_type(path: str) -> None:
    (kind,), column = kinds_of(FIELDS[path]), COLUMNS[path]
    if column == "map<string,string>":
        assert FIELDS[path]["additionalProperties"] == {"type": "string"}
    elif column == "array<string>":
        assert FIELDS[path]["items"] == {"type": "string"}
    elif column in ("struct", "array"):
        assert kind == {"struct": "object", "array": "array"}[column]
    else:
        assert kind in SCALARS[column]


def test_every_field_has_a_column_or_is_within_one_of_json() -> None:
    json_columns = [path for path, kind in COLUMNS.items() if kind == "string"]
    missing = [
        path
        for path in FIELDS
        if path not in COLUMNS and not path.startswith(tuple(f"{p}." for p in json_columns))
    ]
    assert missing == []


WORDS = """select from where group by order desc as and or not is null cross join unnest on
count count_if sum avg approx_percentile substr cardinality"""


def names_in(query: str) -> Iterator[str]:
    """The names that a query uses, apart from words of SQL and those that it gives itself."""
    bare = re.sub(r"element_at\(attempts, (attempt\.number) \+ 1\)", r"\1, attempt", query)
    bare = re.sub(r"'[^']*'|\b\d[\d.e]*", " ", bare)
    own = set(re.findall(r"\bAS (\w+)", bare)) | {"t"}
    for name in re.findall(r"[a-z_][a-z0-9_.]*", bare.lower()):
        if name not in WORDS.split() and name not in own:
            yield name


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.split()[1])
def test_a_query_uses_columns_that_there_are(query: str) -> None:
    found = {name for name in names_in(query) if name not in ("gateway_calls", "day", "attempt")}
    assert found
    for name in found:
        path = re.sub(r"^attempt\.", "attempts[].", name)
        assert path in COLUMNS, name


def test_the_queries_look_at_what_a_record_has() -> None:
    record = call().to_json()
    paths = {re.sub(r"^attempt\.", "attempts[].", n) for query in QUERIES for n in names_in(query)}
    for path in paths - {"gateway_calls", "day", "attempt"}:
        place: Any = record
        for part in path.split("."):
            name = part.removesuffix("[]")
            assert name in place, path
            place = place[name][0] if part.endswith("[]") else place[name]


def test_there_are_five_queries() -> None:
    assert len(QUERIES) == 5
