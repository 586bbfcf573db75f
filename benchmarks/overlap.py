"""How much of some spans lies in others, in characters."""

from collections.abc import Iterable

from benchmarks.datasets.base import Span


def length(spans: Iterable[Span]) -> int:
    """The characters of all spans together; one that lies in two spans counts twice."""
    return sum(span.end - span.start for span in spans)


def covered(spans: Iterable[Span]) -> int:
    """The characters that lie in at least one span."""
    total, document, reach = 0, "", 0
    for span in sorted(spans, key=lambda span: (span.document_id, span.start)):
        if span.document_id != document:
            document, reach = span.document_id, 0
        total += max(0, span.end - max(span.start, reach))
        reach = max(reach, span.end)
    return total


def shared(one: Iterable[Span], other: Iterable[Span]) -> int:
    """The characters that lie in a span of both."""
    one, other = tuple(one), tuple(other)
    return covered(one) + covered(other) - covered((*one, *other))
