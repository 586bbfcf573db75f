"""One document put into an index, or taken out of it: searchable, or gone, when the call returns.

A change is noted first, so that a job that runs meanwhile leaves the document alone, and a new
build comes to have it before searches see it.
"""

from dataclasses import replace

from chunkers import ChunkersError, extract
from chunkers.document import Content
from indexers.catalog import IndexBuild, IndexSpec
from indexers.errors import ConflictError, DocumentError, DocumentNotFoundError
from indexers.fingerprint import build_of
from indexers.jobs.documents import Task
from indexers.jobs.work import store_group, writing
from indexers.prepare import Assignment, Group, cut, embed
from indexers.state import State
from indexers.store import VectorStore


def put(spec: IndexSpec, content: Content, store: VectorStore, state: State) -> int:
    """Store a document in place of its earlier version; its number of chunks.

    Raises:
        DocumentError: it cannot be read, or holds nothing to index; nothing was touched.
        ConflictError: the index was never indexed.
        StoreError, EmbedderError: the store or the model failed; the next re-index puts it in.
    """
    while True:
        collection = live_collection(spec.name, store)
        group = _prepared(spec, collection, content, state)
        with state.locks.hold(writing(spec.name)):
            if store.aliases(fresh=True).get(spec.name) != collection:
                continue  # Another build has gone live in between.
            _note(spec.name, collection, content.id, content, state)
            store_group(store, state, collection, group, {content.id})
            return len(group.prepared[0].chunk_ids)


def delete(spec: IndexSpec, document_id: str, store: VectorStore, state: State) -> None:
    """Take a document out.

    Raises:
        DocumentNotFoundError: the index has none of that id.
        ConflictError: the index was never indexed.
        StoreError: the store failed; the next re-index takes it out.
    """
    with state.locks.hold(writing(spec.name)):
        collection = live_collection(spec.name, store)
        planned = _planned(spec.name, document_id, state)
        if state.stored(collection, document_id) is None and planned is None:
            raise DocumentNotFoundError(f"index {spec.name!r} has no document {document_id!r}")
        _note(spec.name, collection, document_id, None, state)
        _remove(collection, document_id, store, state)
    state.kept.forget(spec.name, [document_id])


def apply_all(spec: IndexSpec, collection: str, store: VectorStore, state: State) -> None:
    """Bring a collection up to every change that was pushed. Called by who holds the index's lock.

    Raises:
        StoreError, EmbedderError: the store or the model failed.
    """
    manifest = state.manifest(collection)
    for change in state.pushed.all(spec.name):
        stored = manifest.get(change.document_id)
        if change.content is None and stored is not None:
            _remove(collection, change.document_id, store, state)
        elif change.content is not None and (stored is None or stored.revision != change.revision):
            group = _prepared(spec, collection, change.content, state)
            store_group(store, state, collection, group, {change.document_id})


def live_collection(index: str, store: VectorStore) -> str:
    """The collection that searches see.

    Raises:
        ConflictError: there is none.
    """
    collection = store.aliases(fresh=True).get(index)
    if collection is None:
        raise ConflictError(f"index {index!r} was never indexed; re-index it first")
    return collection


def _prepared(spec: IndexSpec, collection: str, content: Content, state: State) -> Group:
    build = _build_of(spec, collection, state)
    task = Task(number=0, document_id=content.id, action="modified", revision=content.revision)
    assignment = Assignment(
        job_id="", index=spec.name, build=build, collection=collection, tasks=[task]
    )
    try:
        document = replace(extract(content), revision=content.revision)
        chunks = cut(assignment, document)
    except ChunkersError as exc:
        raise DocumentError(str(exc)) from exc
    prepared, points = embed(build, [(0, document, chunks)], state)
    return Group(prepared=prepared, slices=[points])


def _build_of(spec: IndexSpec, collection: str, state: State) -> IndexBuild:
    """How a collection was built, which is not always what the catalog asks for now."""
    return build_of(state.build(collection).settings, spec.build)


def _note(
    index: str, collection: str, document_id: str, content: Content | None, state: State
) -> None:
    stored = state.stored(collection, document_id)
    planned = _planned(index, document_id, state)
    # Where a job is to delete it, the source has it no longer: an empty revision counts as none.
    known = planned.revision if planned else stored.revision if stored else ""
    state.pushed.save(index, document_id, content, known or None)


def _planned(index: str, document_id: str, state: State) -> Task | None:
    """What a job that runs does with a document, from its listing of the source."""
    for job in state.jobs.active():
        if job.index == index and not job.request.dry_run:
            for task in state.jobs.documents.of_document(job.id, document_id):
                return task
    return None


def _remove(collection: str, document_id: str, store: VectorStore, state: State) -> None:
    store.delete_document(collection, document_id)
    state.forget_document(collection, document_id)
