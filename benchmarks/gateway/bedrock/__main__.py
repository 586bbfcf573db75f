"""The command line of the stand-in: serve regions on ports of loopback until SIGTERM."""

import argparse
import asyncio
import gc
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import BenchmarksError
from benchmarks.gateway.bedrock.faults import Plan
from benchmarks.gateway.bedrock.server import Server

_PARSER = argparse.ArgumentParser(
    prog="python -m benchmarks.gateway.bedrock",
    description="A stand-in for Amazon Bedrock's runtime. It prints one line of JSON when it is "
    "ready: the endpoints by region, and the admin URL.",
)
_PARSER.add_argument("--region", action="append", required=True, help="a region; more than once")
_PARSER.add_argument("--plan", type=Path, help="a file with the plan of faults and quotas, in JSON")


def _plan(path: Path | None) -> Plan:
    if path is None:
        return Plan()
    try:
        return Plan.from_json(path.read_bytes())
    except OSError as exc:
        sys.exit(f"{path}: {exc.strerror}")
    except BenchmarksError as exc:
        sys.exit(f"{path}: {exc}")


async def _serve(regions: Sequence[str], plan: Plan) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await Server.opened(regions, plan)
    gc.freeze()  # What is there now stays: no collection has to look at it again.
    ready = {"endpoints": server.endpoints, "admin_url": server.admin_url}
    print(json.dumps(ready), flush=True)
    await stop.wait()
    await server.close()


if __name__ == "__main__":
    given = _PARSER.parse_args()
    asyncio.run(_serve(given.region, _plan(given.plan)))
