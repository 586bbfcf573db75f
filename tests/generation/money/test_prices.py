"""Which price holds for a call, and what the call costs by it."""

from dataclasses import asdict
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import ConfigurationError
from generation.messages import Usage
from generation.money.nano import NANO
from generation.money.price_file import load_prices
from generation.money.prices import (
    BY_THE_HOUR,
    Entry,
    PaidBy,
    Price,
    Prices,
    Rates,
    cost_nano,
    most_nano,
    paid_by,
)
from generation.targets import Target

TODAY = date(2026, 11, 25)
HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"

tokens = st.integers(0, 2_000_000)
rate = st.integers(0, 100 * NANO)
all_rates = st.builds(Rates, input=rate, output=rate, cache_read=rate, cache_write=rate)
usages = st.builds(Usage, input=tokens, output=tokens, cache_read=tokens, cache_write=tokens)


def flat(nano: int) -> Price:
    return Price(rates=Rates(input=nano, output=nano, cache_read=nano, cache_write=nano))


def entry(nano: int, model: str = "a.*", region: str = "*", since: str = "2026-01-01") -> Entry:
    return Entry(
        model=model,
        region=region,
        tier="standard",
        since=date.fromisoformat(since),
        price=flat(nano),
        source="a page",
        looked_up=TODAY,
    )


def found(*entries: Entry, model: str = "a.b-1", region: str = "us-east-1") -> int:
    table = Prices(entries, "prices.yaml")
    return table.price_of(model, region, "standard", TODAY).rates.input


def test_a_price_holds_from_its_day_until_the_next_one() -> None:
    table = Prices([entry(1), entry(2, since="2026-10-07"), entry(3, since="2027-01-01")], "p")

    def on(day: str) -> int:
        return table.price_of("a.b", "r", "standard", date.fromisoformat(day)).rates.input

    days = ["2026-01-01", "2026-10-06", "2026-10-07", "2026-12-31", "2027-01-01"]
    assert [on(day) for day in days] == [1, 1, 2, 2, 3]


def test_who_names_more_of_the_model_goes_first_even_if_it_is_older() -> None:
    assert found(entry(1, since="2026-11-01"), entry(2, "a.b-*")) == 2
    assert found(entry(1, "a.b-*"), entry(2, "a.b-1")) == 2
    assert found(entry(1, "a.b-1*"), entry(2, "a.b-1")) == 2


def test_then_who_names_more_of_the_region() -> None:
    assert found(entry(1), entry(2, region="us-*")) == 2
    assert found(entry(1, region="us-*"), entry(2, region="us-[ew]*")) == 2
    assert found(entry(1, region="eu-*"), entry(2)) == 2


def test_a_model_goes_before_a_region() -> None:
    assert found(entry(1, region="us-east-1"), entry(2, "a.b-1")) == 2


def test_a_profile_has_the_price_of_its_model_unless_it_has_its_own() -> None:
    prices = [entry(1), entry(2, "global.a.*")]
    assert found(*prices, model="us.a.b-1") == 1
    assert found(*prices, model="global.a.b-1") == 2


def test_a_model_without_a_price_is_named_with_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match=r"prices.yaml .* standard price for x.y in r on"):
        found(entry(1), model="x.y", region="r")
    with pytest.raises(ConfigurationError, match=r"standard in eu-\* from 2026-01-01"):
        found(entry(1, region="eu-*"))
    with pytest.raises(ConfigurationError, match="2027"):
        found(entry(1, since="2027-01-01"))


@pytest.mark.parametrize(
    ("more", "tier"),
    [
        ({}, "standard"),
        ({"tier": "flex"}, "flex"),
        ({"tier": "priority"}, "priority"),
        ({"tier": "reserved"}, "standard"),
        ({"provisioned": "arn:aws:bedrock:us-east-1:1:provisioned-model/x"}, "provisioned"),
    ],
)
def test_a_target_is_paid_for_by_its_tier(more: dict[str, str], tier: PaidBy) -> None:
    assert paid_by(Target(model=HAIKU, region="us-east-1", **more)) == tier  # type: ignore[arg-type]


def test_provisioned_throughput_costs_nothing_by_the_token() -> None:
    target = Target(model="x.unknown", region="us-east-1", provisioned="arn:aws:x")
    price = load_prices().of(target, TODAY)
    assert price == BY_THE_HOUR
    assert cost_nano(price, Usage(input=10**6, output=10**6)) == 0


def test_a_target_has_the_price_of_its_profile() -> None:
    prices = load_prices()

    def of(profile: str | None) -> int:
        target = Target(model=HAIKU, region="us-east-1", profile=profile)
        return prices.of(target, TODAY).rates.input

    regional = 1_100_000_000
    assert of(None) == of(f"us.{HAIKU}") == regional
    assert of("arn:aws:bedrock:us-east-1:1:application-inference-profile/x") == regional
    assert of(f"global.{HAIKU}") == NANO


def test_a_call_by_hand() -> None:
    price = load_prices().price_of("amazon.nova-lite-v1:0", "us-east-1", "standard", TODAY)
    # 1000 at $0.06, 200 at $0.24 and 400 at $0.015 for a million: $0.000114.
    assert cost_nano(price, Usage(input=1000, output=200, cache_read=400)) == 114_000


@pytest.mark.parametrize(("read", "nano"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 1), (6, 2)])
def test_half_a_nano_dollar_is_rounded_up_once_for_the_call(read: int, nano: int) -> None:
    assert cost_nano(flat(250_000), Usage(input=read)) == nano


@given(all_rates, usages)
def test_a_cost_is_the_sum_of_its_parts_to_half_a_nano_dollar(rates: Rates, usage: Usage) -> None:
    parts = (
        Fraction(count * asdict(rates)[kind], 1_000_000) for kind, count in asdict(usage).items()
    )
    cost = cost_nano(Price(rates=rates), usage)
    assert cost >= 0
    assert abs(cost - sum(parts, Fraction())) <= Fraction(1, 2)


@given(all_rates, all_rates, tokens, usages, tokens)
def test_no_call_costs_more_than_its_worst_case(
    rates: Rates, dearer: Rates, over: int, usage: Usage, unused: int
) -> None:
    price = Price(rates=rates, over=over, beyond=dearer)
    prompt = usage.input + usage.cache_read + usage.cache_write
    assert cost_nano(price, usage) <= most_nano(price, prompt, usage.output + unused)


def test_a_long_prompt_is_paid_by_its_own_rates_with_its_answer() -> None:
    price = Price(rates=flat(1_000_000).rates, over=100, beyond=flat(5_000_000).rates)
    assert cost_nano(price, Usage(input=60, cache_read=20, cache_write=20, output=10)) == 110
    assert cost_nano(price, Usage(input=60, cache_read=21, cache_write=20, output=10)) == 555
