"""Where this installation keeps its things: what differs from machine to machine."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from indexers.store import VectorStore


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`data_dir` holds the state and, without a Qdrant server, the vectors too."""

    data_dir: Path
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
    """Settings by the environment: QDRANT_URL and QDRANT_API_KEY."""
    return Settings(
        data_dir=data_dir,
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


def state_path(settings: Settings) -> Path:
    """The state database's file."""
    return settings.data_dir / "passages.db"
