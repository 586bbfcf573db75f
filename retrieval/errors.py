"""What can go wrong while retrieving, each said for the person who can act on it."""

from collections.abc import Sequence


class RetrievalError(Exception):
    """Retrieval failed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__class__.__doc__)


class InvalidQueryError(RetrievalError):
    """The query is not valid. `field` names what is wrong, `valid` lists what is right there."""

    def __init__(self, message: str, *, field: str, valid: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.field = field
        self.valid = tuple(valid)


class NotReadyError(RetrievalError):
    """The indexes asked for cannot be searched now."""


class NotRewrittenError(RetrievalError):
    """A follow-up question could not be rewritten."""


class SettingsError(RetrievalError):
    """A variable of the environment is not valid."""


class UnauthorizedError(RetrievalError):
    """A key is missing or wrong."""


class DeadlineExceededError(RetrievalError):
    """No index answered within the deadline."""
