"""Who may re-index: whoever has the administration key, where one is set."""

import hmac
import os
from urllib.parse import urlsplit

from fastapi import Request

from indexers.client import ADMIN_KEY
from retrieval.errors import UnauthorizedError


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
