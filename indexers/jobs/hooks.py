"""Announcements of help centres that something has changed, and whether they are genuine."""

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from indexers.errors import ConflictError, SignatureError
from indexers.upkeep import Hook

_LATE_S = 300.0
"""How old a signed announcement may be: an older one may be somebody's recording."""


def check_signature(hook: Hook, headers: Mapping[str, str], body: bytes) -> None:
    """Check that an announcement was signed with the hook's secret; header names in lower case.

    Raises:
        SignatureError: it was not, or too long ago.
        ConflictError: the secret is not set where this runs.
    """
    secret = os.environ.get(hook.secret_env, "")
    if not secret:
        raise ConflictError(f"the environment variable {hook.secret_env} holds no secret")
    _SIGNATURES[hook.kind](secret.encode(), headers, body)


def _passages(secret: bytes, headers: Mapping[str, str], body: bytes) -> None:
    """`x-passages-timestamp` in seconds, `x-passages-signature: sha256=<hex>` over it, a full
    stop and the body."""
    sent_at = _given(headers, "x-passages-timestamp")
    digest = hmac.new(secret, f"{sent_at}.".encode() + body, hashlib.sha256).hexdigest()
    _check(f"sha256={digest}", _given(headers, "x-passages-signature"))
    # More digits than these are no time, and may be no number that Python reads.
    _check_age(float(sent_at) if sent_at.isdecimal() and len(sent_at) <= 12 else None)


def _zendesk(secret: bytes, headers: Mapping[str, str], body: bytes) -> None:
    """Zendesk's "Verifying webhook authenticity": base64 of HMAC-SHA256 over timestamp (as of ISO
    8601) and body."""
    sent_at = _given(headers, "x-zendesk-webhook-signature-timestamp")
    digest = hmac.new(secret, sent_at.encode() + body, hashlib.sha256).digest()
    _check(base64.b64encode(digest).decode(), _given(headers, "x-zendesk-webhook-signature"))
    try:
        _check_age(datetime.fromisoformat(sent_at).timestamp())
    except ValueError:
        _check_age(None)


def _intercom(secret: bytes, headers: Mapping[str, str], body: bytes) -> None:
    """Intercom's "Signed notifications": `X-Hub-Signature: sha1=<hex>` over the body."""
    digest = hmac.new(secret, body, hashlib.sha1).hexdigest()
    _check(f"sha1={digest}", _given(headers, "x-hub-signature"))


_SIGNATURES: dict[str, Callable[[bytes, Mapping[str, str], bytes], None]] = {
    "passages": _passages,
    "zendesk": _zendesk,
    "intercom": _intercom,
}


def _given(headers: Mapping[str, str], name: str) -> str:
    if name not in headers:
        raise SignatureError(f"the header {name} is missing")
    return headers[name]


def _check(expected: str, given: str) -> None:
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise SignatureError("the signature is not that of the index's secret")


def _check_age(sent_at: float | None) -> None:
    if sent_at is None or abs(time.time() - sent_at) > _LATE_S:
        raise SignatureError(f"the timestamp is more than {_LATE_S:g} s away from now")
