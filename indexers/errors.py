"""What can go wrong while indexing, each said for the person who can act on it."""


class IndexersError(Exception):
    """Indexing failed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__class__.__doc__)


class CatalogError(IndexersError):
    """The catalog is not valid."""


class SourceError(IndexersError):
    """The source could not be listed."""


class ShrinkError(SourceError):
    """The index would lose more than half of its documents."""


class IndexBusyError(IndexersError):
    """Another process re-indexes the index."""


class DocumentError(IndexersError):
    """One document could not be read."""


class EmbedderError(IndexersError):
    """The embedding model could not be loaded or run."""


class StoreError(IndexersError):
    """The vector store did not do what was asked."""


class CollectionNotFoundError(StoreError):
    """The collection does not exist."""


class StoreInUseError(StoreError):
    """Another process owns the embedded store."""


class StateError(IndexersError):
    """The state database could not be read or written."""


class TakenError(StateError):
    """A row with the same key is there already."""


class JobNotFoundError(IndexersError):
    """There is no such job."""


class IndexNotFoundError(IndexersError):
    """The catalog has no such index."""


class DocumentNotFoundError(IndexersError):
    """The index has no such document."""


class SignatureError(IndexersError):
    """An announcement is not signed as it should be."""


class StoppedError(IndexersError):
    """The job was told to stop."""


class ConflictError(IndexersError):
    """What was asked for cannot be done in the state that things are in."""


class ServerError(IndexersError):
    """The server did not do what was asked."""


class VerificationError(IndexersError):
    """What is stored is not what was generated; the build was not switched to."""


BROKEN_BY = (StoreError, StateError, ServerError)
"""What everything else waits for until somebody has mended it."""
