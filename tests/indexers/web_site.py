"""A web site on loopback that answers as it is told, and fails the ways that sites do."""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

QUICK: dict[str, Any] = {"timeout_s": 5.0, "max_wait_s": 5.0, "backoff_s": 0.01}


@dataclass(frozen=True)
class Answer:
    """A response; a part of `parts` is sent every `pause` seconds, its head too if it is `slow`."""

    body: bytes = b""
    type: str = "text/html"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    parts: int = 0
    pause: float = 0.0
    slow: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Asked:
    """A request."""

    path: str
    headers: Mapping[str, str]


@dataclass
class Site:
    """A web site: at each path an answer, or several in turn of which the last one stays."""

    pages: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    sent: int = 0
    url: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return self.url.partition("//")[2]

    def answer(self, path: str) -> Answer:
        found = self.pages.get(path, Answer(b"nothing here", status=404))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    def paths(self) -> list[str]:
        """What it was asked for, robots.txt left out."""
        return [one.path for one in self.asked if one.path != "/robots.txt"]

    def header(self, name: str) -> list[str | None]:
        """A header of each request but that for robots.txt."""
        return [one.headers.get(name) for one in self.asked if one.path != "/robots.txt"]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # So that closing waits for them, and no socket is left.

    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # Or every body waits for its head to be acknowledged.
    server: _Server

    def do_GET(self) -> None:
        site = self.server.site
        site.asked.append(Asked(self.path, dict(self.headers)))
        answer = site.answer(self.path)
        if answer.slow:
            self._drip(answer, b"HTTP/1.1 200 OK\r\n")
        elif self._unchanged(answer):
            self.send_response(304)
            self.end_headers()
        else:
            self._send(answer)

    def handle(self) -> None:
        with suppress(ConnectionError):  # The client has had enough.
            super().handle()

    def _unchanged(self, answer: Answer) -> bool:
        asked = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
        values = ((self.headers[asked[name]], answer.headers.get(name)) for name in asked)
        return any(theirs is not None and theirs == ours for theirs, ours in values)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        head = {"Content-Type": answer.type, **answer.headers}
        if answer.parts or answer.cut:
            self.close_connection = True
            head["Connection"] = "close"
        if answer.cut or not answer.parts:
            head["Content-Length"] = str(len(answer.body) + answer.cut)
        for name, value in head.items():
            self.send_header(name, value)
        self.end_headers()
        self._drip(answer, answer.body)

    def _drip(self, answer: Answer, data: bytes) -> None:
        for _ in range(answer.parts or 1):
            self.wfile.write(data)
            self.server.site.sent += len(data)
            if answer.pause and self.server.site.stopping.wait(answer.pause):
                break

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A site without pages, at a free port of 127.0.0.1."""
    site = Site()
    with _Server(site) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        site.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            site.stopping.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as served:
        yield served


def moved(where: str, status: int = 302) -> Answer:
    return Answer(b"moved", status=status, headers={"Location": where})
