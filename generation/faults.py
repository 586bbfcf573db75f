"""Everything that can go wrong with one attempt, classed once: where to try again, if anywhere."""

from dataclasses import dataclass
from enum import StrEnum


class Advice(StrEnum):
    """Where to try again."""

    HERE = "here"  # It passes by itself; the same target will do after a while.
    ELSEWHERE = "elsewhere"  # This target cannot, for now or at all; another one may.
    NEVER = "never"  # The request itself, or who sends it, is refused everywhere.


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why an attempt failed. `name` is Bedrock's, or one of ours for what is no answer of it;
    `retry_after_s` is what the service asked for. `sent` is false where the request has not left:
    nothing is billed for it."""

    name: str
    message: str
    status: int | None = None
    retry_after_s: float | None = None
    sent: bool = True

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name

    @property
    def advice(self) -> Advice:
        """Where to try again; what Bedrock has not said before counts as a failure that passes,
        unless its status says that the request is wrong."""
        known = _ADVICE.get(self.name)
        if known is not None:
            return known
        wrong = self.status is not None and 400 <= self.status < 500
        return Advice.NEVER if wrong else Advice.HERE

    @property
    def may_be_billed(self) -> bool:
        """Whether the model may have been at work: the request left, and was not turned away."""
        return self.sent and self.status is None

    @property
    def throttles(self) -> bool:
        """Whether the target asks to be left alone for a while, without being broken."""
        return self.name in _THROTTLES

    @property
    def lasting(self) -> bool:
        """Whether the target will fail in the same way until somebody changes something."""
        return self.name in _LASTING


# Errors inside a stream come under the same names, with a small first letter on the wire.
_ADVICE = {
    "ThrottlingException": Advice.ELSEWHERE,
    "ServiceQuotaExceededException": Advice.ELSEWHERE,
    "ModelNotReadyException": Advice.HERE,
    "InternalServerException": Advice.HERE,
    "ServiceUnavailableException": Advice.ELSEWHERE,
    "ModelTimeoutException": Advice.ELSEWHERE,
    "ModelErrorException": Advice.HERE,
    "ModelStreamErrorException": Advice.HERE,
    "AccessDeniedException": Advice.ELSEWHERE,
    "ResourceNotFoundException": Advice.ELSEWHERE,
    "ValidationException": Advice.NEVER,
    "UnrecognizedClientException": Advice.NEVER,
    "InvalidSignatureException": Advice.NEVER,
    "IncompleteSignatureException": Advice.NEVER,
    "ExpiredTokenException": Advice.NEVER,
    "NoCredentials": Advice.NEVER,
    # Ours.
    "Unreachable": Advice.ELSEWHERE,
    "ConnectionLost": Advice.HERE,
    "DamagedFrame": Advice.HERE,
    "CutOff": Advice.HERE,
    "Silent": Advice.ELSEWHERE,
}
_THROTTLES = ("ThrottlingException", "ServiceQuotaExceededException", "ModelNotReadyException")
_LASTING = ("AccessDeniedException", "ResourceNotFoundException")
