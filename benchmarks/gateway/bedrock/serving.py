"""One answer on its way to the client, with the fault that it meets."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.gateway.bedrock import answers, frames
from benchmarks.gateway.bedrock.asked import Asked
from benchmarks.gateway.bedrock.counts import Bill
from benchmarks.gateway.bedrock.faults import CUTS, SLOW, STREAM_ERRORS, Fault
from benchmarks.gateway.bedrock.http import Connection, head
from benchmarks.gateway.bedrock.refusals import SAID

_JSON = (("Content-Type", "application/json"),)
_EVENTS = (("Content-Type", "application/vnd.amazon.eventstream"),)
_AT_ONCE = 64
"""Tokens in one write at most, so that a fast stream leaves the others their turn."""

_SLOW_PARTS = 10
_MIDWAY = {"stall", *CUTS, *STREAM_ERRORS}
_UNLISTED = {"modelTimeoutException"}
"""What the service's model does not list for the stream of ConverseStream, as it does for that of
InvokeModelWithResponseStream."""


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _until(due: float) -> None:
    wait_s = due - _now()
    if wait_s > 0:
        await asyncio.sleep(wait_s)


@dataclass(slots=True, kw_only=True)
class Serving:
    """A request that its model answers. `bill` is filled in as it goes; there is no pause between
    the last byte of an answer and the end of these methods."""

    connection: Connection
    asked: Asked
    fault: Fault | None
    bill: Bill
    _began: float = field(default_factory=_now, init=False)

    async def whole(self) -> None:
        """Answer Converse. It is billed in full even if the client is gone: its model runs on."""
        answer = answers.answer_to(self.asked)
        answers.read(self.asked, self.bill)
        self.bill.output = len(answer.tokens)
        model, fault = self.asked.model, self.fault
        late_s = fault.stall_s if fault and fault.kind in SLOW else 0.0
        took_s = model.ttft_s + model.itl_s * max(0, len(answer.tokens) - 1)
        await _until(self._began + late_s + took_s)
        body = answers.whole(self.asked, answer, self.bill, self._latency_ms())
        if fault and fault.kind == "half_body":
            self.bill.outcome = fault.kind
            self._write_head(len(body))
            self.connection.write(body[: len(body) // 2])
            self.connection.close()
        elif fault and fault.kind == "slow_body":
            self._write_head(len(body))
            await self._drip(body, fault.stall_s)
        else:
            self.connection.answer(200, _JSON, body)

    async def stream(self) -> None:
        """Answer ConverseStream. It is billed for what was sent."""
        answer = answers.answer_to(self.asked)
        answers.read(self.asked, self.bill)
        fault = self.fault
        if fault and fault.kind == "stall_head":
            await asyncio.sleep(fault.stall_s)
        self.connection.begin_chunks(_EVENTS)
        self.connection.write(answers.MESSAGE_START)
        start = _now() + self.asked.model.ttft_s
        if fault and fault.kind in _MIDWAY:
            at = min(fault.after_tokens, len(answer.tokens))
            await self._send(answer.tokens[:at], start)
            await _until(start + at * self.asked.model.itl_s)
            if fault.kind != "stall":
                self._break(fault, answer.tokens[at : at + 1])
                return
            await asyncio.sleep(fault.stall_s)
            await self._send(answer.tokens[at:], _now())
        else:
            await self._send(answer.tokens, start)
        self.connection.write(
            answers.last_chunks(self.asked, answer, self.bill, self._latency_ms())
        )
        self.connection.end_chunks()

    async def _send(self, tokens: Sequence[str], start: float) -> None:
        """Send each token when it is due; those that are late go together."""
        itl_s = self.asked.model.itl_s
        sent = 0
        while sent < len(tokens):
            await _until(start + sent * itl_s)
            due = int((_now() - start) / itl_s) + 1 if itl_s else len(tokens)
            upto = min(max(due, sent + 1), sent + _AT_ONCE, len(tokens))
            self.connection.write(b"".join(map(frames.delta_chunk, tokens[sent:upto])))
            self.bill.output += upto - sent
            sent = upto
            await self.connection.writable()
            if sent < due:
                await asyncio.sleep(0)

    def _break(self, fault: Fault, following: Sequence[str]) -> None:
        """Do in place of what follows what the fault says."""
        self.bill.outcome = fault.kind
        connection = self.connection
        event = frames.delta(following[0]) if following else answers.BLOCK_STOP
        if fault.kind == "reset_midway":
            connection.reset()
        elif fault.kind == "half_frame":
            whole = frames.chunk(event)
            connection.write(whole[: len(whole) // 2])
            connection.close()
        else:
            connection.write(frames.chunk(_instead(fault.kind, event)))
            connection.end_chunks()

    async def _drip(self, body: bytes, within_s: float) -> None:
        size = -(-len(body) // _SLOW_PARTS)
        self.connection.write(body[:size])
        for at in range(size, len(body), size):
            await asyncio.sleep(within_s / (_SLOW_PARTS - 1))
            self.connection.write(body[at : at + size])

    def _write_head(self, length: int) -> None:
        self.connection.write(head(200, (*_JSON, ("Content-Length", str(length)))))

    def _latency_ms(self) -> int:
        return round((_now() - self._began) * 1000)


def _instead(kind: str, event: bytes) -> bytes:
    if kind == "early_end":
        return event[: len(event) // 2]
    if kind == "bad_crc":
        return frames.damaged(event)
    if kind in _UNLISTED:
        return frames.error(kind, _said(kind))
    body: dict[str, Any] = {"message": _said(kind)}
    if kind == "modelStreamErrorException":
        body |= {"originalStatusCode": 500, "originalMessage": "The model has failed."}
    return frames.exception(kind, body)


def _said(kind: str) -> str:
    usual = "The system encountered an unexpected error during processing. Try your request again."
    return SAID.get(kind[0].upper() + kind[1:], usual)
