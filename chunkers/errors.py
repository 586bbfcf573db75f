"""What can go wrong while reading content, said for the person who can mend the content."""


class ChunkersError(Exception):
    """The content could not be turned into chunks."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__class__.__doc__)


class ExtractError(ChunkersError):
    """The content could not be read."""


class SpanError(ChunkersError):
    """A splitter returned text that is not in the document."""
