"""Codecs for payloads of clips: lossless blocks and clouds, clouds with a stated error. Bytes in, bytes out."""

from winnow_operators.packing.faults import PackingError

__all__ = ["PackingError"]
