"""HTTP connections that are paced and counted where bytes really leave: at the socket.

botocore reads a body up to three times (checksum, signature, sending) and goes on reading after the store has
refused the request early, so neither can be told from the body. These classes stand below all that.
"""

import contextlib
import socket
from typing import Any

from botocore.awsrequest import (
    AWSConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnectionPool,
)
from botocore.httpsession import URLLib3Session
from urllib3.connection import HTTPConnection, HTTPSConnection

from winnow_operators.upload.link import LEAST_BYTES_PER_S
from winnow_uploader.pacer import Pacer

UNSENT_BYTES = 32 * 1024
UNSENT_S = 0.002
"""What the kernel may hold that has not left yet, at least and in time at the rate, so that little waits in there when
the link stalls (a fixed 32 KiB cost a seventh of the processor time where the link is fast)..."""
KERNEL_RATE_FACTOR = 1.04
"""...and this much faster than our own rate it may let it go afterwards. Never slower: then it would be the
kernel that holds sending back, and we would take our limit for the link's."""
BLOCK_BYTES = 256 * 1024
"""What is read of a body at a time; with the default of 16 KiB a fifth of the processor time went into that."""
TLS_RECORD_BYTES = 16 * 1024
TLS_OVERHEAD_BYTES = 29
"""Per record, in TLS 1.2; 22 in TLS 1.3."""
TLS_HANDSHAKE_BYTES = 1024
"""Our side of it, without a client certificate."""
_TCP_NOTSENT_LOWAT = 25
"""From linux/tcp.h; Python names it from 3.12 on."""
_SO_MAX_PACING_RATE = 47
"""From asm-generic/socket.h; Python has no name for it."""
_MOST_PACING_RATE = 2**32 - 1
"""Means no limit."""
_MOST_UNSENT_BYTES = 8 * 1024 * 1024
"""More than the kernel's send buffers hold: no limit of ours from 4 GB/s on."""

SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT_BYTES),
]


def mark(sock: socket.socket, dscp: int) -> None:
    """Ask the kernel to mark every packet of a connection; a network that does not care ignores it."""
    if not dscp:
        return
    with contextlib.suppress(OSError):
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)


class _Paced:
    """Mixed in between botocore's handling of ``100-continue`` and the real connection."""

    pacer: Pacer
    dscp = 0
    _tls = False
    _kernel_rate = 0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.blocksize = BLOCK_BYTES

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        mark(sock, self.dscp)
        return sock

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._tls = hasattr(self.sock, "cipher")  # type: ignore[attr-defined]
        if self._tls:
            self.pacer.count(TLS_HANDSHAKE_BYTES)
        self._kernel_rate = 0

    def send(self, data: Any) -> None:
        view = memoryview(data)
        begin = 0
        while begin < len(view):
            size = min(self.pacer.slice_bytes, len(view) - begin)
            records = -(-size // TLS_RECORD_BYTES) if self._tls else 0
            self.pacer.take(size + records * TLS_OVERHEAD_BYTES)
            self._pace_kernel()
            super().send(view[begin : begin + size])  # type: ignore[misc]
            self.pacer.sent()
            begin += size

    def _pace_kernel(self) -> None:
        """Hold the kernel to the rate, too: what it has buffered during a stall must not leave at once."""
        rate = max(self.pacer.rate_bytes_per_s * KERNEL_RATE_FACTOR, LEAST_BYTES_PER_S)
        wanted = int(min(rate, _MOST_PACING_RATE))
        sock = getattr(self, "sock", None)
        if sock is not None and wanted != self._kernel_rate:
            unsent = min(max(int(wanted * UNSENT_S), UNSENT_BYTES), _MOST_UNSENT_BYTES)
            with contextlib.suppress(OSError):  # not everywhere is Linux; the bucket holds all the same
                sock.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, wanted.to_bytes(4, "little"))
                sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, unsent)
            self._kernel_rate = wanted


class _PlainConnection(AWSConnection, _Paced, HTTPConnection):  # type: ignore[misc]
    pass


class _TlsConnection(AWSConnection, _Paced, HTTPSConnection):  # type: ignore[misc]
    pass


class WireSession(URLLib3Session):  # type: ignore[misc] # botocore has no types
    """botocore's HTTP session over paced connections."""

    def __init__(self, pacer: Pacer, dscp: int = 0, **arguments: Any) -> None:
        super().__init__(socket_options=SOCKET_OPTIONS, **arguments)
        # The pool manager made by super().__init__ looks up its pools in this same dictionary.
        self._pool_classes_by_scheme.update(
            http=_paced_pool(AWSHTTPConnectionPool, _PlainConnection, pacer, dscp),
            https=_paced_pool(AWSHTTPSConnectionPool, _TlsConnection, pacer, dscp),
        )


def _paced_pool(pool: Any, connection: Any, pacer: Pacer, dscp: int) -> type:
    bound = type(connection.__name__, (connection,), {"pacer": pacer, "dscp": dscp})
    return type(f"Paced{pool.__name__}", (pool,), {"ConnectionCls": bound})
