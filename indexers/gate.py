"""What a re-index has to pass before anything is deleted, and before searches see a new build."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from indexers.catalog import IndexSpec
from indexers.collections import Target
from indexers.errors import ShrinkError, VerificationError
from indexers.jobs.documents import Task
from indexers.jobs.job import JobRequest
from indexers.plan import Failure, Plan
from indexers.state import State
from indexers.store import Search, VectorStore
from indexers.store.base import Candidate

_HOW_TO_FORCE = "If so many are meant to go, add --allow-shrink"

_NAMED = 3  # Golden queries and chunks that a reason names.


def check_listing(spec: IndexSpec, target: Target, plan: Plan, state: State) -> None:
    """Check that enough documents would be left.

    Raises:
        ShrinkError: they are not; the gate's `max_shrink` says how many may go.
    """
    before, _ = state.totals(target.replaces or target.collection)
    listed = len(plan.new) + len(plan.changed) + plan.unchanged
    after = before + len(plan.new) - len(plan.deleted) if target.live else listed
    if after < before * (1 - spec.upkeep.gate.max_shrink):
        raise ShrinkError(
            f"the source of {spec.name!r} lists {listed or 'no'} documents that can be read, but "
            f"the index holds {before}; nothing was touched. {_named(plan.failures)}{_HOW_TO_FORCE}"
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


def check_new_build(
    spec: IndexSpec,
    target: Target,
    failed: Sequence[Task],
    request: JobRequest,
    store: VectorStore,
    state: State,
) -> None:
    """Check that a new build is as large as it should be, of the right shape, and finds things.

    Raises:
        VerificationError: it is not; the message has every reason.
    """
    reasons = [] if request.allow_shrink else [*_too_small(spec, target, failed, state)]
    reasons += _misshapen(spec, target.collection, store)
    reasons = reasons or [
        *_lost_chunks(spec, target.collection, store),
        *_lost_golden(spec, target.collection, store),
    ]
    if reasons:
        live = "searches still see the live one" if target.replaces else "nothing is live yet"
        raise VerificationError(
            f"the new build {target.collection} was not switched to; {live}. " + "; ".join(reasons)
        )


def read_golden(path: Path) -> list[tuple[str, str]]:
    """The queries of a golden file, each with its document.

    Raises:
        VerificationError: it cannot be read, or a line is not {"query", "document"}.
    """
    found = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as exc:
        raise VerificationError(f"the golden queries cannot be read: {path}: {exc}") from exc
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            found.append((str(record["query"]), str(record["document"])))
        except (ValueError, TypeError, KeyError) as exc:
            what = 'a JSON object with "query" and "document"'
            raise VerificationError(f"{path.name}:{number}: not {what}") from exc
    return found


def _too_small(
    spec: IndexSpec, target: Target, failed: Sequence[Task], state: State
) -> Iterator[str]:
    before, _ = state.totals(target.replaces or "")
    after, _ = state.totals(target.collection)
    if after < before * (1 - spec.upkeep.gate.max_shrink):
        failures = [Failure(where=task.location, reason=task.reason or "") for task in failed]
        yield (
            f"it holds {after} documents, the live one {before}. {_named(failures)}{_HOW_TO_FORCE}"
        )


def _misshapen(spec: IndexSpec, collection: str, store: VectorStore) -> Iterator[str]:
    wanted = (spec.build.embedder.dimension, "cosine")
    found = store.shape(collection)
    if found != wanted:
        yield f"its vectors are {found[0]} by {found[1]}, not {wanted[0]} by {wanted[1]}"


def _lost_chunks(spec: IndexSpec, collection: str, store: VectorStore) -> Iterator[str]:
    """Chunks whose own text does not find them, or a copy of them."""
    # Ids are hashes: the first ones are a sample that is as good as any, and the same every time.
    sample = store.page(collection, spec.upkeep.gate.samples) if spec.upkeep.gate.samples else {}
    finds = _finder(spec, collection, store)
    lost = [
        payload
        for payload in sample.values()
        if not any(c.payload["text"] == payload["text"] for c in finds(str(payload["text"])))
    ]
    if lost:
        names = ", ".join(f"{p['document_id']}#{p['ordinal']}" for p in lost[:_NAMED])
        yield f"{len(lost)} of {len(sample)} sampled chunks do not find themselves: {names}"


def _lost_golden(spec: IndexSpec, collection: str, store: VectorStore) -> Iterator[str]:
    gate = spec.upkeep.gate
    golden = read_golden(gate.golden) if gate.golden else []
    finds = _finder(spec, collection, store)
    lost = [
        (query, document)
        for query, document in golden
        if not any(c.payload["document_id"] == document for c in finds(query))
    ]
    if lost:
        names = ", ".join(f"{query!r} ({document})" for query, document in lost[:_NAMED])
        yield f"{len(lost)} of {len(golden)} golden queries do not find their document: {names}"


def _finder(
    spec: IndexSpec, collection: str, store: VectorStore
) -> Callable[[str], list[Candidate]]:
    build = spec.build

    def found(text: str) -> list[Candidate]:
        search = Search(
            dense=build.embedder.embed([text], kind="query")[0],
            sparse=build.sparse.encode_query(text),
            limit=spec.upkeep.gate.within,
        )
        return store.search(collection, search)

    return found


def _named(failures: Sequence[Failure]) -> str:
    if not failures:
        return ""
    first = failures[0]
    return f"{len(failures)} failed, the first one {first.where}: {first.reason}. "
