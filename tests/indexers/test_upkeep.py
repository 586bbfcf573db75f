"""What the catalog says of an index's upkeep, and what it is told where it is not valid."""

import re
from pathlib import Path

import pytest

from indexers.catalog import load_catalog
from indexers.errors import CatalogError
from indexers.upkeep import Gate, Hook, Keep, Schedule, Upkeep, seconds
from tests.builders import FAQS

WHOLE = """\
    gate:
      max_shrink: 0.1
      golden: golden.jsonl
      within: 5
      samples: 50
    keep: {builds: 3, days: 14}
    schedule: {every: 6h}
    hook: {kind: zendesk, secret_env: ZENDESK_SECRET}
"""


def upkeep(folder: Path, text: str) -> Upkeep:
    file = folder / "catalog.yaml"
    file.write_text(FAQS + text)
    return load_catalog(file)["faqs"].upkeep


def test_an_index_needs_to_say_nothing(tmp_path: Path) -> None:
    assert upkeep(tmp_path, "") == Upkeep(
        gate=Gate(max_shrink=0.5, golden=None, within=10, samples=20),
        keep=Keep(builds=1, days=None),
        schedule=None,
        hook=None,
    )


def test_everything_can_be_said(tmp_path: Path) -> None:
    assert upkeep(tmp_path, WHOLE) == Upkeep(
        gate=Gate(max_shrink=0.1, golden=tmp_path / "golden.jsonl", within=5, samples=50),
        keep=Keep(builds=3, days=14),
        schedule=Schedule(every="6h"),
        hook=Hook(kind="zendesk", secret_env="ZENDESK_SECRET"),
    )


def test_the_ends_of_the_ranges_are_valid(tmp_path: Path) -> None:
    text = "    gate: {max_shrink: 0, within: 1, samples: 0}\n    keep: {builds: 0, days: 0}\n"
    found = upkeep(tmp_path, text)
    assert found.gate == Gate(max_shrink=0, within=1, samples=0)
    assert found.keep == Keep(builds=0, days=0)
    assert upkeep(tmp_path, "    gate: {max_shrink: 1}\n").gate.max_shrink == 1


@pytest.mark.parametrize("cron", ["0 3 * * *", "*/15 8-18 * * 1-5", "0 0 1 JAN,JUL *"])
def test_a_schedule_may_be_a_cron_expression(tmp_path: Path, cron: str) -> None:
    assert upkeep(tmp_path, f"    schedule: {{cron: '{cron}'}}\n").schedule == Schedule(cron=cron)


@pytest.mark.parametrize("kind", ["passages", "zendesk", "intercom"])
def test_a_hook_is_of_a_kind_that_signs(tmp_path: Path, kind: str) -> None:
    text = f"    hook: {{kind: {kind}, secret_env: S}}\n"
    assert upkeep(tmp_path, text).hook == Hook(kind=kind, secret_env="S")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("gate: 7", 5, "'gate' must be a mapping, not 7"),
        ("gate: {shrink: 1}", 5, "unknown key 'shrink'; valid keys: golden, max_shrink, samples"),
        ("gate:\n      within: 3\n      max_shrink: 50", 6, "'max_shrink' is a share from 0 to 1"),
        ("gate: {max_shrink: -0.1}", 5, "'max_shrink' is a share from 0 to 1, not -0.1"),
        ("gate: {max_shrink: .nan}", 5, "'max_shrink' must be float, not nan"),
        ("gate: {max_shrink: half}", 5, "'max_shrink' must be float, not text"),
        ("gate: {within: 0}", 5, "'within' is 1 or more, 'samples' 0 or more"),
        ("gate: {samples: -1}", 5, "'within' is 1 or more, 'samples' 0 or more"),
        ("gate:\n      samples: 1.5", 6, "'samples' must be int, not 1.5"),
        ("gate: {golden: [a.jsonl]}", 5, "'golden' must be Path or NoneType, not a list"),
        ("keep: {builds: -1}", 5, "'builds' and 'days' are 0 or more"),
        ("keep: {days: -0.5}", 5, "'builds' and 'days' are 0 or more"),
        ("keep: {builds: true}", 5, "'builds' must be int, not true or false"),
        ("keep:\n      builds: 2\n      weeks: 1", 7, "unknown key 'weeks'"),
        ("schedule: daily", 5, "'schedule' must be a mapping, not text"),
        ("schedule: {}", 5, "a schedule has either 'every' or 'cron'"),
        ("schedule: {every: 1h, cron: '0 3 * * *'}", 5, "either 'every' or 'cron'"),
        ("schedule: {every: 90}", 5, "'every' must be str or NoneType, not 90"),
        ("schedule: {every: 5 minutes}", 5, "'5 minutes' is not a number with s, m, h or d behind"),
        ("schedule: {every: 0h}", 5, "'0h' is not a number with s, m, h or d behind it"),
        ("schedule: {cron: '61 * * * *'}", 5, "'61 * * * *' is not a cron expression of five"),
        ("schedule: {cron: hourly}", 5, "'hourly' is not a cron expression of five fields"),
        ("hook: {secret_env: S}", 5, "'kind' is missing; valid: intercom, passages, zendesk"),
        ("hook: {kind: github, secret_env: S}", 5, "unknown kind 'github'; valid: intercom"),
        ("hook: {kind: zendesk}", 5, "'secret_env' is missing"),
        ("hook: {kind: zendesk, secret: s}", 5, "unknown key 'secret'; valid keys: kind, secret_"),
        ("gates: {}", 5, "unknown key 'gates'; valid keys: build, content_type, filters, gate,"),
    ],
)
def test_an_error_says_the_line_and_what_is_valid(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    with pytest.raises(CatalogError, match=re.escape(f"catalog.yaml:{line}: ") + ".*") as refused:
        upkeep(tmp_path, f"    {text}\n")
    assert said in str(refused.value)


@pytest.mark.parametrize("cron", ["* * * * * *", "* * * * * * 2020", "0 3 * *"])
def test_a_cron_expression_has_five_fields(tmp_path: Path, cron: str) -> None:
    with pytest.raises(CatalogError, match=r"catalog\.yaml:5: .* cron expression of five fields"):
        upkeep(tmp_path, f"    schedule: {{cron: '{cron}'}}\n")


def test_a_cron_expression_that_never_comes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"catalog\.yaml:5: "):
        upkeep(tmp_path, "    schedule: {cron: '0 0 30 2 *'}\n")


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("30m", 1800), ("6h", 21600), ("1d", 86400), ("007s", 7)]
)
def test_a_stretch_of_time_is_a_number_with_its_unit(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "h", "5", "5 h", "-5h", "1.5h", "5w", "5hh", "0s", "h5"])
def test_anything_else_is_no_stretch_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="with s, m, h or d behind it, as in 30m"):
        seconds(text)
