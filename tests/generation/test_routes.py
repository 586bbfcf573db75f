"""In which order targets are tried."""

import random
from collections import Counter

from generation.health import Health
from generation.routes import Route

NAMES = ("a", "b", "c")


def healthy(**first_s: float) -> dict[str, Health]:
    health = {name: Health() for name in NAMES}
    for name, seconds in first_s.items():
        health[name].succeed(seconds)
    return health


def firsts(route: Route, health: dict[str, Health]) -> Counter[str]:
    chance = random.Random(1)
    ranked = [tuple(route.ranked(health, chance)) for _ in range(1000)]
    assert all(sorted(names) == list(NAMES) for names in ranked)
    return Counter(names[0] for names in ranked)


def test_an_ordered_route_is_as_it_is_listed() -> None:
    assert firsts(Route(targets=NAMES), healthy(a=9, b=1)) == {"a": 1000}


def test_a_balanced_one_goes_by_weights() -> None:
    route = Route(targets=NAMES, order="balanced", weights={"a": 2})
    found = firsts(route, healthy())
    assert 450 < found["a"] < 550
    assert 200 < found["b"] < 300


def test_the_fastest_one_is_first_and_the_others_now_and_then() -> None:
    found = firsts(Route(targets=NAMES, order="fastest"), healthy(a=0.9, b=0.2, c=0.5))
    assert 900 < found["b"] < 1000
    assert found["a"] > 5 < found["c"]


def test_a_target_that_nobody_knows_yet_is_tried() -> None:
    assert firsts(Route(targets=NAMES, order="fastest"), healthy(a=0.9, b=0.2))["c"] > 900
