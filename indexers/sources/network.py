"""Connecting safely: to public addresses only, and within the time that a request has."""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore
import httpx

from indexers.errors import DocumentError

_CONNECT_S = 10.0  # For each address of a host; the next one may answer.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: IPv4 addresses as IPv6.

Resolve = Callable[[str], Sequence[str]]
"""Looks up the IP addresses of a host. Raises OSError."""


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


def resolve(host: str) -> Sequence[str]:
    """The addresses of a host by the system's resolver, which has time limits of its own."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class Clock:
    """The end of the request that is under way, one at a time; before `start`, none is left."""

    def __init__(self) -> None:
        self._end = 0.0

    def start(self, seconds: float) -> None:
        """Begin a request that may take so many seconds."""
        self._end = time.monotonic() + seconds

    def left(self, most: float = float("inf")) -> float:
        """The seconds that are left, up to `most`. Raises httpcore.ReadTimeout without any."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return min(left, most)


class Network(httpcore.NetworkBackend):
    """Looks a host up once, checks what it finds and connects to just that: a second look-up
    might lead elsewhere (DNS rebinding). TLS is still held to the host's name.

    `allow_private_hosts` are written as `host_and_port` takes them. No connection, and no wait on
    one, outlasts the clock.
    """

    def __init__(self, clock: Clock, allow_private_hosts: Iterable[str], resolve: Resolve) -> None:
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
        """A connection to the first address of the host that answers, within the clock's time.

        Raises:
            DocumentError: one of its addresses is not public, and the host is not allowed.
            httpcore.ConnectError, httpcore.TimeoutException: it is not known, or none answers.
        """
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

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock) -> None:
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


_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")
"""IETF protocol assignments, which Python of some versions takes for public."""


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
    elif ip in _PROTOCOLS:
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)
