"""samples/generation.yaml, which people start from."""

from pathlib import Path

import pytest

from generation.commands.check import warnings
from generation.configuration import Configuration, load_configuration
from generation.money.periods import today
from generation.money.price_file import load_prices
from generation.money.prices import Rates
from generation.prompts.templates import Templates

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "generation.yaml"


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load_configuration(SAMPLE)


def test_it_has_the_use_cases_of_a_support_bot(configuration: Configuration) -> None:
    streams = {name: use_case.stream for name, use_case in configuration.use_cases.items()}
    assert streams == {"answer": True, "rewrite": False, "judge": False}


def test_its_prompts_are_there(configuration: Configuration) -> None:
    templates = Templates.load(configuration.prompts)
    found = [templates.get(*one.template).id for one in configuration.use_cases.values()]
    assert found == ["answer", "rewrite", "prompt"]


def test_its_models_have_prices(configuration: Configuration) -> None:
    prices = load_prices(configuration.prices)
    for target in configuration.targets.values():
        rates: Rates = prices.of(target, today()).rates
        assert min(rates.input, rates.output) > 0


def test_it_is_one_that_the_check_has_nothing_against(configuration: Configuration) -> None:
    assert warnings(configuration) == []
    regions = {target.region for target in configuration.targets.values()}
    assert regions == {"us-east-1", "us-west-2"}
    assert {target.kind for target in configuration.targets.values()} == {
        "on_demand",
        "cross_region",
    }
