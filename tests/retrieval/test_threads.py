"""Pieces that a coroutine reads from a thread."""

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import pytest

from retrieval.threads import pieces_of


class Counting:
    """Counts up to a number, or for ever, until it is cancelled."""

    def __init__(self, last: int | None, error: Exception | None = None) -> None:
        self.last, self.error, self.cancelled = last, error, threading.Event()

    def __iter__(self) -> Generator[int, None, None]:
        number = 0
        while number != self.last:
            yield number
            number += 1
            if self.cancelled.wait(0.0 if self.last else 0.001):
                return
        if self.error:
            raise self.error

    def cancel(self) -> None:
        self.cancelled.set()


async def read(source: Counting, stop: int | None = None) -> list[int]:
    found = []
    with ThreadPoolExecutor(1) as threads:
        async with aclosing(pieces_of(source, threads)) as pieces:
            async for piece in pieces:
                found.append(piece)
                if piece == stop:
                    break
    return found


def test_every_piece_comes_in_order() -> None:
    assert asyncio.run(read(Counting(1000))) == list(range(1000))


def test_an_error_comes_after_the_pieces_before_it() -> None:
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(read(Counting(3, ValueError("broken"))))


def test_who_stops_reading_cancels() -> None:
    source = Counting(None)
    assert asyncio.run(read(source, stop=5)) == [0, 1, 2, 3, 4, 5]
    assert source.cancelled.is_set()


def test_a_reader_that_is_cancelled_cancels() -> None:
    source = Counting(None)

    async def hurried() -> None:
        async with asyncio.timeout(0.05):
            await read(source)

    with pytest.raises(TimeoutError):
        asyncio.run(hurried())
    assert source.cancelled.is_set()
