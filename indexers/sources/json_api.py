"""A careful client for JSON APIs, and the token and the address that it is given."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from indexers.errors import SourceError
from indexers.sources.retry_after import retry_after

JsonObject = Mapping[str, Any]
Following = Callable[[JsonObject], str | Mapping[str, str] | None]
"""What follows a page: a link, the first page's address with other parameters, or nothing."""

ATTEMPTS = 6
MAX_BYTES = 64 * 2**20
MAX_PAGES = 10_000


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a client bears with an API, in seconds.

    `timeout_s` is the most that a connection, or a silence within a response, may take; a whole
    response has ten times that. `max_wait_s` is the most that one request may take with all its
    waits and retries. `backoff_s` is the first wait after a failure; later ones double.
    """

    timeout_s: float
    max_wait_s: float
    backoff_s: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value <= 0:
                raise ValueError(f"{name} must be above 0, not {value}")


class _TransientError(SourceError):
    """A failure that may be over soon; `after` is how many seconds the API asks to wait."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class JsonApi:
    """A session with the API at `base_url`, to be closed after use.

    `headers` carry the token, so that no request leaves the origin of `base_url` and no redirect
    is followed. `advice` is what to check where the API refuses the token.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str], patience: Patience, advice: str
    ) -> None:
        self._base = httpx.URL(base_url)
        self._patience = patience
        self._advice = advice
        self._client = httpx.Client(headers=headers, timeout=patience.timeout_s)
        first = patience.backoff_s
        self._backoff = wait_exponential(multiplier=first) + wait_random(0, first)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, url: str, params: Mapping[str, str] | None = None) -> JsonObject:
        """The JSON object at an address of the API.

        A 429, a 5xx and a failed connection are tried again: not before the time that the API
        asks for by `Retry-After` (RFC 9110, 10.2.3) or `X-RateLimit-Reset` (seconds of the epoch;
        Intercom's "Rate Limiting"), and after a growing, uneven wait of our own.

        Raises:
            SourceError: the API cannot be reached in time, refuses, or answers something else
                than an object; or the address is another host's.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(_TransientError),
            wait=self._wait,
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(self._patience.max_wait_s),
            reraise=True,
        )
        address = self._address(url, params or {})
        try:
            return retrying(self._once, address)
        except _TransientError as exc:
            tried = retrying.statistics["attempt_number"]
            raise SourceError(f"{exc}; given up at attempt {tried}") from exc

    def pages(
        self, path: str, params: Mapping[str, str], following: Following
    ) -> Iterator[JsonObject]:
        """A listing's pages, each fetched when it is asked for.

        Raises:
            SourceError: as `get` does, for any page; or the pages do not come to an end.
        """
        after: str | Mapping[str, str] | None = params
        seen: set[httpx.URL] = set()
        while after is not None:
            url, query = (after, {}) if isinstance(after, str) else (path, after)
            address = self._address(url, query)
            if address in seen or len(seen) == MAX_PAGES:
                raise SourceError(f"{_shown(address)}: its pages never end; one follows itself")
            seen.add(address)
            page = self.get(str(address))
            yield page
            after = following(page)

    def _address(self, url: str, params: Mapping[str, str]) -> httpx.URL:
        try:
            address = self._base.join(url).copy_merge_params(params)
        except httpx.InvalidURL as exc:
            raise SourceError(f"{self._base} links to {url!r}, which is no address") from exc
        if _origin(address) != _origin(self._base):
            there = address.copy_with(raw_path=b"/", fragment=None)
            raise SourceError(f"{self._base} links to {there}; the token is not sent to others")
        return address

    def _wait(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.after if isinstance(failure, _TransientError) else 0.0
        return max(asked, self._backoff(state))

    def _once(self, url: httpx.URL) -> JsonObject:
        try:
            with self._client.stream("GET", url) as response:
                self._check(response)
                found = parsed(self._body(response), _shown(url))
        except httpx.TransportError as exc:
            raise _TransientError(f"{_shown(url)}: {exc or type(exc).__name__}") from exc
        except httpx.HTTPError as exc:  # Such as a body that is not compressed as it says.
            raise SourceError(f"{_shown(url)}: {exc}") from exc
        if not isinstance(found, dict):
            raise SourceError(f"{_shown(url)}: not a JSON object")
        return found

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        answer = f"{_shown(response.url)}: {status} {response.reason_phrase}".rstrip()
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= 500:
            after = _asked(response)
            said = f"; it asks to wait {after:.0f} s" if after else ""
            raise _TransientError(answer + said, after)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise SourceError(f"{answer}: {self._advice}")
        if status == httpx.codes.NOT_FOUND:
            raise SourceError(f"{answer}: the API has nothing of this name")
        if response.has_redirect_location:
            there = response.headers["location"].partition("?")[0]
            raise SourceError(f"{answer}: it moved to {there}; base_url must name its new host")
        if status != httpx.codes.OK:
            raise SourceError(answer)

    def _body(self, response: httpx.Response) -> bytes:
        limit = 10 * self._patience.timeout_s
        until = time.monotonic() + limit
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > MAX_BYTES:
                raise SourceError(f"{_shown(response.url)}: more than {MAX_BYTES} bytes")
            if time.monotonic() > until:
                raise _TransientError(f"{_shown(response.url)}: not all there after {limit:g} s")
        return bytes(body)


def _shown(url: httpx.URL) -> str:
    """An address for a message: its cursor tells nobody anything."""
    return str(url.copy_with(query=None))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port  # httpx drops a scheme's usual port.


def _asked(response: httpx.Response) -> float:
    """How many seconds from now the API will answer again, as far as it says so."""
    after = retry_after(response.headers)
    if after is not None:
        return after
    # Intercom says when the count starts anew in every answer, also where that is not the matter.
    refused = response.status_code == httpx.codes.TOO_MANY_REQUESTS
    reset = response.headers.get("x-ratelimit-reset", "") if refused else ""
    return max(0.0, float(reset) - time.time()) if reset.isdecimal() else 0.0


def parsed(data: bytes, where: str) -> Any:
    """What JSON says.

    Raises:
        SourceError: it is not JSON; `where` tells a person what is not.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as exc:  # Among them text that is not UTF-8.
        raise SourceError(f"{where}: not JSON: {exc}") from exc


def token(variable: str) -> str:
    """The secret in an environment variable.

    Raises:
        SourceError: it is not set, or cannot be sent.
    """
    value = os.environ.get(variable, "").strip()
    if not value:
        raise SourceError(f"the environment variable {variable} must hold the API's token")
    if not (value.isascii() and value.isprintable()):  # httpx would show it in its own error.
        raise SourceError(f"the environment variable {variable} holds more than a token")
    return value


def check_base_url(value: str) -> None:
    """Check that a token may be sent to an address: by HTTPS, or to this machine.

    Raises:
        ValueError: it may not, or there is more to the address than scheme, host and port.
    """
    rule = f"base_url must be like 'https://acme.zendesk.com', not {value!r}"
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL as exc:
        raise ValueError(rule) from exc
    local = url.scheme == "http" and url.host in ("127.0.0.1", "::1", "localhost")
    more = url.userinfo or url.query or url.path not in ("", "/")
    if not (url.scheme == "https" or local) or not url.host or "%" in url.host or more:
        raise ValueError(rule)
