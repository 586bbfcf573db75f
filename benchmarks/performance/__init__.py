"""How fast and how small Passages is on this machine: latency, indexing and memory.

A target is a ratio to raw parts that are measured in the same run, or a fixed limit.
"""

from benchmarks.performance.rows import Row, print_rows, to_json

__all__ = ["Row", "print_rows", "to_json"]
