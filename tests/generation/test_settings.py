"""Where a process finds the gateway's configuration and its database."""

import argparse
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.gateway.bedrock import Bedrock
from generation.errors import ConfigurationError
from generation.money.costs import Costs
from generation.settings import (
    add_data_dir,
    add_generation,
    database_url,
    has_database,
    open_gateway,
)
from tests.generation.gateways import INPUTS, MODEL, PRICES


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "PASSAGES_GENERATION"):
        monkeypatch.delenv(name, raising=False)


def parsed(*words: str, default: Path | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_generation(parser, default)
    add_data_dir(parser)
    return parser.parse_args(words)


def test_the_configuration_is_where_the_option_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed().generation is None
    assert parsed(default=Path("here.yaml")).generation == Path("here.yaml")
    monkeypatch.setenv("PASSAGES_GENERATION", "named.yaml")
    assert parsed(default=Path("here.yaml")).generation == Path("named.yaml")
    assert parsed("--generation", "said.yaml").generation == Path("said.yaml")
    monkeypatch.setenv("PASSAGES_GENERATION", "")
    assert parsed().generation is None


def test_the_data_folder_is_the_one_that_every_command_has() -> None:
    assert parsed().data_dir == Path("data")


def test_the_database_is_the_one_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert database_url(Path("data")) == "sqlite:///data/passages.db"
    assert not has_database(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/passages")
    assert database_url(Path("data")) == "postgresql://somewhere/passages"
    assert has_database(tmp_path)


@pytest.mark.parametrize("name", ["data", "a b", "what?", "a#b", "50%20", "ñ@x:y"])
def test_a_data_folder_that_is_missing_is_made_whatever_its_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "deep" / name
    assert sa.make_url(database_url(folder)).database == str(folder / "passages.db")
    Costs(database_url(folder)).close()
    assert has_database(folder)


@pytest.fixture
def file(bedrock: Bedrock, tmp_path: Path) -> Path:
    """A configuration over the stand-in."""
    (tmp_path / "prices.yaml").write_text(PRICES)
    file = tmp_path / "generation.yaml"
    file.write_text(
        f"regions: {{us-east-1: {{endpoint_url: '{bedrock.endpoints['us-east-1']}'}}}}\n"
        f"targets: {{a: {{model: {MODEL}, region: us-east-1}}}}\n"
        "routes: {all: {targets: [a]}}\n"
        "use_cases: {answer: {prompt: answer@1, route: all, max_tokens: 100}}\n"
        "prices: prices.yaml\n"
    )
    return file


def test_a_gateway_opens_with_a_file_and_a_folder(file: Path, tmp_path: Path) -> None:
    gateway = open_gateway(file, tmp_path / "data")
    try:
        assert gateway.complete("answer", INPUTS).target == "a"
    finally:
        gateway.close()
    assert (tmp_path / "data" / "passages.db").exists()


def test_a_profile_of_boto3s_that_there_is_not_is_said(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    with pytest.raises(ConfigurationError, match=r"for us-east-1: .*\(nobodys\) could not be foun"):
        open_gateway(file, tmp_path / "data")
