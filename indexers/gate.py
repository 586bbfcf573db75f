"""What a re-index has to pass before anything is deleted, and before searches see a new build."""

from collections.abc import Sequence

from indexers.collections import Target
from indexers.errors import ShrinkError, VerificationError
from indexers.plan import Failure, Plan
from indexers.state import State
from indexers.store import VectorStore

LEAST_LEFT = 0.5
"""The share of an index's documents that a re-index leaves at least, unless it is told to."""

_HOW_TO_FORCE = "If so many are meant to go, add --allow-shrink"


def check_listing(index: str, target: Target, plan: Plan, state: State) -> None:
    """Check that enough documents would be left.

    Raises:
        ShrinkError: it is less than LEAST_LEFT of what the index holds.
    """
    before, _ = state.totals(target.replaces or target.collection)
    listed = len(plan.new) + len(plan.changed) + plan.unchanged
    after = before + len(plan.new) - len(plan.deleted) if target.live else listed
    if after < before * LEAST_LEFT:
        raise ShrinkError(
            f"the source of {index!r} lists {listed or 'no'} documents that can be read, but the "
            f"index holds {before}; nothing was touched. {_named(plan.failures)}{_HOW_TO_FORCE}"
        )


def check_counts(collection: str, store: VectorStore, state: State) -> None:
    """Check that as many chunks are stored as were generated.

    Raises:
        VerificationError: they are not.
    """
    _, expected = state.totals(collection)
    stored = store.count(collection)
    if stored != expected:
        raise VerificationError(
            f"{collection} holds {stored} chunks, but {expected} were generated for its documents; "
            "run 'reindex --full' to build it afresh"
        )


def check_size(target: Target, failures: Sequence[Failure], state: State) -> None:
    """Check that a new build holds enough of the documents of the one it replaces.

    Raises:
        VerificationError: it is less than LEAST_LEFT.
    """
    before, _ = state.totals(target.replaces or "")
    after, _ = state.totals(target.collection)
    if after < before * LEAST_LEFT:
        raise VerificationError(
            f"the new build {target.collection} holds {after} documents, the live one {before}; "
            f"searches still see the live one. {_named(failures)}{_HOW_TO_FORCE}"
        )


def _named(failures: Sequence[Failure]) -> str:
    if not failures:
        return ""
    first = failures[0]
    return f"{len(failures)} failed, the first one {first.where}: {first.reason}. "
