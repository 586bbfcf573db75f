"""A follow-up question made one that can be searched for by itself."""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generation.asked import WHOLE, Completion
from generation.errors import GenerationError
from retrieval.errors import NotRewrittenError
from retrieval.query import Query
from retrieval.threads import pieces_of

if TYPE_CHECKING:  # boto3 comes with it.
    from generation.gateway import Gateway
    from generation.stream import Stream

_log = logging.getLogger(__name__)

_LONGEST = 8_000
"""Characters of a question, as in the API."""


@dataclass(frozen=True, kw_only=True)
class Rewriter:
    """Rewrites by a use case of the gateway, whose prompt takes a `question` and the
    `conversation` before it, of which it gets the last `turns` messages."""

    gateway: "Gateway"
    use_case: str
    threads: Executor
    turns: int = 10

    async def rewrite(self, query: Query, within_s: float) -> str:
        """The question of a query that has a conversation, as it is to be searched for.

        Raises:
            NotRewrittenError: the gateway gave none within the time; the message says why.
        """
        try:
            stream = self.gateway.stream(
                self.use_case, self._inputs(query), tenant=query.tenant, request_id=query.request_id
            )
            done = await asyncio.wait_for(self._completed(stream), within_s)
        except TimeoutError as exc:
            raise NotRewrittenError(f"no rewriting within {1000 * within_s:.0f} ms") from exc
        except GenerationError as exc:
            # The whole message is for who runs the service: it may name accounts and budgets.
            _log.warning("a question was not rewritten: %s: %s", type(exc).__name__, exc)
            raise NotRewrittenError(f"the gateway failed ({type(exc).__name__})") from exc
        if done.stop_reason not in WHOLE:
            raise NotRewrittenError(f"the model stopped early ({done.stop_reason})")
        question = " ".join(done.text.split())
        if not 0 < len(question) <= _LONGEST:
            raise NotRewrittenError(f"the model wrote {len(question)} characters")
        return question

    async def _completed(self, stream: "Stream") -> Completion:
        async with aclosing(pieces_of(stream, self.threads)) as pieces:
            async for _ in pieces:
                pass
        return stream.completion

    def _inputs(self, query: Query) -> Mapping[str, Any]:
        turns = query.conversation[-self.turns :]
        return {
            "question": query.text,
            "conversation": [{"role": turn.role, "text": turn.text} for turn in turns],
        }
