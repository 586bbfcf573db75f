"""Work that is done again and again beside the calls."""

import threading
from collections.abc import Callable


class Background:
    """A thread that runs a function about every so many seconds, until it is closed. What the
    function raises ends it: it is to handle what it can."""

    def __init__(self, name: str, work: Callable[[], None], every_s: float) -> None:
        self._work, self._every_s = work, every_s
        self._due = threading.Event()
        self._closed = False
        # A process that forgets to close it can still end.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Let it work at once."""
        self._due.set()

    def close(self) -> None:
        """Let it end, once it has done what it is at."""
        self._closed = True
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed:
            self._due.wait(self._every_s)
            self._due.clear()
            if not self._closed:
                self._work()
