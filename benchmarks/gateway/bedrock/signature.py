"""Whether a request is signed as AWS asks for it (Signature Version 4).

The stand-in has nobody's secret, so the signature's value is not recomputed: its form, its scope
and its time are checked.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import re
import time
from calendar import timegm
from collections.abc import Mapping
from functools import lru_cache

from benchmarks.gateway.bedrock.refusals import RefusedError

_SERVICE = "bedrock"
_ALLOWED_S = 300
_ALGORITHM = "AWS4-HMAC-SHA256"
_SCOPE = re.compile(r"[\w+=,.@-]+/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


def check(headers: Mapping[str, str], region: str) -> None:
    """Check a request's signature for a region; the headers' names are in lower case.

    Raises:
        RefusedError: as the service would.
    """
    given = headers.get("authorization")
    if not given:
        raise RefusedError("MissingAuthenticationTokenException", "Missing Authentication Token")
    parts = _parts(given)
    at = headers.get("x-amz-date", "")
    if not at:
        raise _incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
        )
    scope = _SCOPE.fullmatch(parts["Credential"])
    if scope is None:
        raise _incomplete(
            "Credential must have exactly 5 slash-delimited elements, e.g. "
            "keyid/date/region/service/term, got "
            f"'{parts['Credential']}'"
        )
    if _SIGNATURE.fullmatch(parts["Signature"]) is None:
        raise _incomplete("Signature must be 64 hexadecimal digits.")
    signed = parts["SignedHeaders"].split(";")
    if "host" not in signed or "x-amz-date" not in signed:
        raise _invalid("'host' and 'x-amz-date' must be 'SignedHeaders' in the AWS Authorization.")
    _check_scope(scope.groups(), at, region)


def _parts(given: str) -> dict[str, str]:
    algorithm, _, rest = given.partition(" ")
    if algorithm != _ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm': '{algorithm}'; it must be {_ALGORITHM}.")
    pairs = (part.strip().partition("=") for part in rest.split(","))
    parts = {name: value for name, _, value in pairs}
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not parts.get(name):
            raise _incomplete(f"Authorization header requires '{name}' parameter.")
    return parts


def _check_scope(scope: tuple[str, ...], at: str, region: str) -> None:
    date, scoped_region, service = scope
    if scoped_region != region:
        raise _invalid(f"Credential should be scoped to a valid region, not '{scoped_region}'.")
    if service != _SERVICE:
        raise _invalid(f"Credential should be scoped to correct service: '{_SERVICE}'.")
    if date != at[:8]:
        raise _invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
            f"date from HTTP: '{date}' != '{at[:8]}', from '{at}'."
        )
    if abs(time.time() - _seconds(at)) > _ALLOWED_S:
        raise _invalid(f"Signature expired: {at} is more than {_ALLOWED_S // 60} min from now.")


@lru_cache(maxsize=64)
def _seconds(at: str) -> int:
    try:
        return timegm(time.strptime(at, "%Y%m%dT%H%M%SZ"))
    except ValueError as exc:
        raise _incomplete(f"Date must be in ISO-8601 'basic format'. Got '{at}'.") from exc


def _incomplete(message: str) -> RefusedError:
    return RefusedError("IncompleteSignatureException", message)


def _invalid(message: str) -> RefusedError:
    return RefusedError("InvalidSignatureException", message)
