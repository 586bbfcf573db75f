"""The collections and the aliases of the stand-in, in a folder.

<folder>/lock                 held by the one process that serves it
<folder>/aliases.json         alias -> collection, replaced whole
<folder>/collections/<name>/  a shard of Qdrant Edge
<folder>/aside/               what is no collection yet, or no longer one
"""

import fcntl
import json
import shutil
import threading
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import qdrant_edge as edge

from benchmarks.performance.qdrant.asked import Refused, only, unknown


def _missing(name: str) -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, f"Not found: Collection `{name}` doesn't exist!")


def _taken(name: str) -> Refused:
    return Refused(HTTPStatus.CONFLICT, f"Wrong input: Collection `{name}` already exists!")


class Collections:
    """Shards by the names of their collections, and aliases that stand for those names.

    Any number of threads may use them.
    """

    def __init__(self, folder: Path) -> None:
        """Open what the folder holds, making it where it does not exist.

        Raises:
            OSError: it cannot be made or written, or another process holds it.
        """
        self._folder, self._changing = folder, threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder / "aside", ignore_errors=True)
        for part in ("aside", "collections"):
            (folder / part).mkdir(exist_ok=True)
        paths = (folder / "collections").iterdir()
        self._shards = {path.name: edge.EdgeShard.load(str(path)) for path in paths}
        file = folder / "aliases.json"
        self.aliases: Mapping[str, str] = json.loads(file.read_text()) if file.exists() else {}

    def names(self) -> list[str]:
        """The collections, sorted."""
        return sorted(self._shards)

    def shard(self, name: str) -> edge.EdgeShard:
        """The shard of a collection or an alias; Refused where there is none."""
        shard = self._shards.get(self.aliases.get(name, name))
        if shard is None:
            raise _missing(name)
        return shard

    def vectors(self, name: str) -> dict[str, Any]:
        """How the dense vectors of a collection or an alias are kept, by their names."""
        config = self._path(self.aliases.get(name, name)) / "edge_config.json"
        vectors: dict[str, Any] = json.loads(config.read_text())["vectors"]
        return vectors

    def create(self, name: str, config: edge.EdgeConfig) -> None:
        """Make an empty collection, whole or not at all; Refused where the name is taken."""
        aside, path = self._aside(), self._path(name)
        with self._changing:
            if name in self._shards or name in self.aliases:
                raise _taken(name)
            edge.EdgeShard.create(str(aside), config).close()
            aside.rename(path)
            self._shards[name] = edge.EdgeShard.load(str(path))

    def drop(self, name: str) -> bool:
        """Delete a collection and, as a server does, its aliases; whether there was one."""
        aside = self._aside()
        with self._changing:
            if self._shards.pop(name, None) is None:
                return False
            self._set_aliases({alias: to for alias, to in self.aliases.items() if to != name})
            self._path(name).rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
        return True

    def change_aliases(self, actions: list[dict[str, Any]]) -> None:
        """Take actions in their order; others see the outcome of all at once.

        Where one is refused, those before it stay, because a server rolls none back: see
        `update_aliases` in its lib/storage/src/content_manager/toc/collection_meta_ops.rs.
        """
        with self._changing:
            aliases = dict(self.aliases)
            try:
                for action in actions:
                    self._change(aliases, action)
            finally:
                self._set_aliases(aliases)

    def close(self) -> None:
        """Bring everything to the disk."""
        for shard in self._shards.values():
            shard.flush()

    def _change(self, aliases: dict[str, str], action: dict[str, Any]) -> None:
        if action.keys() == {"delete_alias"}:
            aliases.pop(action["delete_alias"]["alias_name"], None)
        elif action.keys() == {"create_alias"}:
            create = only(action["create_alias"], "alias_name", "collection_name")
            alias, name = create["alias_name"], create["collection_name"]
            if name not in self._shards:
                raise _missing(name)
            if alias in self._shards:
                raise _taken(alias)
            aliases[alias] = name
        else:
            raise unknown(f"the action {action}")

    def _set_aliases(self, aliases: dict[str, str]) -> None:
        aside = self._aside()
        aside.write_text(json.dumps(aliases, indent=2))
        aside.replace(self._folder / "aliases.json")
        self.aliases = aliases

    def _path(self, name: str) -> Path:
        return self._folder / "collections" / name

    def _aside(self) -> Path:
        return self._folder / "aside" / uuid.uuid4().hex
