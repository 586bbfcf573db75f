"""What a run says: summary, tables, comparisons, and the failures to read."""

from benchmarks.report.comparison import Comparison, compare, print_comparisons
from benchmarks.report.failures import Failure, failures, print_failures
from benchmarks.report.summary import Cell, summarise, to_json
from benchmarks.report.table import print_cells

__all__ = [
    "Cell",
    "Comparison",
    "Failure",
    "compare",
    "failures",
    "print_cells",
    "print_comparisons",
    "print_failures",
    "summarise",
    "to_json",
]
