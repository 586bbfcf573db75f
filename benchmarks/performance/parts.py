"""What can be measured, by name."""

from collections.abc import Callable

from benchmarks.performance.indexing import measure_indexing
from benchmarks.performance.latency import measure_latency
from benchmarks.performance.memory import measure_memory
from benchmarks.performance.rows import Row
from benchmarks.performance.workplace import Workplace

Part = Callable[[Workplace, int | None], list[Row]]

PARTS: dict[str, Part] = {
    "latency": measure_latency,
    "indexing": measure_indexing,
    "memory": measure_memory,
}
"""Each part measures in a workplace, on so many chunks; None stands for its own number."""
