"""The whole way from a question to its answer: retrieve, then write, then check the citations."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from generation.asked import WHOLE, Completion
from generation.pieces import Restarted, Text
from retrieval.answering import Answer, Answerer, Question, Written
from retrieval.engine import Engine
from retrieval.pipeline import retrieve
from retrieval.query import Degraded, Query, Retrieved
from retrieval.threads import pieces_of
from retrieval.writers import Writers


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a query, and what it was written from.

    `answerer` has written it; None where nothing was found that could answer. `retrieved` also
    says what was degraded, and has the times: `first_token` and `answer` since the retrieval's
    end, `total` since the beginning.
    """

    answer: Answer
    answerer: str | None
    retrieved: Retrieved
    completion: Completion | None = None


Event = Retrieved | Text | Restarted | Reply


async def whole_reply(engine: Engine, writers: Writers, query: Query, answerer: Answerer) -> Reply:
    """The end of `reply`."""
    async with aclosing(reply(engine, writers, query, answerer)) as events:
        async for event in events:
            if isinstance(event, Reply):
                return event
    raise AssertionError("a reply ends with the whole answer")


async def reply(
    engine: Engine, writers: Writers, query: Query, answerer: Answerer
) -> AsyncGenerator[Event, None]:
    """Answer a query: what was retrieved comes first, then the answer's pieces, and the whole at
    the end. Who stops reading ends the writing.

    Raises:
        What `retrieve` raises, before anything comes.
        NotReadyError, StoreError: the index of the first passage can no longer be looked at.
        EmbedderError: the passages or the citations could not be looked at.
    """
    began = time.perf_counter()
    retrieved = await retrieve(engine, query, writers.rewriter)
    yield retrieved
    if not retrieved.passages:
        reason = retrieved.reason or "no passage was found"
        yield Reply(answer=Answer.declined(reason), answerer=None, retrieved=retrieved)
        return
    # Another model may be loaded for it, where a build was switched meanwhile.
    live = await asyncio.to_thread(engine.live, retrieved.passages[0].index)
    writing = answerer.write(
        Question(
            text=retrieved.rewritten or query.text,
            passages=retrieved.passages,
            embedder=live.embedder,
            tenant=query.tenant,
            request_id=query.request_id,
        )
    )
    asked = time.perf_counter()
    first = None
    async with aclosing(pieces_of(writing, writers.threads(answerer))) as pieces:
        async for piece in pieces:
            # Of what was taken back, the user has nothing.
            first = None if isinstance(piece, Restarted) else first or time.perf_counter()
            yield piece
    ended, written = time.perf_counter(), writing.written
    times = {"answer": ended - asked, "total": ended - began}
    if first is not None:
        times["first_token"] = first - asked
    yield Reply(
        answer=written.answer,
        answerer=written.answerer,
        completion=written.completion,
        retrieved=replace(
            retrieved,
            degraded=(*retrieved.degraded, *_degraded(written)),
            timings_ms={**retrieved.timings_ms, **{k: 1000 * s for k, s in times.items()}},
        ),
    )


def _degraded(written: Written) -> list[Degraded]:
    found = []
    if written.failed is not None:
        reason = f"the gateway gave no answer ({written.failed}), {written.answerer} did"
        found.append(Degraded(stage="answer", reason=reason))
    if written.completion is not None and written.completion.stop_reason not in WHOLE:
        reason = f"the answer was cut off ({written.completion.stop_reason})"
        found.append(Degraded(stage="answer", reason=reason))
    return found
