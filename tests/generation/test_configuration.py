"""What is wrong with a configuration is said where it is wrong."""

from pathlib import Path
from typing import Any

import pytest

from generation.configuration import load_configuration, parsed
from generation.errors import ConfigurationError
from generation.use_cases import Budget

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
        ("routes.all.weights", {"opus": 1}, "weights are for the order 'balanced', not 'ordered'"),
        (
            "routes.all",
            {"targets": ["sonnet"], "order": "balanced", "weights": {"opus": 1}},
            "routes.all.weights: no 'opus'; targets of the route: sonnet",
        ),
        ("use_cases.answer.route", "fast", "use_cases.answer.route: no 'fast'; routes: all"),
        ("use_cases.answer.prompt", "answer", "use_cases.answer.prompt: .*, not 'answer'"),
        ("use_cases.answer.max_tokens", 0, "greater than 0, not 0"),
        ("use_cases.answer.attempt_s", 60, r"attempt_s \(60\) is longer than deadline_s \(30\)"),
        ("use_cases.answer.max_tokens", True, "valid integer, not True"),
        ("use_cases.answer.max_tokens", "500", "valid integer, not the text '500'"),
        ("use_cases.answer.top_p", True, "top_p: .*valid number, not True"),
        ("use_cases.answer.stream", "yes", "stream: .*valid boolean, not 'yes'"),
        ("budget", {"day_usd": "1e3"}, "valid number, not the text '1e3'"),
        ("use_cases.answer.hedge_after_s", 15, r"comes too late: .* given up after 15"),
        ("use_cases.check", VALID["use_cases"]["answer"], "use_cases.check: the costs of"),
        ("budget", {"day_usd": float("inf")}, "budget.day_usd: .*1000000000, not inf"),
        ("budget", {"day_usd": 1e-12}, "budget.day_usd: .*0.000000001, not 1e-12"),
        ("records", "logs", "records: has to be a mapping, not 'logs'"),
        ("redact", "email", "redact: has to be a list, not 'email'"),
        (
            "targets.sonnet.quota",
            {"tokens_per_minute": 50},
            "use_cases.answer.max_tokens: 100 is more than 50 a minute, which is all of the quota",
        ),
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


SHORT = """\
targets:
  a: {model: m, region: us-east-1}
routes: {r: {targets: [a]}}
use_cases:
  u:
    prompt: answer@1
    route: r
    max_tokens: 9
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("    budgets: {}", "line 9: use_cases.u.budgets: unknown key"),
        ("    budget:\n      day_usd: -1", "line 10: use_cases.u.budget.day_usd: "),
        ("    route: s", "line 9: no valid YAML: 'route' is there twice"),
        ("  u: {}", "line 9: no valid YAML: 'u' is there twice"),
        ("  v: {route: r, max_tokens: 9}", "line 9: use_cases.v.prompt: has to be there"),
        ("  v: {prompt: a@1, route: s, max_tokens: 9}", "line 9: use_cases.v.route: no 's'"),
        ("records: {folder: 2026-13-01}", "no valid YAML: month must be in 1..12"),
    ],
)
def test_what_is_not_valid_has_its_line(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "generation.yaml"
    file.write_text(SHORT + line)
    with pytest.raises(ConfigurationError, match=rf"generation\.yaml: {said}"):
        load_configuration(file)


def test_what_an_anchor_brings_along_can_be_said_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "generation.yaml"
    other = "  v:\n    <<: *same\n    max_tokens: 10\n"
    file.write_text(SHORT.replace("  u:", "  u: &same") + other)
    found = load_configuration(file).use_cases
    assert (found["u"].max_tokens, found["v"].max_tokens, found["v"].route) == (9, 10, "r")


def test_what_an_anchor_brings_along_may_be_brought_along_again(tmp_path: Path) -> None:
    file = tmp_path / "generation.yaml"
    more = """    budget: &small {day_usd: 5, month_usd: 50}
    tenant_budget: &tiny {<<: *small, day_usd: 1}
budget: {<<: *tiny, month_usd: 100}
"""
    file.write_text(SHORT + more)
    found = load_configuration(file)
    assert found.use_cases["u"].tenant_budget == Budget(day_usd=1, month_usd=50)
    assert found.budget == Budget(day_usd=1, month_usd=100)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "no valid YAML"),
        ("", "the file"),
        ("[1]", "the file"),
        ("a: !!timestamp soon", "no valid YAML"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "generation.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=f"generation.yaml: .*{said}"):
        load_configuration(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read"):
        load_configuration(tmp_path / "none.yaml")
