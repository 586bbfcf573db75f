"""Messages of `application/vnd.amazon.eventstream`, as bedrock-runtime sends them.

The format: https://smithy.io/2.0/aws/amazon-eventstream.html. A message is its length and that of
its headers (4 bytes each, big-endian), the CRC32 of those, the headers, the payload, and the CRC32
of all that.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from struct import pack
from typing import Any
from zlib import crc32

_STRING = 7
_OVERHEAD = 16  # Two lengths and two checksums.


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message; the headers' values are strings of at most 65,535 bytes."""
    packed = b"".join(_header(name, value) for name, value in headers.items())
    lengths = pack(">II", _OVERHEAD + len(packed) + len(payload), len(packed))
    rest = b"".join((lengths, pack(">I", crc32(lengths)), packed, payload))
    return rest + pack(">I", crc32(rest))


def event(name: str, body: Mapping[str, Any]) -> bytes:
    """An event of the stream, `messageStart` say."""
    return message(_about("event", ":event-type", name), encoded(body))


def exception(name: str, body: Mapping[str, Any]) -> bytes:
    """One of the errors that the service's model lists for the stream; it is the last message."""
    return message(_about("exception", ":exception-type", name), encoded(body))


def error(code: str, said: str) -> bytes:
    """An error that the service's model does not list for the stream; it is the last message."""
    headers = {":message-type": "error", ":error-code": code, ":error-message": said}
    return message(headers, b"")


def damaged(frame: bytes) -> bytes:
    """The same message with a checksum that is not its own."""
    return frame[:-1] + bytes([frame[-1] ^ 0xFF])


@lru_cache(maxsize=65_536)
def delta(text: str) -> bytes:
    """The event of one token."""
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}})


def chunk(data: bytes) -> bytes:
    """Data as one chunk of HTTP/1.1 (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@lru_cache(maxsize=65_536)
def delta_chunk(text: str) -> bytes:
    """The event of one token as a chunk."""
    return chunk(delta(text))


def encoded(body: Mapping[str, Any]) -> bytes:
    """JSON as the service writes it: without spaces, in UTF-8."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _about(kind: str, type_header: str, name: str) -> dict[str, str]:
    return {type_header: name, ":content-type": "application/json", ":message-type": kind}


def _header(name: str, value: str) -> bytes:
    raw = value.encode()
    return b"".join(
        (bytes([len(name)]), name.encode(), bytes([_STRING]), pack(">H", len(raw)), raw)
    )
