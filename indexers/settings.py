"""Where this installation keeps its things: what differs from machine to machine."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from indexers.state import State
from indexers.store import VectorStore


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`data_dir` holds the vectors without a Qdrant server, and the state without a database."""

    data_dir: Path
    database_url: str | None = None
    qdrant_url: str | None = None
    qdrant_api_key: str | None = None


def add_places(parser: argparse.ArgumentParser) -> None:
    """Give a command the options `--catalog` and `--data-dir`, which every command takes."""
    catalog, data = Path("catalog.yaml"), Path("data")
    parser.add_argument(
        "--catalog", type=Path, default=catalog, metavar="PATH", help=f"default {catalog}"
    )
    where = f"where the state and the embedded store are; default {data}"
    parser.add_argument("--data-dir", type=Path, default=data, metavar="PATH", help=where)


def settings_from_env(data_dir: Path) -> Settings:
    """Settings by the environment: DATABASE_URL, QDRANT_URL and QDRANT_API_KEY."""
    return Settings(
        data_dir=data_dir,
        database_url=os.environ.get("DATABASE_URL") or None,
        qdrant_url=os.environ.get("QDRANT_URL") or None,
        qdrant_api_key=os.environ.get("QDRANT_API_KEY") or None,
    )


def open_store(settings: Settings) -> VectorStore:
    """The store that the settings name; each engine is imported only where it is used.

    Raises:
        StoreInUseError: another process owns the embedded store.
        StoreError: the server does not answer.
    """
    if settings.qdrant_url:
        from indexers.store.server import ServerStore

        return ServerStore(settings.qdrant_url, settings.qdrant_api_key)
    from indexers.store.edge import EdgeStore

    return EdgeStore(settings.data_dir / "store")


def open_state(settings: Settings) -> State:
    """The state: in the database that the settings name, or in a file.

    Raises:
        StateError: it cannot be opened.
    """
    return State(settings.database_url or state_path(settings))


def state_path(settings: Settings) -> Path:
    """The state's file, where the settings name no database."""
    return settings.data_dir / "passages.db"
