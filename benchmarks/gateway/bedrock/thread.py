"""The stand-in in a thread of this process."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from benchmarks.gateway.bedrock.counts import Counted
from benchmarks.gateway.bedrock.faults import Plan
from benchmarks.gateway.bedrock.server import Server

_Got = TypeVar("_Got")


class Bedrock:
    """The stand-in while it runs in a thread of its own; safe for threads.

    `endpoints` has the URL of each region, `admin_url` that of the admin port (see `Server`).
    """

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        """`served` makes one."""
        self._server = server
        self._loop = loop
        self.endpoints: Mapping[str, str] = server.endpoints
        self.admin_url: str = server.admin_url

    @classmethod
    @contextmanager
    def served(
        cls, regions: Sequence[str] = ("us-east-1",), plan: Plan | None = None
    ) -> Iterator["Bedrock"]:
        """Run it while the block does, each region on a free port of loopback."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="bedrock stand-in")
        thread.start()
        try:
            server = _done(loop, Server.opened(regions, plan or Plan()))
            try:
                yield cls(server, loop)
            finally:
                _done(loop, server.close())
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def counts(self) -> Counted:
        """What it did until now."""
        return _done(self._loop, self._server.counts())

    def set_plan(self, plan: Plan) -> None:
        """Begin another plan: its times count from now, its draws from the first."""
        _done(self._loop, self._server.set_plan(plan))

    def reset(self) -> None:
        """Begin the same plan again, with counts of nothing."""
        _done(self._loop, self._server.reset())


def _done(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, _Got]) -> _Got:
    return asyncio.run_coroutine_threadsafe(work, loop).result()
