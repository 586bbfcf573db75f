"""Fetching from sites that nobody vouches for: politely, within limits, at public addresses."""

import gzip
import io
import ipaddress
import re
import socket
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
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

USER_AGENT = "Passages"
ATTEMPTS = 3
MAX_REDIRECTS = 5
ROBOTS_BYTES = 512_000  # RFC 9309, 2.5: at least 500 KiB.
_REDIRECTS = (301, 302, 303, 307, 308)
_CONNECT_S = 10.0  # For each address of a host; the next one may answer.
_SHORT = 65_536  # Bytes: rather read, though unwanted, than the connection closed.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: IPv4 addresses as IPv6.

Resolve = Callable[[str], Sequence[str]]
"""Looks up the IP addresses of a host. Raises OSError."""


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


class UnreachableError(DocumentError):
    """The site did not answer, or said that it cannot for now."""


class ForbiddenError(DocumentError):
    """The site's robots.txt forbids the page."""


class _TransientError(DocumentError):
    """A failure that may be over soon; `after` is how many seconds the site asks to wait."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


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


def host_and_port(text: str) -> tuple[str, int | None]:
    """The host, and the port if there is one, of text like `intranet.example:8080`.

    Raises:
        ValueError: it is more than that, or less.
    """
    rule = f"a host is given like 'help.example.com' or '127.0.0.1:8080', not {text!r}"
    try:
        url = httpx.URL(f"//{text}")
    except httpx.InvalidURL as exc:
        raise ValueError(rule) from exc
    more = url.userinfo or url.fragment or url.raw_path not in (b"", b"/")
    if more or not url.host or "%" in url.host:
        raise ValueError(rule)
    return url.raw_host.decode("ascii"), url.port


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


def resolve(host: str) -> Sequence[str]:
    """The addresses of a host by the system's resolver, which has time limits of its own."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What of an answer is wanted: any media type without `types`."""

    headers: Mapping[str, str]
    types: Collection[str] | None
    max_bytes: int


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
        self._clock = _Clock()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            network_backend=_Network(self._clock, allow_private_hosts, resolve),
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
        return self._follow(url, _Wanted(headers=headers or {}, types=types, max_bytes=limit))

    def _follow(self, url: httpx.URL, wanted: _Wanted, *, robots: bool = True) -> Page:
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
            wanted = _Wanted(headers={}, types=None, max_bytes=ROBOTS_BYTES)
            page = self._follow(place, wanted, robots=False)
        except DocumentError as exc:
            return exc
        rules = RobotFileParser()
        rules.parse(page.body.decode("utf-8-sig", errors="replace").splitlines())
        delay = float(str(rules.crawl_delay(USER_AGENT) or 0))
        self._delays[place.netloc.decode("ascii")] = min(delay, self._limits.max_wait_s)
        return rules

    def _fetch(self, url: httpx.URL, wanted: _Wanted) -> Page:
        retrying = Retrying(
            retry=retry_if_exception_type(_TransientError),
            wait=self._wait,
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(self._limits.max_wait_s),
            reraise=True,
        )
        host = url.netloc.decode("ascii")
        try:
            return retrying(self._send, url, host, wanted)
        except _TransientError as exc:
            asked = min(exc.after, self._limits.max_wait_s)
            self._free[host] = max(self._free[host], time.monotonic() + asked)
            tried = retrying.statistics["attempt_number"]
            raise UnreachableError(f"{exc}; given up at attempt {tried}") from exc

    def _wait(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.after if isinstance(failure, _TransientError) else 0.0
        return max(asked, self._backoff(state))

    def _send(self, url: httpx.URL, host: str, wanted: _Wanted) -> Page:
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
                return _page(url, response, wanted)
        except httpcore.TimeoutException as exc:
            limit = f"no answer, or not all of it, within {self._limits.timeout_s:g} s"
            raise _TransientError(limit) from exc
        except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
            raise _TransientError(str(exc) or type(exc).__name__) from exc

    def _pause(self, host: str) -> None:
        now = time.monotonic()
        start = max(now, self._free.get(host, now))
        time.sleep(start - now)
        between = max(1 / self._limits.requests_per_second, self._delays.get(host, 0.0))
        self._free[host] = start + between


def _page(url: httpx.URL, response: httpcore.Response, wanted: _Wanted) -> Page:
    page = Page(url=str(url), status=response.status, headers=httpx.Headers(response.headers))
    if page.status == httpx.codes.TOO_MANY_REQUESTS or page.status >= 500:
        after = _asked(page.headers)
        said = f"; it asks to wait {after:.0f} s" if after else ""
        raise _TransientError(page.answer + said, after)
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


def _asked(headers: httpx.Headers) -> float:
    """How many seconds a site asks to wait, in seconds or until a date; 0 where it does not."""
    value: str = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


class _Clock:
    """The end of the request that is under way."""

    def __init__(self) -> None:
        self._end = 0.0

    def start(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, most: float = float("inf")) -> float:
        """The seconds that are left, up to `most`. Raises httpcore.ReadTimeout without any."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return min(left, most)


class _Network(httpcore.NetworkBackend):
    """Looks a host up once, checks what it finds and connects to just that: a second look-up
    might lead elsewhere (DNS rebinding). TLS is still held to the host's name."""

    def __init__(self, clock: _Clock, allow_private_hosts: Iterable[str], resolve: Resolve) -> None:
        self._clock = clock
        self._allowed = frozenset(map(host_and_port, allow_private_hosts))
        self._resolve = resolve
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"the host {host} has no address")
        for address in self._checked(host, port):
            within = self._clock.left(_CONNECT_S)
            try:
                stream = self._plain.connect_tcp(
                    address, port, within, local_address, socket_options
                )
                return _Stream(stream, self._clock)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise failure

    def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = self._resolve(host)
        except (OSError, UnicodeError) as exc:  # A label of more than 63 letters is the latter.
            raise httpcore.ConnectError(f"the host {host} is not known: {exc}") from exc
        allowed = {(host, None), (host, port)} & self._allowed
        private = next((one for one in addresses if not is_public(one)), None)
        if private is not None and not allowed:
            advice = "if it may be read, name it in allow_private_hosts"
            raise DocumentError(f"{host} is at {private}, which is not public; {advice}")
        return addresses


class _Stream(httpcore.NetworkStream):
    """A connection on which no wait outlasts the request, however often a byte drips in."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        within = self._clock.left(_CONNECT_S)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, within), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def is_public(address: str) -> bool:
    """Whether an address is one of the Internet's (IANA's special-purpose address registries), and
    so is the IPv4 address that it may stand for."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        nat64 = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        inner = ip.ipv4_mapped or ip.sixtofour or nat64
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)
