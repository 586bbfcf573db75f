"""A port of loopback that can refuse connections for a while and yet stays ours."""

import asyncio
import socket
from collections.abc import Sequence

from benchmarks.gateway.bedrock.faults import Fault
from benchmarks.gateway.bedrock.http import Connection, Handler

HOST = "127.0.0.1"
"""Nobody but this machine is to reach the stand-in."""

_BACKLOG = 1024
_ACCEPTING = 3
"""Turns of the loop in which a connection can still come up that was accepted before."""


class Listener:
    """A free port, its connections, and the outages that it follows."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._following: asyncio.Task[None] | None = None
        # Bound and never listening: it keeps the port while nobody listens there, and lets clients
        # be refused.
        self._keeper = _bound(0)
        self.port: int = self._keeper.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://{HOST}:{self.port}"

    async def follow(self, outages: Sequence[Fault], dropped_by: str) -> None:
        """Listen, but while there is an outage; times count from now. Connections that one breaks
        are told who `dropped_by`."""
        await self._unfollow()
        began = asyncio.get_running_loop().time()
        await self._set(listens=not _out(outages, 0.0), dropped_by=dropped_by)
        if outages:
            following = self._follow(outages, began, dropped_by)
            self._following = asyncio.get_running_loop().create_task(following)

    async def close(self, dropped_by: str) -> None:
        """Stop listening, and give the port up."""
        await self._unfollow()
        await self._set(listens=False, dropped_by=dropped_by)
        self._keeper.close()

    async def _follow(self, outages: Sequence[Fault], began: float, dropped_by: str) -> None:
        ends = (outage.to_s for outage in outages if outage.to_s is not None)
        for at in sorted({*(outage.from_s for outage in outages), *ends}):
            await asyncio.sleep(began + at - asyncio.get_running_loop().time())
            await self._set(listens=not _out(outages, at), dropped_by=dropped_by)

    async def _unfollow(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
            self._following = None

    async def _set(self, *, listens: bool, dropped_by: str) -> None:
        if listens and self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self._handler, self._connections),
                sock=_bound(self.port),
                backlog=_BACKLOG,
            )
        elif not listens and self._server is not None:
            self._server.close()
            self._server = None
            for _ in range(_ACCEPTING):
                for connection in tuple(self._connections):
                    connection.drop(dropped_by)
                await asyncio.sleep(0)


def _out(outages: Sequence[Fault], at_s: float) -> bool:
    return any(outage.lasts_at(at_s) for outage in outages)


def _bound(port: int) -> socket.socket:
    # With its protocol named: asyncio turns Nagle's algorithm off only where it knows it is TCP.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # Or the keeper and the one that listens could not share the port.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((HOST, port))
    return sock
