"""Which physical collection a re-index writes to, which one is live, and which may go."""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from indexers.catalog import IndexSpec
from indexers.errors import ConflictError
from indexers.fingerprint import canonical, fingerprint
from indexers.jobs.job import now_iso
from indexers.state import BuildRecord, State
from indexers.store import VectorStore

IN_USE_S = 60.0
"""How long after a switch a search may still read the collection that it has left."""


_DAY_S = 86_400.0  # By which a clock may have been set back since.


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
    """The live collection where its fingerprint fits, else one of the right fingerprint that was
    left unfinished or kept from before, else a new one. `full` always takes a new one."""
    settings = canonical(spec.build)
    wanted = fingerprint(settings)
    live = store.aliases(fresh=True).get(spec.name)
    existing = set(store.collections())
    mine = [build for build in state.builds() if build.index == spec.name]
    fitting = [b for b in mine if b.fingerprint == wanted and b.collection in existing]
    if not full:
        for build in sorted(fitting, key=lambda b: (b.collection != live, bool(b.rejected_at))):
            is_live = build.collection == live
            if is_live or not build.rejected_at:
                return Target(record=build, live=is_live, replaces=None if is_live else live)
    record = BuildRecord(
        # Never a name that was there before: a search that is late would find the wrong build.
        collection=f"{spec.name}-{wanted}-{secrets.token_hex(3)}",
        index=spec.name,
        fingerprint=wanted,
        settings=settings,
        started_at=now_iso(),
    )
    return Target(record=record, live=False, replaces=live)


def switch(index: str, collection: str, store: VectorStore, state: State) -> None:
    """Let searches see a collection, and note since when. Called by who holds the index's lock.

    Raises:
        StoreError: the store failed; searches see either the one or the other.
    """
    left = store.aliases(fresh=True).get(index)
    store.switch(index, collection)
    now = now_iso()
    for build in state.builds():
        if build.collection == collection:
            state.save_build(replace(build, switched_at=now, replaced_at=None, rejected_at=None))
        elif build.collection == left or _was_live(build, index):
            state.save_build(replace(build, replaced_at=now))


def _was_live(build: BuildRecord, index: str) -> bool:
    """Whether a build seems live still: a crash came between a switch and its being noted."""
    return build.index == index and bool(build.switched_at) and not build.replaced_at


def roll_back(index: str, store: VectorStore, state: State) -> str:
    """Let searches see the build that was live before the live one; its collection.

    Raises:
        ConflictError: there is none.
        StoreError: the store failed; searches see either the one or the other.
    """
    live = store.aliases(fresh=True).get(index)
    previous = _previous(index, live, store, state)
    if not previous:
        raise ConflictError(f"index {index!r} has no earlier build to go back to")
    switch(index, previous[0].collection, store, state)
    for build in state.builds():
        if build.collection == live:
            state.save_build(replace(build, rejected_at=now_iso()))
    return previous[0].collection


def prune(
    spec: IndexSpec, store: VectorStore, state: State, *, unfinished: bool = False
) -> list[str]:
    """Drop builds of an index that are neither live nor among the previous ones to keep, by
    number and age; the collections that went. One that searches may still read stays for now, one
    that a job is writing too; one that was left `unfinished` for a day, in which another job may
    go on with it, or until that has."""
    index, live = spec.name, store.aliases(fresh=True).get(spec.name)
    written = {job.collection for job in state.jobs.active() if job.index == index}
    previous = _previous(index, live, store, state)[: spec.upkeep.keep.builds]
    if spec.upkeep.keep.days is not None:
        since = datetime.now(UTC) - timedelta(days=spec.upkeep.keep.days)
        previous = [b for b in previous if _at(b.replaced_at) > since]
    kept = {live, *written, *(build.collection for build in previous)}
    builds = state.builds()
    since_switch = next((b.switched_at or "" for b in builds if b.collection == live), "")
    # What was rolled back is remembered until another build has come in its place.
    kept |= {b.collection for b in builds if b.rejected_at and b.rejected_at >= since_switch}
    if not unfinished:
        since = datetime.now(UTC) - timedelta(days=1)
        kept |= {b.collection for b in builds if not b.finished_at and _at(b.started_at) > since}
    gone = []
    for build in builds:
        left = (datetime.now(UTC) - _at(build.replaced_at)).total_seconds()
        if build.index == index and build.collection not in kept and not -_DAY_S <= left < IN_USE_S:
            store.drop(build.collection)
            state.forget_build(build.collection)
            gone.append(build.collection)
    return gone


def _previous(index: str, live: str | None, store: VectorStore, state: State) -> list[BuildRecord]:
    """The builds that were live before, the latest first, that were not rolled back."""
    existing = set(store.collections())
    builds = [
        build
        for build in state.builds()
        if build.index == index
        and build.collection != live
        and build.collection in existing
        # One of before `switched_at` was written down was live when it was finished.
        and (build.switched_at or build.finished_at)
        and not build.rejected_at
    ]
    return sorted(builds, key=lambda b: b.replaced_at or b.finished_at or "", reverse=True)


def _at(time: str | None) -> datetime:
    return datetime.fromisoformat(time) if time else datetime.min.replace(tzinfo=UTC)
