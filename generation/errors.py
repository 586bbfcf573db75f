"""What can go wrong while generating, each said for the person who can act on it."""

from generation.messages import Usage


class GenerationError(Exception):
    """Generating failed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__class__.__doc__)


class ConfigurationError(GenerationError):
    """The gateway's configuration is not valid."""


class CommandError(GenerationError):
    """A command asks for what there is not."""


class PromptError(GenerationError):
    """A prompt's template cannot be read, or not be filled with what was given."""


class LedgerError(GenerationError):
    """The database of budgets and costs could not be read or written."""


class RecordsError(GenerationError):
    """The records of calls could not be read or written."""


class RefusedError(GenerationError):
    """The call was refused before it cost anything."""


class OverBudgetError(RefusedError):
    """The call would pass a hard budget."""


class OverQuotaError(RefusedError):
    """No target has the quota for the call within its deadline."""


class CallError(GenerationError):
    """A call was sent and did not succeed. `text` is what had been streamed by then; `usage` and
    `cost_nano`, in nano-dollars, are what its attempts have used and cost all the same."""

    def __init__(self, message: str | None = None, *, text: str = "") -> None:
        super().__init__(message)
        self.text = text
        self.usage, self.cost_nano = Usage(), 0


class RejectedError(CallError):
    """Bedrock does not accept the request, wherever it is sent."""


class ExhaustedError(CallError):
    """Every attempt that the call was allowed has failed."""


class DeadlineError(CallError):
    """The call's deadline passed."""


class BrokenStreamError(CallError):
    """The stream broke after its first token, and is not to be taken up again."""


class DefectError(CallError):
    """An attempt came upon what nobody foresaw; its cause says what."""


class CancelledError(CallError):
    """Whoever asked for the answer no longer wants it."""
