"""Who may ask, and who may re-index: whoever has the key for it, where one is set."""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request

from indexers.client import ADMIN_KEY
from indexers.errors import CatalogError
from retrieval.errors import UnauthorizedError

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
            CatalogError: they are not written so.
        """
        tenants = {}
        for entry in filter(None, os.environ.get(API_KEYS, "").split(",")):
            tenant, separator, key = entry.strip().partition(":")
            if not (tenant and separator and key):
                raise CatalogError(f"{API_KEYS} holds 'tenant:key' entries with a comma in between")
            tenants[_digest(key)] = tenant
        return cls(tenants=tenants)

    def tenant(self, request: Request) -> str:
        """Whose key a request carries, as `Authorization: Bearer <key>`; nobody's is "", as is the
        administration key's.

        Raises:
            UnauthorizedError: there are keys, and it carries none of them.
        """
        if not self.tenants:
            return ""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        # By their digests, so that the time tells nothing of how much of a key was right.
        tenant = self.tenants.get(_digest(given))
        admin = os.environ.get(ADMIN_KEY, "")
        if tenant is None and not (admin and hmac.compare_digest(_digest(given), _digest(admin))):
            raise UnauthorizedError(f"this takes 'Authorization: Bearer' with a key of {API_KEYS}")
        return tenant or ""


async def require_admin(request: Request) -> None:
    """Check that a request carries `Authorization: Bearer <key>`, where ADMIN_KEY is set; without
    it, whoever reaches the API may re-index, but no web page of another site.

    Raises:
        UnauthorizedError: it does not.
    """
    key = os.environ.get(ADMIN_KEY, "")
    given = request.headers.get("authorization", "")
    if key and not hmac.compare_digest(given.encode("latin-1"), f"Bearer {key}".encode()):
        raise UnauthorizedError(f"this takes 'Authorization: Bearer' with the value of {ADMIN_KEY}")
    origin = request.headers.get("origin")
    if not key and origin and urlsplit(origin).netloc != request.headers.get("host"):
        raise UnauthorizedError(f"a page of {origin} may not do this; set {ADMIN_KEY} and send it")


def headers_of() -> dict[str, str]:
    """The headers by which a command on this machine may ask."""
    admin = os.environ.get(ADMIN_KEY)
    return {"authorization": f"Bearer {admin}"} if admin else {}


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
