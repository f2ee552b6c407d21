"""Envelopes of frames: what a stream sends around its data, read first, with the data left as it came.

So every channel can have a decoder of its own, and data that nobody wants is never decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from exchanges.wire.codecs import Deviation

__all__ = ["RAW", "Envelope", "Raw", "envelope_reader"]

Raw = msgspec.Raw
"""Data of a frame, not decoded; its bytes are those of the frame."""
RAW = Raw(b"null")


class Envelope(msgspec.Struct, gc=False):
    """The parts of an envelope that are read; keys that it does not list are passed over."""


E = TypeVar("E", bound=Envelope)


def envelope_reader(kind: type[E]) -> Callable[[bytes], E]:
    """Return a function that reads the envelope of a frame.

    It raises `Deviation` for a frame that is no JSON object, or whose parts have other types.
    """
    decode = msgspec.json.Decoder(kind).decode

    def read(frame: bytes) -> E:
        try:
            return decode(frame)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Deviation(f"a frame as {kind.__name__} states") from None

    return read
