"""Which physical collection a re-index writes to, and which ones are no longer needed."""

from dataclasses import dataclass
from datetime import UTC, datetime

from indexers.catalog import IndexSpec
from indexers.fingerprint import canonical, fingerprint
from indexers.state import BuildRecord, State
from indexers.store import VectorStore


@dataclass(frozen=True, kw_only=True)
class Target:
    """The collection to write to. `live` says that searches see it already; otherwise it
    `replaces` the live one, if there is one."""

    record: BuildRecord
    live: bool
    replaces: str | None

    @property
    def collection(self) -> str:
        """The physical name."""
        return self.record.collection


def choose_target(spec: IndexSpec, store: VectorStore, state: State, *, full: bool) -> Target:
    """The live collection where its fingerprint fits, else one that was left unfinished or kept
    from before with the right fingerprint, else a new one. `full` always takes a new one."""
    settings = canonical(spec.build)
    wanted = fingerprint(settings)
    live = store.aliases().get(spec.name)
    existing = set(store.collections())
    mine = [build for build in state.builds() if build.index == spec.name]
    fitting = [b for b in mine if b.fingerprint == wanted and b.collection in existing]
    if not full:
        for build in sorted(fitting, key=lambda b: b.collection != live):
            is_live = build.collection == live
            return Target(record=build, live=is_live, replaces=None if is_live else live)
    taken = existing | {build.collection for build in mine}
    record = BuildRecord(
        collection=_free_name(f"{spec.name}-{wanted}", taken),
        index=spec.name,
        fingerprint=wanted,
        settings=settings,
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    return Target(record=record, live=False, replaces=live)


def prune(index: str, target: Target, store: VectorStore, state: State) -> None:
    """Drop the index's collections apart from the live one and the one it replaced."""
    live = store.aliases().get(index)
    kept = {live, target.replaces}
    if target.live:  # Nothing was replaced now: what an earlier switch kept stays.
        finished = [b for b in state.builds() if b.index == index and b.finished_at]
        others = [b.collection for b in finished if b.collection != live]
        kept |= set(others[-1:])
    for build in state.builds():
        if build.index == index and build.collection not in kept:
            store.drop(build.collection)
            state.forget_build(build.collection)


def _free_name(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"
