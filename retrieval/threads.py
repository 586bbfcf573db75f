"""What comes in pieces in a thread, read by a coroutine."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Executor
from typing import Protocol, TypeVar

Piece = TypeVar("Piece", covariant=True)


class Source(Protocol[Piece]):
    """Pieces that are waited for by who iterates; `cancel` ends that from any thread."""

    def __iter__(self) -> Generator[Piece, None, object]: ...

    def cancel(self) -> None: ...


async def pieces_of(source: Source[Piece], threads: Executor) -> AsyncGenerator[Piece, None]:
    """The pieces as they come, read in one of the threads. Who stops reading, or is cancelled,
    cancels the source.

    Raises whatever the source raises.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[Piece] | None] = asyncio.Queue()

    def put(item: tuple[Piece] | None) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, item)

    def read() -> None:
        try:
            for piece in source:
                put((piece,))
        finally:
            put(None)

    reading = loop.run_in_executor(threads, read)
    try:
        while (item := await queue.get()) is not None:
            yield item[0]
        await reading
    finally:
        if not reading.done():
            source.cancel()
            reading.add_done_callback(_look)


def _look(reading: "asyncio.Future[None]") -> None:
    # What a cancelled source raises, nobody waits for; asyncio would log it as forgotten.
    if not reading.cancelled():
        reading.exception()
