"""Errors as bedrock-runtime answers them: a status, `x-amzn-ErrorType`, and a message in JSON."""

from collections.abc import Mapping
from typing import Any

from benchmarks.errors import BenchmarksError

# Statuses are those of the service's model, or of AWS's common errors where that has none:
# https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
STATUS = {
    "ThrottlingException": 429,
    "ModelNotReadyException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ServiceQuotaExceededException": 400,
    "ValidationException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ExpiredTokenException": 403,
    "MissingAuthenticationTokenException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "SerializationException": 400,
    "UnknownOperationException": 404,
}

SAID = {
    "ThrottlingException": "Too many requests, please wait before trying again.",
    "ModelNotReadyException": "Model is not ready for inference. Wait and try your request again.",
    "InternalServerException": "The system encountered an unexpected error during processing. "
    "Try your request again.",
    "ServiceUnavailableException": "Bedrock is unable to process your request.",
    "ModelTimeoutException": "Model processing timed out. Try your request again.",
    "ModelErrorException": "The system encountered an unexpected error during processing. "
    "Try your request again.",
    "ServiceQuotaExceededException": "Your request exceeds the service quota for your account.",
    "ValidationException": "The request is not valid.",
    "AccessDeniedException": "You don't have access to the model with the specified model ID.",
    "ResourceNotFoundException": "Could not resolve the foundation model from the provided model "
    "identifier.",
    "ExpiredTokenException": "The security token included in the request is expired",
}
"""What the service says with the errors that a plan of faults can ask for."""


class RefusedError(BenchmarksError):
    """The request is answered with an error. `name` is the service's, `more` are further members
    of the answer, `retry_after_s` is sent as a header."""

    def __init__(
        self,
        name: str,
        message: str | None = None,
        *,
        retry_after_s: int | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message or SAID[name])
        self.name = name
        self.status = STATUS[name]
        self.retry_after_s = retry_after_s
        self.body = {"message": str(self), **(more or {})}


def by_plan(name: str, model_id: str, retry_after_s: int | None) -> RefusedError:
    """An error that a plan of faults asks for."""
    failed = {"originalStatusCode": 500, "resourceName": model_id}
    more = failed if name == "ModelErrorException" else None
    return RefusedError(name, retry_after_s=retry_after_s, more=more)


def invalid(message: str) -> RefusedError:
    """A ValidationException."""
    return RefusedError("ValidationException", message)
