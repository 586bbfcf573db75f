"""make demo: index the samples, start the API, ask it three questions, show what comes back."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import IO, Any

import httpx
from rich.console import Console
from rich.text import Text

from retrieval.show import show_passages

ROOT = Path(__file__).resolve().parent.parent
CATALOG = ROOT / "samples" / "catalog.yaml"
START_LIMIT_S = 60

QUESTIONS = (
    "how do I pause my plan?",
    "your checkout rejects my voucher from the magazine, third try now!!",
    "who won the eurovision song contest last year",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data", metavar="PATH")
    common = ["--catalog", str(CATALOG), "--data-dir", str(parser.parse_args().data_dir)]
    console = Console()
    console.rule("[bold]1. Index the sample help centre")
    _reindex(common)
    console.rule("[bold]2. Start the API")
    with _server(common) as url:
        console.print(f"answering on {url}")
        for number, question in enumerate(QUESTIONS, start=3):
            console.rule(f"[bold]{number}. POST /retrieve")
            answer = httpx.post(f"{url}/retrieve", json={"query": question, "max_passages": 2})
            _show(console, question, answer.raise_for_status().json())
    console.rule("[bold]Next")
    _next(console)


def _reindex(common: list[str]) -> None:
    command = [sys.executable, "-m", "indexers", "reindex", *common]
    done = subprocess.run(command, cwd=ROOT, env=_environment(), check=False)
    if done.returncode:
        sys.exit(done.returncode)  # The command has said why, on the same terminal.


def _environment() -> dict[str, str]:
    """This process's environment, without the servers that it may name: the samples are for a
    folder of their own, not for somebody's server."""
    elsewhere = ("QDRANT_", "DATABASE_URL", "PASSAGES_")
    return {name: v for name, v in os.environ.items() if not name.startswith(elsewhere)}


@contextmanager
def _server(common: list[str]) -> Iterator[str]:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "retrieval", "serve", *common, "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(process, url, log)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(process: "subprocess.Popen[bytes]", url: str, log: IO[bytes]) -> None:
    for _ in range(START_LIMIT_S * 10):
        if process.poll() is not None:
            log.seek(0)
            sys.exit(f"the API stopped at once:\n{log.read().decode()}")
        try:
            if httpx.get(f"{url}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # Not listening yet.
        time.sleep(0.1)
    sys.exit(f"the API was not ready after {START_LIMIT_S} s")


def _show(console: Console, question: str, answer: dict[str, Any]) -> None:
    console.print(Text(f"? {question}", style="bold cyan"))
    show_passages(answer, console)
    console.print()


def _next(console: Console) -> None:
    console.print(
        "  make serve                                      start the API and keep it\n"
        "  curl -s localhost:8000/retrieve -H 'content-type: application/json' "
        '-d \'{"query": "..."}\'\n'
        "  http://localhost:8000/docs                      every endpoint, to try out\n"
        "  .venv/bin/python -m indexers status --catalog samples/catalog.yaml\n"
        "  make smoke                                      measure it on the samples",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
