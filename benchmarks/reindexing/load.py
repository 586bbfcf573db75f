"""Searches from several clients at once, in a process of their own.

python -m benchmarks.reindexing.load PORT CLIENTS QUESTIONS asks until its standard input closes,
and prints a line of JSON for each answer.
"""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from benchmarks.performance.passages import ROOT, environment, python_m


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a search came back with: `at` is when it was asked, by `time.monotonic`.

    `versions` are the versions of the passages' pages, `documents` their pages in order.
    """

    question: int
    at: float
    ms: float
    error: str | None
    versions: tuple[str, ...]
    documents: tuple[str, ...]


@dataclass
class Load:
    """A load that goes on while its answers are counted."""

    answers: list[Answer] = field(default_factory=list)

    def wait_for(self, count: int) -> None:
        """Wait until there are so many answers."""
        while len(self.answers) < count:
            time.sleep(0.05)

    def since(self, started: float, ended: float = float("inf")) -> list[Answer]:
        """The answers to what was asked between two times."""
        return [answer for answer in self.answers if started <= answer.at < ended]


@contextmanager
def searching(port: int, clients: int, questions: Path) -> Iterator[Load]:
    """Clients that search as fast as they are answered while the block runs."""
    command = python_m("benchmarks.reindexing.load", str(port), str(clients), questions)
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        load = Load()
        reader = threading.Thread(target=_collect, args=(process.stdout, load))
        reader.start()
        try:
            yield load
        finally:
            process.stdin.close()
            reader.join()


def _collect(lines: IO[str], load: Load) -> None:
    for line in lines:
        found = json.loads(line)
        found |= {name: tuple(found[name]) for name in ("versions", "documents")}
        load.answers.append(Answer(**found))


def main(arguments: Sequence[str]) -> None:
    """Ask until standard input closes."""
    port, clients, path = int(arguments[0]), int(arguments[1]), Path(arguments[2])
    questions = [json.loads(line)["text"] for line in path.read_text().splitlines()]
    stop, printing = threading.Event(), threading.Lock()
    threads = [
        threading.Thread(target=_client, args=(port, questions, number, clients, stop, printing))
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()


def _client(
    port: int,
    questions: Sequence[str],
    first: int,
    step: int,
    stop: threading.Event,
    printing: threading.Lock,
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    number = first
    while not stop.is_set():
        question = number % len(questions)
        number += step
        started = time.monotonic()
        found = _asked(connection, questions[question])
        found |= {"question": question, "at": started, "ms": (time.monotonic() - started) * 1000}
        with printing:
            print(json.dumps(found), flush=True)
    connection.close()


def _asked(connection: http.client.HTTPConnection, question: str) -> dict[str, Any]:
    body = json.dumps({"query": question, "deadline_ms": 60_000})
    nothing: dict[str, Any] = {"versions": [], "documents": []}
    try:
        connection.request("POST", "/retrieve", body, {"content-type": "application/json"})
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as exc:
        connection.close()
        return {"error": repr(exc), **nothing}
    if response.status != http.client.OK:
        return {"error": f"{response.status}: {text.decode()[:300]}", **nothing}
    answer = json.loads(text)
    pages = [passage["document"] for passage in answer["passages"]]
    return {
        "error": json.dumps(answer["degraded"]) if answer["degraded"] else None,
        "versions": sorted({page["url"].split("/")[3] for page in pages}),
        "documents": [page["id"] for page in pages],
    }


if __name__ == "__main__":
    main(sys.argv[1:])
