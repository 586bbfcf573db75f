"""All ports of the stand-in: one for each region, and one to ask what it did."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from benchmarks.errors import BenchmarksError
from benchmarks.gateway.bedrock import frames
from benchmarks.gateway.bedrock.counts import Counted
from benchmarks.gateway.bedrock.faults import Plan
from benchmarks.gateway.bedrock.http import Connection, HttpRequest
from benchmarks.gateway.bedrock.listener import Listener
from benchmarks.gateway.bedrock.service import OUTAGE, STOPPED, Service

_JSON = (("Content-Type", "application/json"),)


class Server:
    """The stand-in on the running event loop, from `opened` to `close`.

    Its admin port answers `GET /_counts`; `POST /_plan` sets a plan, and `POST /_reset` begins it
    and the counts again.
    """

    def __init__(self, regions: Sequence[str], plan: Plan) -> None:
        """It does not listen yet."""
        self._service = Service(plan, asyncio.get_running_loop().time)
        answer = self._service.answer
        self._regions = {name: Listener(partial(answer, name)) for name in regions}
        self._admin = Listener(self._administer)
        self._changing = asyncio.Lock()

    @property
    def endpoints(self) -> Mapping[str, str]:
        """The URL of each region."""
        return {region: listener.url for region, listener in self._regions.items()}

    @property
    def admin_url(self) -> str:
        """The URL of the admin port."""
        return self._admin.url

    @classmethod
    async def opened(cls, regions: Sequence[str], plan: Plan) -> "Server":
        """One that listens."""
        server = cls(regions, plan)
        await server._admin.follow((), STOPPED)
        await server._follow()
        return server

    async def close(self) -> None:
        """Reset every connection, and give the ports up."""
        for listener in (*self._regions.values(), self._admin):
            await listener.close(STOPPED)
        await _until_closed()

    async def counts(self) -> Counted:
        """What it did until now."""
        return self._service.counts.counted()

    async def set_plan(self, plan: Plan) -> None:
        """Begin another plan: its times count from now, its draws from the first."""
        async with self._changing:
            self._service.set_plan(plan)
            await self._follow()

    async def reset(self) -> None:
        """Begin the same plan again, with counts of nothing."""
        self._service.counts.reset()
        await self.set_plan(self._service.plan)

    async def _follow(self) -> None:
        for region, listener in self._regions.items():
            await listener.follow(self._service.plan.outages(region), OUTAGE)

    async def _administer(self, connection: Connection, request: HttpRequest) -> None:
        asked = f"{request.method} {request.target}"
        if asked == "GET /_counts":
            connection.answer(200, _JSON, (await self.counts()).to_json())
        elif asked == "POST /_plan":
            try:
                await self.set_plan(Plan.from_json(request.body))
            except BenchmarksError as exc:
                connection.answer(400, _JSON, frames.encoded({"message": str(exc)}))
            else:
                connection.answer(200, _JSON, b"{}")
        elif asked == "POST /_reset":
            await self.reset()
            connection.answer(200, _JSON, b"{}")
        else:
            said = f"{asked}: only GET /_counts, POST /_plan and POST /_reset are known"
            connection.answer(404, _JSON, frames.encoded({"message": said}))


async def _until_closed() -> None:
    """Let the loop close what was aborted, and end the handlers."""
    own = asyncio.current_task()
    while others := asyncio.all_tasks() - {own}:
        await asyncio.wait(others)
    await asyncio.sleep(0)
