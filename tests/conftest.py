"""Fixtures that every tier shares: an empty installation, and the indexed sample help centre."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexers.build import reindex
from indexers.catalog import IndexSpec, load_catalog
from indexers.state import State
from indexers.store.edge import EdgeStore
from retrieval.api.app import make_app
from retrieval.engine import Engine
from tests.builders import Site
from tests.postgres import database_url as database_url
from tests.postgres import postgres as postgres
from tests.postgres import postgres_url as postgres_url

# There is no hub to ask here, and asking again and again takes a minute.
os.environ["HF_HUB_OFFLINE"] = "1"

SAMPLES = Path(__file__).resolve().parent.parent / "samples"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An installation with nothing in it yet."""
    made = Site(tmp_path)
    yield made
    made.close()


@dataclass(frozen=True)
class HelpCentre:
    """The sample help centre, indexed once; read it, change nothing."""

    data_dir: Path
    catalog: dict[str, IndexSpec]
    engine: Engine
    client: TestClient
    questions: list[dict[str, Any]]


@pytest.fixture(scope="session")
def help_centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HelpCentre]:
    """The sample help centre behind a running API."""
    data_dir = tmp_path_factory.mktemp("help_centre")
    catalog = load_catalog(SAMPLES / "catalog.yaml")
    store, state = EdgeStore(data_dir / "store"), State(data_dir / "passages.db")
    for spec in catalog.values():
        assert not reindex(spec, store, state).failures
    engine = Engine(catalog, store, state)
    lines = (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    with TestClient(make_app(engine), raise_server_exceptions=False) as client:
        yield HelpCentre(data_dir, catalog, engine, client, [json.loads(line) for line in lines])
