"""How long a server asks to wait (RFC 9110, 10.2.3)."""

import time
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx


def retry_after(headers: httpx.Headers) -> float | None:
    """How many seconds from now `Retry-After` asks to wait, in seconds or until a date: 0 for a
    date that has passed, none where there is no such field or it is neither."""
    value: str = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:  # One of its forms names no zone, and is in UTC (5.6.7).
        until = until.replace(tzinfo=UTC)
    return max(0.0, until.timestamp() - time.time())
