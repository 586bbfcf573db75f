"""What is wrong with a configuration is said where it is wrong."""

from pathlib import Path
from typing import Any

import pytest

from generation.configuration import load_configuration, parsed
from generation.errors import ConfigurationError

VALID: dict[str, Any] = {
    "targets": {"sonnet": {"model": "anthropic.claude", "region": "us-east-1"}},
    "routes": {"all": {"targets": ["sonnet"]}},
    "use_cases": {"answer": {"prompt": "answer@1", "route": "all", "max_tokens": 100}},
}


def changed(place: str, value: Any) -> dict[str, Any]:
    """The valid one, with another value at a dotted place."""
    first, *rest = place.split(".", 1)

    def put(there: Any, name: str, more: list[str]) -> Any:
        if not more:
            return {**there, name: value}
        key, *left = more[0].split(".", 1)
        return {**there, name: put(there.get(name, {}), key, left)}

    changed: dict[str, Any] = put(VALID, first, rest)
    return changed


def test_a_short_one_is_enough() -> None:
    found = parsed(VALID, Path())
    assert found.targets["sonnet"].model_id == "anthropic.claude"
    assert found.use_cases["answer"].template == ("answer", 1)


def test_what_is_sent_is_the_most_special_name_of_a_target() -> None:
    target = parsed(changed("targets.sonnet.profile", "us.anthropic.claude"), Path())
    assert target.targets["sonnet"].model_id == "us.anthropic.claude"
    assert target.targets["sonnet"].kind == "cross_region"


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("use_case", {}, "use_case: unknown key; valid keys: targets, routes, use_cases"),
        ("targets.sonnet.modle", "x", "targets.sonnet.modle: unknown key; valid keys: model"),
        ("targets.sonnet.region", "Virginia", "targets.sonnet.region: .*, not 'Virginia'"),
        ("targets.sonnet.quota", {}, "targets.sonnet.quota.tokens_per_minute: has to be there"),
        ("targets.sonnet.tier", "gold", "tier: Input should be 'default', 'priority'"),
        ("routes.all.targets", ["opus"], "routes.all.targets: no 'opus'; targets: sonnet"),
        ("routes.all.weights", {"opus": 1}, "weights: no 'opus'; targets of the route: sonnet"),
        ("use_cases.answer.route", "fast", "use_cases.answer.route: no 'fast'; routes: all"),
        ("use_cases.answer.prompt", "answer", "use_cases.answer.prompt: .*, not 'answer'"),
        ("use_cases.answer.max_tokens", 0, "greater than 0, not 0"),
        ("use_cases.answer.attempt_s", 60, r"attempt_s \(60\) is longer than deadline_s \(30\)"),
        ("use_cases.answer.budget", {"day": 1}, "valid keys: day_usd, month_usd, warn_at"),
        ("redact", [{"name": "x"}], "redact.0"),
    ],
)
def test_what_is_not_valid_is_named(place: str, value: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        parsed(changed(place, value), Path())


def test_paths_count_from_the_files_folder(tmp_path: Path) -> None:
    file = tmp_path / "generation.yaml"
    file.write_text(
        "targets: {a: {model: m, region: us-east-1}}\nroutes: {r: {targets: [a]}}\n"
        "use_cases: {u: {prompt: answer@1, route: r, max_tokens: 9}}\n"
        "prices: prices.yaml\nrecords: {folder: records}\n"
    )
    found = load_configuration(file)
    assert found.prices == tmp_path / "prices.yaml"
    assert found.records is not None
    assert found.records.folder == tmp_path / "records"


@pytest.mark.parametrize(
    ("text", "said"), [("a: [", "no valid YAML"), ("", "the file"), ("[1]", "the file")]
)
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "generation.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=f"generation.yaml: .*{said}"):
        load_configuration(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read"):
        load_configuration(tmp_path / "none.yaml")
