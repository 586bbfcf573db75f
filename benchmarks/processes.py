"""Servers that a benchmark starts as processes of their own, on loopback."""

import subprocess
from socket import socket

LOOPBACK = "127.0.0.1"
_STOP_LIMIT_S = 30


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process as a process manager does, and kill it where it does not end."""
    process.terminate()
    try:
        process.wait(timeout=_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
