"""The stand-in for Bedrock, and credentials that it takes."""

from collections.abc import Iterator

import pytest

from benchmarks.gateway.bedrock import Bedrock, Plan
from tests.generation.gateways import REGIONS


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-tests")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


@pytest.fixture(scope="module")
def served() -> Iterator[Bedrock]:
    with Bedrock.served(regions=REGIONS) as bedrock:
        yield bedrock


@pytest.fixture
def bedrock(served: Bedrock) -> Bedrock:
    """Without any fault, and with nothing counted yet."""
    served.set_plan(Plan())
    served.reset()
    return served
