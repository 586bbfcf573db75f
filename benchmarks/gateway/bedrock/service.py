"""bedrock-runtime behind its connections: what is asked, what goes wrong, what it is billed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.gateway.bedrock import frames
from benchmarks.gateway.bedrock.asked import (
    Asked,
    Metadata,
    asked_of,
    body_of,
    metadata_of,
    operation,
)
from benchmarks.gateway.bedrock.counts import Bill, Counts
from benchmarks.gateway.bedrock.faults import REFUSALS, Draws, Fault, Plan
from benchmarks.gateway.bedrock.http import Connection, HttpRequest
from benchmarks.gateway.bedrock.quotas import Quotas
from benchmarks.gateway.bedrock.refusals import RefusedError, by_plan
from benchmarks.gateway.bedrock.serving import Serving
from benchmarks.gateway.bedrock.signature import check

OUTAGE = "refused"
STOPPED = "stopped"


@dataclass(slots=True, kw_only=True)
class _Exchange:
    """One request on a connection, as far as it is known."""

    region: str
    connection: Connection
    model_id: str = ""
    streams: bool = False
    metadata: Metadata = ()
    bill: Bill = field(default_factory=Bill)


class Service:
    """All regions of the stand-in; of one event loop."""

    def __init__(self, plan: Plan, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.set_plan(plan)
        self.counts = Counts()

    @property
    def plan(self) -> Plan:
        """What goes wrong now."""
        return self._draws.plan

    def set_plan(self, plan: Plan) -> None:
        """Begin a plan, with its first draws and full quotas."""
        self._draws = Draws(plan)
        self._quotas = Quotas(plan.quotas, self._clock)
        self._began = self._clock()

    async def answer(self, region: str, connection: Connection, request: HttpRequest) -> None:
        """Answer a request in a region, and count it."""
        exchange = _Exchange(region=region, connection=connection)
        bill = exchange.bill
        try:
            await self._answer(exchange, request)
        except RefusedError as refused:
            if bill.outcome == "succeeded":
                bill.outcome = refused.name
            _refuse(connection, refused)
        except asyncio.CancelledError:
            bill.outcome = "cancelled" if connection.cut_by == "client" else connection.cut_by
            raise
        finally:
            self.counts.add(region, exchange.model_id, exchange.metadata, bill)

    async def _answer(self, exchange: _Exchange, request: HttpRequest) -> None:
        asked = _read(exchange, request)
        fault = self._draws.next(
            exchange.region,
            exchange.model_id,
            streams=exchange.streams,
            elapsed_s=self._clock() - self._began,
        )
        if fault is not None:
            self.counts.fault(fault.kind)
        if fault is None or not await _failed_at_once(exchange, fault):
            await self._serve_within_quota(exchange, asked, fault)

    async def _serve_within_quota(
        self, exchange: _Exchange, asked: Asked, fault: Fault | None
    ) -> None:
        bill = exchange.bill
        wanted = asked.input_tokens + asked.max_tokens
        try:
            reserved = self._quotas.reserve(exchange.region, exchange.model_id, wanted)
        except RefusedError:
            bill.outcome = "over_quota"
            raise
        serving = Serving(connection=exchange.connection, asked=asked, fault=fault, bill=bill)
        try:
            await (self._stream(serving) if exchange.streams else serving.whole())
        finally:
            reserved.settle(bill.input + bill.cache_write, bill.output)

    async def _stream(self, serving: Serving) -> None:
        cut = False
        self.counts.begin_stream()
        try:
            await serving.stream()
        except asyncio.CancelledError:
            cut = serving.connection.cut_by == "client"
            raise
        finally:
            self.counts.end_stream(cut=cut)


def _read(exchange: _Exchange, request: HttpRequest) -> Asked:
    asked_for = operation(request.method, request.target)
    exchange.model_id, exchange.streams = asked_for.model_id, asked_for.streams
    check(request.headers, exchange.region)
    body = body_of(request.body)
    exchange.metadata = metadata_of(body)
    return asked_of(exchange.model_id, exchange.region, body)


async def _failed_at_once(exchange: _Exchange, fault: Fault) -> bool:
    """Whether the fault has ended a request of which the model knows nothing."""
    if fault.kind in REFUSALS:
        await asyncio.sleep(fault.stall_s)
        raise by_plan(fault.kind, exchange.model_id, fault.retry_after_s)
    if fault.kind != "reset":
        return False
    await asyncio.sleep(fault.stall_s)
    exchange.bill.outcome = fault.kind
    exchange.connection.reset()
    return True


def _refuse(connection: Connection, refused: RefusedError) -> None:
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", refused.name)]
    if refused.retry_after_s is not None:
        headers.append(("Retry-After", str(refused.retry_after_s)))
    connection.answer(refused.status, headers, frames.encoded(refused.body))
