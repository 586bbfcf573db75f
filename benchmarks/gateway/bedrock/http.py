"""Connections of HTTP/1.1 that can also be broken: reset, or closed in the middle of an answer."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from struct import pack
from typing import Any
from uuid import uuid4

from benchmarks.errors import BenchmarksError

_MOST_HEAD = 65_536
_MOST_BODY = 25_000_000  # Bedrock's own limit of a request.
_LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A whole request; the headers' names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


Handler = Callable[["Connection", HttpRequest], Coroutine[Any, Any, None]]


class MalformedError(BenchmarksError):
    """What came is no request of HTTP/1.1 that can be answered here."""


class Connection(asyncio.Protocol):
    """One client's connection, with one request at a time.

    `cut_by` says who ended it while a request was answered, whose handler is cancelled then:
    `client`, or what `drop` was told.
    """

    def __init__(self, handler: Handler, opened: set["Connection"]) -> None:
        """It is among the `opened` ones while it is."""
        self._handler = handler
        self._opened = opened
        self._received = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport
        self._writable = asyncio.Event()
        self._keep = True
        self.cut_by = "client"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._opened.add(self)
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._opened.discard(self)
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    def eof_received(self) -> None:
        # No client of the service closes its side and still waits for an answer.
        self._transport.abort()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._task is None:
            self._begin()

    async def writable(self) -> None:
        """Wait while the client reads more slowly than is written."""
        await self._writable.wait()

    def write(self, data: bytes) -> None:
        """Send what is a part of an answer."""
        self._transport.write(data)

    def answer(self, status: int, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Send a whole answer."""
        length = ("Content-Length", str(len(body)))
        self._transport.write(head(status, (*headers, length)) + body)

    def begin_chunks(self, headers: Sequence[tuple[str, str]]) -> None:
        """Begin an answer whose body follows in chunks."""
        self._transport.write(head(200, (*headers, ("Transfer-Encoding", "chunked"))))

    def end_chunks(self) -> None:
        """End an answer in chunks."""
        self._transport.write(_LAST_CHUNK)

    def close(self) -> None:
        """Close it once everything is sent, whether or not the answer is complete."""
        self._transport.close()

    def reset(self) -> None:
        """Close it at once, with a TCP reset."""
        # A close that lingers for no time is a reset (socket(7), SO_LINGER).
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
        self._transport.abort()

    def drop(self, cut_by: str) -> None:
        """Reset it, and cancel the answer that is under way."""
        self.cut_by = cut_by
        self.reset()

    def _begin(self) -> None:
        try:
            request = self._request()
        except MalformedError as exc:
            self.answer(400, [("Connection", "close")], str(exc).encode())
            self.close()
            return
        if request is not None:
            self._keep = request.headers.get("connection", "").lower() != "close"
            self._task = asyncio.get_running_loop().create_task(self._handler(self, request))
            self._task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled():
            return
        if (failure := task.exception()) is not None:
            self._transport.abort()
            raise failure  # The loop reports it.
        if not self._keep:
            self._transport.close()
        elif self._received and not self._transport.is_closing():
            self._begin()

    def _request(self) -> HttpRequest | None:
        """The request that has come, once it is whole."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > _MOST_HEAD:
                raise MalformedError(f"The head has more than {_MOST_HEAD} bytes.")
            return None
        method, target, headers = _parsed(bytes(self._received[:end]))
        start = end + 4
        length = _length(headers)
        if len(self._received) < start + length:
            return None
        body = bytes(self._received[start : start + length])
        del self._received[: start + length]
        return HttpRequest(method=method, target=target, headers=headers, body=body)


def head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    """A status line, the service's usual headers, and those given."""
    usual = f"Date: {_date(int(time.time()))}\r\nx-amzn-RequestId: {uuid4()}\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{_status_line(status)}{usual}{lines}\r\n".encode("latin-1")


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


@lru_cache
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"


def _parsed(raw: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = raw.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or words[2] != "HTTP/1.1":
        raise MalformedError(f"'{first}' is no request line of HTTP/1.1.")
    pairs = (line.partition(":") for line in lines)
    return words[0], words[1], {name.lower(): value.strip() for name, _, value in pairs}


def _length(headers: Mapping[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise MalformedError("A request has to say its Content-Length here.")
    given = headers.get("content-length", "0")
    if not given.isdecimal() or int(given) > _MOST_BODY:
        raise MalformedError(f"Content-Length '{given}' is no number up to {_MOST_BODY}.")
    return int(given)
