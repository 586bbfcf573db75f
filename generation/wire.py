"""A request under way, and the connection it is on, which another thread may cut.

botocore gives no hold of a connection before its answer begins, which takes as long as the model
does: so its pools get connections that say whose they are.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

from generation.exchange import Exchange

_here = threading.local()
_owning = threading.Lock()


class Attempt:
    """One request under way, which another thread may cancel."""

    def __init__(self, read_timeout_s: float) -> None:
        """`read_timeout_s` is the longest silence on the connection."""
        self.read_timeout_s = read_timeout_s
        self.exchange = Exchange()
        self.cancelled = False
        self._connection: _Owned | None = None
        self._socket: socket.socket | None = None

    @classmethod
    def here(cls) -> "Attempt":
        """The one whose request this thread sends."""
        attempt: Attempt = _here.attempt
        return attempt

    def enter(self) -> None:
        """Its request is the one that this thread sends from now on."""
        _here.attempt = self

    def leave(self) -> None:
        """Its answer is there: its connection may be another's."""
        with _owning:
            self._connection = None

    def cancel(self) -> None:
        """Cut its connection; whoever waits for an answer there is woken."""
        self.cancelled = True
        with _owning:
            if self._connection is None or self._connection.owner is not self:
                return
            if self._socket is not None:
                with suppress(OSError):  # It is closed already.
                    # Not ssl's own way, which would take the cipher from under the reader.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Owned:
    """What a connection has beside its own: the attempt that it is used for."""

    owner: Attempt | None = None
    sock: Any
    connect: Callable[[], None]

    @property
    def is_connected(self) -> bool:
        """Whether it can be used again, as urllib3 asks before it does: nobody else may cut it
        from here on, and if somebody has, it is seen."""
        self._own(Attempt.here())
        found: bool = super().is_connected  # type: ignore[misc]
        return found

    def request(self, *args: Any, **more: Any) -> None:
        """Send a request; see http.client."""
        attempt = Attempt.here()
        self._own(attempt)
        if self.sock is None:
            self.connect()
        if attempt.cancelled:  # While it was connecting; nothing is sent that could be billed.
            raise ConnectionAbortedError("cancelled")
        super().request(*args, **more)  # type: ignore[misc]
        attempt._socket = self.sock
        if attempt.cancelled:  # Before there was anything to cut.
            attempt.cancel()

    def _own(self, attempt: Attempt) -> None:
        with _owning:
            self.owner, attempt._connection = attempt, self


class _Connection(_Owned, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _SecureConnection(_Owned, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _Pool(AWSHTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Connection


class _SecurePool(AWSHTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _SecureConnection


def own_connections(client: Any) -> None:
    """Let a client of boto3's use connections that its attempts can cut."""
    pools = client._endpoint.http_session._pool_classes_by_scheme
    pools.update(http=_Pool, https=_SecurePool)
