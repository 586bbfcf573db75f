"""Fetching from sites that nobody vouches for: politely, within limits, at public addresses."""

import re
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from urllib.robotparser import RobotFileParser

import httpcore
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

from indexers.errors import DocumentError
from indexers.sources.network import Clock, Network, Resolve, resolve
from indexers.sources.page import Page, TransientError, Wanted, page_of

USER_AGENT = "Passages"
ATTEMPTS = 3
MAX_REDIRECTS = 5
ROBOTS_BYTES = 512_000  # RFC 9309, 2.5: at least 500 KiB.
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What fetching may take.

    `timeout_s` is the most that one answer may take, from connecting to its last byte;
    `max_wait_s` the most that one address may take with all waits and retries, and the longest
    wait that a site can ask for. `backoff_s` is the first wait after a failure; later ones
    double. `max_bytes` counts an answer's bytes as they come and once they are decompressed.
    """

    timeout_s: float
    max_wait_s: float
    backoff_s: float
    requests_per_second: float
    max_bytes: int

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value <= 0:
                raise ValueError(f"{name} must be above 0, not {value}")


class UnreachableError(DocumentError):
    """The site did not answer, or said that it cannot for now."""


class ForbiddenError(DocumentError):
    """The site's robots.txt forbids the page."""


def web_address(text: str) -> httpx.URL:
    """An address, normalised and without its fragment.

    Raises:
        ValueError: it is not an absolute http or https address, or it holds a password.
    """
    where = without_password(text)
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as exc:
        raise ValueError(f"{where!r} is not an address: {exc}") from exc
    if url.userinfo:
        raise ValueError(f"{where!r} is given with a user name or password")
    if url.scheme not in ("http", "https") or not url.host or (url.port or 0) > 65535:
        raise ValueError(f"{where!r} is not an http or https address")
    return url.copy_with(raw_path=url.raw_path, fragment=None)


def without_password(text: str) -> str:
    """What is meant as an address, for a message."""
    return re.sub(r"//[^/]*@", "//", text.strip())[:200]


class Web:
    """A session, to be closed after use.

    It says that it is Passages, obeys robots.txt (RFC 9309, as `urllib.robotparser` reads it; its
    Crawl-delay up to `max_wait_s`), and lets time pass between the requests to a host. It
    connects to public addresses only, apart from `allow_private_hosts`: hosts, or one of their
    ports, at any address. No proxy, cookie or stored password is used.
    """

    def __init__(
        self,
        limits: Limits,
        allow_private_hosts: Iterable[str] = (),
        resolve: Resolve = resolve,
    ) -> None:
        self._limits = limits
        self._clock = Clock()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            network_backend=Network(self._clock, allow_private_hosts, resolve),
        )
        uneven = wait_random(0, limits.backoff_s)
        self._backoff = wait_exponential(multiplier=limits.backoff_s) + uneven
        self._robots: dict[httpx.URL, RobotFileParser | DocumentError] = {}
        self._delays: dict[str, float] = {}
        self._free: dict[str, float] = {}  # When a host may be asked again.

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def get(
        self,
        url: httpx.URL,
        *,
        headers: Mapping[str, str] | None = None,
        types: Collection[str] | None = None,
        max_bytes: int | None = None,
    ) -> Page:
        """What there is at an address of `web_address`, whatever its status; up to five redirects
        are followed.

        A 429, a 5xx and a failed connection are tried again: not before the time that the site
        asks for by `Retry-After` (RFC 9110, 10.2.3), and after a growing, uneven wait of our own.
        A body of another media type than `types` is left unread.

        Raises:
            ForbiddenError: robots.txt forbids it.
            UnreachableError: it still failed at the last attempt, or the robots.txt did.
            DocumentError: its host has a private address, it redirects too often or to what is no
                address, or its body is too long or not compressed as it says.
        """
        limit = max_bytes or self._limits.max_bytes
        return self._follow(url, Wanted(headers=headers or {}, types=types, max_bytes=limit))

    def _follow(self, url: httpx.URL, wanted: Wanted, *, robots: bool = True) -> Page:
        for _ in range(MAX_REDIRECTS + 1):
            if robots:
                self._check_robots(url)
            page = self._fetch(url, wanted)
            if page.status not in _REDIRECTS or "location" not in page.headers:
                return page
            try:
                url = web_address(str(url.join(page.headers["location"])))
            except (ValueError, httpx.InvalidURL) as exc:
                raise DocumentError(f"redirects to what is no address: {exc}") from exc
        raise DocumentError(f"redirects more than {MAX_REDIRECTS} times")

    def _check_robots(self, url: httpx.URL) -> None:
        place = url.join("/robots.txt")
        if place not in self._robots:
            self._robots[place] = self._read_robots(place)
        rules = self._robots[place]
        if isinstance(rules, DocumentError):
            raise type(rules)(f"{place}: {rules}") from rules
        if not rules.can_fetch(USER_AGENT, str(url)):
            raise ForbiddenError(f"{place} forbids {url.raw_path.decode('ascii')}")

    def _read_robots(self, place: httpx.URL) -> RobotFileParser | DocumentError:
        """The rules of a site: none without a robots.txt, while one that cannot be read may forbid
        everything (RFC 9309, 2.3.1)."""
        try:
            wanted = Wanted(headers={}, types=None, max_bytes=ROBOTS_BYTES)
            page = self._follow(place, wanted, robots=False)
        except DocumentError as exc:
            return exc
        rules = RobotFileParser()
        rules.parse(page.body.decode("utf-8-sig", errors="replace").splitlines())
        delay = float(str(rules.crawl_delay(USER_AGENT) or 0))
        self._delays[place.netloc.decode("ascii")] = min(delay, self._limits.max_wait_s)
        return rules

    def _fetch(self, url: httpx.URL, wanted: Wanted) -> Page:
        retrying = Retrying(
            retry=retry_if_exception_type(TransientError),
            wait=self._wait,
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(self._limits.max_wait_s),
            reraise=True,
        )
        host = url.netloc.decode("ascii")
        try:
            return retrying(self._send, url, host, wanted)
        except TransientError as exc:
            asked = min(exc.after, self._limits.max_wait_s)
            self._free[host] = max(self._free[host], time.monotonic() + asked)
            tried = retrying.statistics["attempt_number"]
            raise UnreachableError(f"{exc}; given up at attempt {tried}") from exc

    def _wait(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.after if isinstance(failure, TransientError) else 0.0
        return max(asked, self._backoff(state))

    def _send(self, url: httpx.URL, host: str, wanted: Wanted) -> Page:
        headers: dict[bytes | str, bytes | str] = {
            "Host": host,
            "User-Agent": USER_AGENT,
            "Accept": ", ".join(wanted.types or ()) or "*/*",
            "Accept-Encoding": "gzip",
        }
        headers.update(wanted.headers.items())
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        self._pause(host)
        self._clock.start(self._limits.timeout_s)
        try:
            with self._pool.stream("GET", target, headers=headers) as response:
                return page_of(url, response, wanted)
        except httpcore.TimeoutException as exc:
            limit = f"no answer, or not all of it, within {self._limits.timeout_s:g} s"
            raise TransientError(limit) from exc
        except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
            raise TransientError(str(exc) or type(exc).__name__) from exc

    def _pause(self, host: str) -> None:
        now = time.monotonic()
        start = max(now, self._free.get(host, now))
        time.sleep(start - now)
        between = max(1 / self._limits.requests_per_second, self._delays.get(host, 0.0))
        self._free[host] = start + between
