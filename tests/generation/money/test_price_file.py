"""The file of prices: the one that comes along, and what is said of one that is wrong."""

from datetime import date
from pathlib import Path

import pytest

from generation.errors import ConfigurationError
from generation.money.price_file import load_prices
from generation.money.prices import Tier

TODAY = date(2026, 11, 25)
ENTRY = {
    "model": "a.b-*",
    "from": "2026-01-01",
    "input": "3",
    "output": "15",
    "source": "https://example.org/prices",
    "looked_up": "2026-11-25",
}


def written(folder: Path, *entries: dict[str, str]) -> Path:
    lines = ["prices:"]
    for entry in entries:
        lines += ["  - " + ", ".join(f"{key}: {value}" for key, value in entry.items()).join("{}")]
    path = folder / "mine.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "model",
    [
        "anthropic.claude-haiku-5-5",
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        "us.anthropic.claude-sonnet-5-5",
        "anthropic.claude-sonnet-5",
        "anthropic.claude-sonnet-4-6",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "amazon.nova-micro-v1:0",
        "us.amazon.nova-lite-v1:0",
        "amazon.nova-pro-v1:0",
        "amazon.nova-2-lite-v1:0",
        "meta.llama3-1-8b-instruct-v1:0",
        "us.meta.llama3-3-70b-instruct-v1:0",
        "mistral.ministral-3-8b-instruct",
    ],
)
def test_the_models_of_a_support_chatbot_have_a_price(model: str) -> None:
    rates = load_prices().price_of(model, "us-east-1", "standard", TODAY).rates
    assert 0 < rates.cache_read <= rates.input <= rates.output
    assert rates.cache_write >= rates.input


def test_a_price_that_was_cut_is_the_old_one_until_that_day() -> None:
    prices, model = load_prices(), "global.anthropic.claude-sonnet-5-5"

    def read(day: date) -> int:
        return prices.price_of(model, "eu-west-1", "standard", day).rates.cache_read

    assert (read(date(2026, 10, 6)), read(date(2026, 10, 7))) == (200_000_000, 100_000_000)


def test_a_region_of_which_no_price_is_known_has_none() -> None:
    for region in ("sa-east-1", "us-gov-west-1"):
        with pytest.raises(ConfigurationError, match=region):
            load_prices().price_of("amazon.nova-pro-v1:0", region, "standard", TODAY)


def test_a_file_of_the_users_takes_the_place_of_it(tmp_path: Path) -> None:
    prices = load_prices(written(tmp_path, ENTRY, ENTRY | {"tier": "flex", "input": "0.00875"}))

    def read(tier: Tier) -> int:
        return prices.price_of("a.b-1", "us-east-1", tier, TODAY).rates.input

    assert (read("standard"), read("flex")) == (3_000_000_000, 8_750_000)
    with pytest.raises(ConfigurationError, match=r"mine.yaml has no standard price for amazon"):
        prices.price_of("amazon.nova-pro-v1:0", "us-east-1", "standard", TODAY)


def test_without_a_price_of_its_own_the_cache_costs_what_input_costs(tmp_path: Path) -> None:
    rates = load_prices(written(tmp_path, ENTRY)).price_of("a.b-1", "r", "standard", TODAY).rates
    assert rates.cache_read == rates.cache_write == rates.input


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tier": "gold"}, r"prices\[0\].tier \(a.b-\*\): .*'standard', 'priority', 'flex' or"),
        ({"inptu": "3"}, r"prices\[0\].inptu \(a.b-\*\): unknown key; valid keys: model, region"),
        ({"input": "-1"}, r"prices\[0\].input .*greater than or equal to 0, not -1"),
        ({"input": "0.0000000001"}, "no more than 9 decimal places"),
        ({"input": "dear"}, "valid decimal, not 'dear'"),
        ({"from": "soon"}, r"prices\[0\].from .*valid date"),
        ({"model": '"a b"'}, r"prices\[0\].model .*not 'a b'"),
        ({"over": "10"}, "over and beyond belong together"),
        (
            {"over": "10", "beyond": "{input: 1, output: 2, cached: 3}"},
            r"prices\[0\].beyond.cached .*valid keys: input, output, cache_read, cache_write",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_key(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"mine.yaml: {said}|mine.yaml: .*{said}"):
        load_prices(written(tmp_path, ENTRY | change))


def test_a_key_that_is_missing_is_named(tmp_path: Path) -> None:
    lacking = {key: value for key, value in ENTRY.items() if key != "source"}
    with pytest.raises(ConfigurationError, match=r"prices\[0\].source \(a.b-\*\): has to be there"):
        load_prices(written(tmp_path, lacking))


def test_two_prices_for_the_same_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"2 standard prices for a.b-\* in \* from 2026"):
        load_prices(written(tmp_path, ENTRY, ENTRY))


@pytest.mark.parametrize(
    "content", ["", "prices: []", "- a", "prices: [3]", "other: 1", "a: [", "é"]
)
def test_a_file_that_is_no_table_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(ConfigurationError, match=r"mine\.yaml: "):
        load_prices(path)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none.yaml: cannot be read: No such file"):
        load_prices(tmp_path / "none.yaml")
