"""Who may ask, and who may re-index: whoever has the key for it, where one is set."""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from generation.use_cases import TAG
from indexers.client import ADMIN_KEY
from retrieval.errors import SettingsError, UnauthorizedError

API_KEYS = "PASSAGES_API_KEYS"
"""The keys of those who ask, each after its tenant: `acme:KEY,globex:KEY`."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The tenants by the SHA-256 of their keys; without any, everybody may ask, of no tenant."""

    tenants: Mapping[bytes, str]

    @classmethod
    def from_env(cls) -> "Keys":
        """The keys in the environment, as API_KEYS has them.

        Raises:
            SettingsError: they are not written so, a key is there twice, or a tenant has a name
                that Bedrock takes for no tag.
        """
        tenants: dict[bytes, str] = {}
        written = os.environ.get(API_KEYS, "")
        for number, entry in enumerate(written.split(",") if written else (), start=1):
            tenant, _, key = (part.strip() for part in entry.partition(":"))
            if not (key and TAG.fullmatch(tenant)):
                raise SettingsError(
                    f"{API_KEYS}, entry {number}: not 'tenant:key', as the entries are, with a "
                    "comma in between; a tenant's name is of letters, digits, blanks and any of "
                    "@$#=/+.-_, 256 at most"
                )
            if _digest(key) in tenants:
                raise SettingsError(f"{API_KEYS} has the key of {tenant!r} twice")
            tenants[_digest(key)] = tenant
        return cls(tenants=tenants)

    def documented(self) -> list[Any]:
        """The dependencies by which the documentation of a route asks for a key."""
        return [Depends(HTTPBearer(auto_error=False))] if self.tenants else []

    def security(self) -> dict[str, Any]:
        """The same for a route that is too quick for a dependency, beside one that has it."""
        return {"security": [{"HTTPBearer": []}]} if self.tenants else {}

    def tenant(self, request: Request) -> str:
        """Whose key a request carries, as `Authorization: Bearer <key>`; nobody's is "", as is the
        administration key's.

        Raises:
            UnauthorizedError: there are keys, and it carries none of them.
        """
        if not self.tenants:
            return ""
        # By their digests, so that the time tells nothing of how much of a key was right.
        tenant = self.tenants.get(hashlib.sha256(_bearer(request)).digest())
        if tenant is None and not _is_admin(request):
            raise UnauthorizedError(f"this takes 'Authorization: Bearer' with a key of {API_KEYS}")
        return tenant or ""


def admin_documented() -> list[Any]:
    """The dependencies by which the documentation of a route asks for the administration key."""
    return [Depends(HTTPBearer(auto_error=False))] if os.environ.get(ADMIN_KEY) else []


async def require_admin(request: Request) -> None:
    """Check that a request carries `Authorization: Bearer <key>`, where ADMIN_KEY is set; without
    it, whoever reaches the API may re-index, but no web page of another site.

    Raises:
        UnauthorizedError: it does not.
    """
    key = os.environ.get(ADMIN_KEY, "")
    if key and not _is_admin(request):
        raise UnauthorizedError(f"this takes 'Authorization: Bearer' with the value of {ADMIN_KEY}")
    origin = request.headers.get("origin")
    if not key and origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise UnauthorizedError(f"a page of {origin} may not do this; set {ADMIN_KEY} and send it")


def _is_admin(request: Request) -> bool:
    key = os.environ.get(ADMIN_KEY, "")
    return bool(key) and hmac.compare_digest(_bearer(request), _bytes(key))


def _bearer(request: Request) -> bytes:
    """The key that a request carries (RFC 6750, 2.1), as bytes, of which nothing is assumed."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip().encode("latin-1") if scheme.lower() == "bearer" else b""


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _digest(key: str) -> bytes:
    return hashlib.sha256(_bytes(key)).digest()
