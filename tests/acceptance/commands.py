"""The command lines as a user types them, as processes of their own."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """What a finished command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which has to be JSON and nothing else."""
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """This process's environment without the servers that it may name, with the packages to be
    found from any folder, and `more`."""
    elsewhere = ("QDRANT_", "DATABASE_URL", "PASSAGES_")
    kept = {name: v for name, v in os.environ.items() if not name.startswith(elsewhere)}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default", "COLUMNS": "80", **more}


def start(folder: Path, *words: str) -> "subprocess.Popen[str]":
    """Start `python -m WORDS` in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background job, as these tests may be part of, does not hear Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def run_unread(folder: Path, *words: str) -> Done:
    """Run `python -m WORDS` in a folder to its end, with nobody who reads its standard output."""
    process = start(folder, *words)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    try:
        err = process.stderr.read()
        code = process.wait(timeout=120)
    finally:
        process.kill()
        process.stderr.close()
    assert "Traceback" not in err, err
    return Done(code, "", err)


def run(folder: Path, *words: str) -> Done:
    """Run `python -m WORDS` in a folder to its end."""
    process = start(folder, *words)
    try:
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert "Traceback" not in err, err
    return Done(process.returncode, out, err)
