"""How far sixteen processes come to pass the one hard budget that they race for.

What is spent is what the stand-in bills, whatever the gateways believe. A call may cost little less
than what is set aside for it, so that there is no slack for a mistake to hide in.
"""

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

from benchmarks.gateway.bedrock import BedrockProcess, Fault, Faults, Plan
from benchmarks.gateway.callers import (
    INPUTS,
    REGIONS,
    TOKENS,
    billed_nano,
    boto3_call,
    credentials,
    database_in,
    gateway_over,
)
from benchmarks.performance.rows import Row
from benchmarks.performance.workplace import Workplace
from benchmarks.reindexing.postgres import started_postgres
from generation.errors import GenerationError, OverBudgetError
from generation.gateway import Gateway
from generation.money.nano import usd_of

CALLS = 2000
WORKERS = 16
ROUNDS = 5
_CLIENTS = 4
_REFUSALS = 3
_PAUSE_S = 0.2
_START_LIMIT_S = 120
_FAULTY = Plan(seed=4, faults=(Faults(faults=(Fault(kind="half_body", share=1 / 3),)),))
"""What fails is billed in full."""

_LIMIT = "month_usd"  # A day ends in the midst of a race more often.

Database = Callable[[Path], AbstractContextManager[str]]
"""The address of a database in a folder that is empty, for as long as a block runs."""


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield database_in(folder)


DATABASES: Mapping[str, Database] = {
    "SQLite": _sqlite,
    "Postgres": started_postgres,
}


@dataclass(frozen=True, kw_only=True)
class Round:
    """A race until the budget is used up, in nano-dollars: what the stand-in billed, for how many
    answered calls, and how many failed."""

    budget: int
    billed: int
    succeeded: int
    failed: int

    @property
    def passed_by(self) -> float:
        """The calls by which the budget was passed."""
        return max(0, self.billed - self.budget) * self.succeeded / self.billed

    @property
    def unused(self) -> float:
        """The percentage of the budget that was left."""
        return 100 * max(0, self.budget - self.billed) / self.budget


@dataclass(frozen=True, kw_only=True)
class _Track:
    """Where a number of processes race for a budget in nano-dollars."""

    pool: Executor
    workers: int
    bedrock: BedrockProcess
    folder: Path
    budget: int

    def race(self, opened: Database) -> Round:
        """A round over an empty database."""
        with (
            tempfile.TemporaryDirectory(dir=self.folder) as name,
            opened(Path(name) / "database") as url,
        ):
            self.bedrock.reset()
            spend = partial(_spend, self.bedrock.endpoints, Path(name), url, usd_of(self.budget))
            ended = list(self.pool.map(spend, range(self.workers)))
        return Round(
            budget=self.budget,
            billed=billed_nano(self.bedrock.counts().where()),
            succeeded=sum(one.succeeded for one in ended),
            failed=sum(one.failed for one in ended),
        )


def measure_budget(
    place: Workplace,
    calls: int | None,
    *,
    databases: Sequence[str] = tuple(DATABASES),
    workers: int = WORKERS,
    rounds: int = ROUNDS,
) -> list[Row]:
    """Some rounds over each database, with a budget of so many calls, CALLS by default: without
    faults, and with a third of the requests failing once they are billed."""
    place.folder.mkdir(parents=True, exist_ok=True)
    spawn = multiprocessing.get_context("spawn")
    rows = [
        Row(name="processes", value=workers, decimals=0),
        Row(name="rounds of each", value=rounds, decimals=0),
    ]
    with (
        credentials(),
        BedrockProcess.started(REGIONS, Plan()) as bedrock,
        ProcessPoolExecutor(workers, spawn, _join, (spawn.Barrier(workers),)) as pool,
    ):
        track = _Track(
            pool=pool,
            workers=workers,
            bedrock=bedrock,
            folder=place.folder,
            budget=_cost_nano(bedrock) * (calls or CALLS),
        )
        for name in databases:
            for how, plan in (("", Plan()), ("; a third of the requests failing", _FAULTY)):
                bedrock.set_plan(plan)
                rows += _rows(f"{name}{how}", [track.race(DATABASES[name]) for _ in range(rounds)])
    return rows


def _rows(how: str, races: Sequence[Round]) -> list[Row]:
    return [
        Row(
            name=f"{how}: calls beyond the budget, at most",
            value=max(race.passed_by for race in races),
            most=1.0,
        ),
        Row(
            name="left unused, at most",
            value=max(race.unused for race in races),
            unit="%",
        ),
        Row(
            name="calls answered in a round",
            value=statistics.mean(race.succeeded for race in races),
            decimals=0,
        ),
        Row(name="calls that failed", value=sum(race.failed for race in races), decimals=0),
    ]


def _cost_nano(bedrock: BedrockProcess) -> int:
    """What one call costs."""
    boto3_call(bedrock.endpoints, stream=False, max_tokens=TOKENS)(0)
    return billed_nano(bedrock.counts().where())


class _Ended(NamedTuple):
    """The calls of a process, or of a part of it."""

    succeeded: int
    failed: int


_start: Barrier


def _join(start: Barrier) -> None:
    global _start
    _start = start


def _spend(endpoints: Mapping[str, str], folder: Path, url: str, usd: float, number: int) -> _Ended:
    """One of the processes, from when all of them are ready."""
    gateway = gateway_over(
        endpoints,
        folder / str(number),
        database_url=url,
        max_tokens=TOKENS,
        budget={_LIMIT: usd, "warn_at": 1.0},
    )
    try:
        _start.wait(_START_LIMIT_S)
        with ThreadPoolExecutor(_CLIENTS) as pool:
            ended = list(pool.map(lambda _: _until_refused(gateway), range(_CLIENTS)))
    finally:
        gateway.close()
    return _Ended(*map(sum, zip(*ended, strict=True)))


def _until_refused(gateway: Gateway) -> _Ended:
    """Until the budget has refused a call some times: others may have given back meanwhile."""
    succeeded = failed = refused = 0
    while refused < _REFUSALS:
        try:
            gateway.complete("answer", INPUTS)
            succeeded += 1
        except OverBudgetError:
            refused += 1
            time.sleep(_PAUSE_S)
        except GenerationError:
            failed += 1
    return _Ended(succeeded, failed)
