"""Work that ends when the client hangs up."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Request
from starlette.exceptions import HTTPException

Result = TypeVar("Result")

_LEFT = 499
"""The status for whoever has hung up, who never sees it; nginx logs it so."""


async def unless_left(request: Request, work: Awaitable[Result]) -> Result:
    """What the work leads to.

    Raises:
        HTTPException: the client has hung up before, which has ended the work.
    """
    task = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((task, left), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise HTTPException(_LEFT, "the client has hung up")
    finally:
        task.cancel()
        left.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
