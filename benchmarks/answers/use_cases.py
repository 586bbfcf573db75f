"""What decides what a use case of the gateway answers."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from generation.configuration import Configuration
from generation.prompts.templates import Templates

_MONEY = {"budget", "tenant_budget"}


def use_cases(configuration: Configuration, names: Iterable[str]) -> dict[str, Any]:
    """The use cases of these names as JSON, with their prompts, routes and models, and what a table
    of one's own says these cost. Without budgets and quotas, which may be raised meanwhile.

    Raises:
        ConfigurationError: there is no such use case.
        PromptError: its prompt is no longer there.
    """
    templates = Templates.load(configuration.prompts)
    return {name: _use_case(configuration, templates, name) for name in names}


def _use_case(configuration: Configuration, templates: Templates, name: str) -> dict[str, Any]:
    use_case = configuration.use_case(name)
    route = configuration.routes[use_case.route]
    prices = configuration.prices
    return {
        "prompt": templates.get(*use_case.template).digest,
        "settings": _without(_MONEY, asdict(use_case)),
        "route": asdict(route),
        "targets": {
            target: _without({"quota"}, asdict(configuration.targets[target]))
            for target in route.targets
        },
        "prices": None if prices is None else prices.read_text(encoding="utf-8"),
    }


def _without(names: set[str], fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
