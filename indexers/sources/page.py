"""What a site answers, read within limits."""

import gzip
import io
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import httpcore
import httpx

from indexers.errors import DocumentError
from indexers.sources.retry_after import retry_after

_SHORT = 65_536  # Bytes: rather read, though unwanted, than the connection closed.


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The headers to ask with, and what of the answer is wanted: any media type without `types`,
    and at most `max_bytes` of it, as they come and once they are decompressed."""

    headers: Mapping[str, str]
    types: Collection[str] | None
    max_bytes: int


@dataclass(frozen=True, kw_only=True)
class Page:
    """An answer. `url` is where it was found after redirects; there is a body with status 200
    alone, and only if its media type was wanted."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes = field(default=b"", repr=False)

    @property
    def answer(self) -> str:
        """The status for a message."""
        return f"{self.status} {httpx.codes.get_reason_phrase(self.status)}".rstrip()

    @property
    def media_type(self) -> str:
        """In lower case, without parameters; empty where the site names none."""
        value: str = self.headers.get("content-type", "")
        return value.partition(";")[0].strip().lower()


class TransientError(DocumentError):
    """A failure that may be over soon; `after` is how many seconds the site asks to wait."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


def page_of(url: httpx.URL, response: httpcore.Response, wanted: Wanted) -> Page:
    """The answer to a request for `url`, its body read where it is wanted.

    Raises:
        TransientError: a 429 or a 5xx.
        DocumentError: the body is too long, or not compressed as it says.
    """
    page = Page(url=str(url), status=response.status, headers=httpx.Headers(response.headers))
    if page.status == httpx.codes.TOO_MANY_REQUESTS or page.status >= 500:
        after = retry_after(page.headers) or 0.0
        said = f"; it asks to wait {after:.0f} s" if after else ""
        raise TransientError(page.answer + said, after)
    unwanted = wanted.types is not None and page.media_type not in wanted.types
    if page.status != httpx.codes.OK or unwanted:
        length = page.headers.get("content-length", "0" if page.status == 304 else "")
        if length.isdecimal() and int(length) <= _SHORT:
            response.read()
        return page
    body = _body(page, response, wanted.max_bytes)
    return Page(url=page.url, status=page.status, headers=page.headers, body=body)


def _body(page: Page, response: httpcore.Response, limit: int) -> bytes:
    body = bytearray()
    for part in response.iter_stream():
        body += part
        if len(body) > limit:
            raise DocumentError(f"more than {limit} bytes")
    coding = page.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("gzip", "x-gzip"):
        return gunzip(bytes(body), limit)
    if coding != "identity":
        raise DocumentError(f"compressed by {coding!r}, which was not asked for")
    return bytes(body)


def gunzip(data: bytes, limit: int) -> bytes:
    """The content of a gzip file (RFC 1952).

    Raises:
        DocumentError: it is not whole, or holds more than `limit` bytes.
    """
    try:
        with gzip.open(io.BytesIO(data)) as file:
            plain = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as exc:
        raise DocumentError(f"not a whole gzip file: {exc}") from exc
    if len(plain) > limit:
        raise DocumentError(f"more than {limit} bytes once it is decompressed")
    return plain
