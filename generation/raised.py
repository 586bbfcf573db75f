"""What botocore and urllib3 raise, as faults."""

from botocore import exceptions
from botocore.eventstream import ChecksumMismatch, EventStreamError
from urllib3.exceptions import IncompleteRead, ReadTimeoutError

from generation.exchange import Exchange
from generation.faults import Fault

_UNREACHABLE = (
    exceptions.EndpointConnectionError,
    exceptions.ConnectTimeoutError,
    exceptions.ProxyConnectionError,
    exceptions.SSLError,
)
_NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.UnauthorizedSSOTokenError,
    exceptions.ProfileNotFound,
)


def fault_of(exc: Exception, exchange: Exchange) -> Fault:
    """What botocore or urllib3 raised, under Bedrock's name or ours."""
    if isinstance(exc, exceptions.ClientError):  # Errors inside a stream are among them.
        return _said(exc, exchange)
    if isinstance(exc, _NO_CREDENTIALS):
        return Fault(name="NoCredentials", message=str(exc), sent=False)
    if isinstance(exc, _UNREACHABLE):
        return Fault(name="Unreachable", message=str(exc), sent=False)
    if isinstance(exc, exceptions.ReadTimeoutError | ReadTimeoutError | TimeoutError):
        return Fault(name="Silent", message=str(exc))
    if isinstance(exc, IncompleteRead | exceptions.IncompleteReadError):
        return Fault(name="CutOff", message=str(exc))
    if isinstance(exc, exceptions.ParamValidationError):
        return Fault(name="ValidationException", message=str(exc), sent=False)
    if isinstance(exc, ChecksumMismatch | exceptions.ChecksumError):
        return Fault(name="DamagedFrame", message=str(exc))
    return Fault(name="ConnectionLost", message=str(exc))


def _said(exc: exceptions.ClientError, exchange: Exchange) -> Fault:
    error, about = exc.response.get("Error", {}), exc.response.get("ResponseMetadata", {})
    name = str(error.get("Code", "Unknown"))
    if isinstance(exc, EventStreamError):
        return Fault(name=name[:1].upper() + name[1:], message=str(error.get("Message", "")))
    exchange.status = about.get("HTTPStatusCode")
    exchange.response_headers = about.get("HTTPHeaders", {})
    exchange.response_body = {"message": error.get("Message", "")}
    return Fault(
        name=name,
        message=str(error.get("Message", "")),
        status=exchange.status,
        retry_after_s=_seconds(exchange.response_headers.get("retry-after", "")),
    )


def _seconds(retry_after: str) -> float | None:
    # A date (RFC 9110, 10.2.3) would need the service's clock and ours to agree.
    return float(retry_after) if retry_after.isdecimal() else None
