"""What a re-index has to do: the source's listing against the manifest of what is stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from indexers.sources import Entry, Listed, Skipped, Unreadable
from indexers.state import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that could not be indexed: where it stands and why, for who can mend it."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The documents to write, by whether they are there already, and those to delete.

    `kept` counts documents that the listing lacks and that stay all the same, because something
    in it was unreadable and may be one of them.
    """

    scanned: int
    new: tuple[Entry, ...]
    changed: tuple[Entry, ...]
    unchanged: int
    deleted: tuple[str, ...]
    kept: int
    failures: tuple[Failure, ...]
    skipped: tuple[Failure, ...]


def plan_reindex(listing: Iterable[Listed], manifest: Mapping[str, Stored]) -> Plan:
    """Compare a listing with a manifest; of two documents with one id the first one counts."""
    entries: dict[str, Entry] = {}
    failures: list[Failure] = []
    skipped: list[Failure] = []
    hidden = False
    for item in listing:
        if isinstance(item, Skipped):
            skipped.append(Failure(where=item.where, reason=item.reason))
        elif isinstance(item, Unreadable):
            failures.append(Failure(where=item.where, reason=item.reason))
            hidden = hidden or item.hides_id
        elif item.id in entries:
            reason = f"id {item.id!r} is taken by {entries[item.id].where}"
            failures.append(Failure(where=item.where, reason=reason))
        else:
            entries[item.id] = item
    unreadable = {failure.where for failure in failures}
    missing = [id_ for id_ in manifest if id_ not in entries and id_ not in unreadable]
    changed = [e for e in entries.values() if _revision(manifest, e) not in (None, e.revision)]
    new = [e for e in entries.values() if e.id not in manifest]
    return Plan(
        scanned=len(entries) + len(failures),
        new=tuple(new),
        changed=tuple(changed),
        unchanged=len(entries) - len(new) - len(changed),
        deleted=() if hidden else tuple(missing),
        kept=len(missing) if hidden else 0,
        failures=tuple(failures),
        skipped=tuple(skipped),
    )


def _revision(manifest: Mapping[str, Stored], entry: Entry) -> str | None:
    stored = manifest.get(entry.id)
    return None if stored is None else stored.revision
