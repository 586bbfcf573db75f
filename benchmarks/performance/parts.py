"""What can be measured, by name."""

from collections.abc import Callable

from benchmarks.gateway.added import measure_added
from benchmarks.gateway.budget import measure_budget
from benchmarks.gateway.failover import measure_failover
from benchmarks.gateway.quota import measure_quota
from benchmarks.gateway.reliability import measure_reliability
from benchmarks.performance.indexing import measure_indexing
from benchmarks.performance.latency import measure_latency
from benchmarks.performance.memory import measure_memory
from benchmarks.performance.rows import Row
from benchmarks.performance.workplace import Workplace
from benchmarks.reindexing.changes import measure_changes
from benchmarks.reindexing.chaos import measure_chaos
from benchmarks.reindexing.pages import measure_pages
from benchmarks.reindexing.switching import measure_switching
from benchmarks.reindexing.workers import measure_workers

Part = Callable[[Workplace, int | None], list[Row]]

PARTS: dict[str, Part] = {
    "latency": measure_latency,
    "indexing": measure_indexing,
    "memory": measure_memory,
    "switching": measure_switching,
    "changes": measure_changes,
    "workers": measure_workers,
    "pages": measure_pages,
    "chaos": measure_chaos,
    "gateway": measure_reliability,
    "gateway-added": measure_added,
    "gateway-failover": measure_failover,
    "gateway-budget": measure_budget,
    "gateway-quota": measure_quota,
}
"""Each part measures in a workplace, on so many chunks, pages, kills or calls; None stands for its
own number."""
