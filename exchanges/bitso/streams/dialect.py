"""What frames of Bitso's streams say. Pure.

A channel is named here by its type and its book, such as ``diff-orders:btc_mxn``, as the server does in one answer.

Source:
    Bitso WebSocket API; refusals and their words were seen on the live server.
"""

from __future__ import annotations

from exchanges.streams.dialect import Ack, Beat, Data, Frame, Message, Odd, Refusal
from exchanges.wire import Deviation, dumps
from exchanges.wire.envelopes import RAW, Envelope, Raw, envelope_reader

ALREADY = "Already subscribed"
UNKNOWN_BOOK = "This book is not supported - "


class _Envelope(Envelope):
    type: str | None = None
    book: str | None = None
    payload: Raw = RAW
    action: str | None = None
    response: str | None = None
    error: str | None = None

    @property
    def name(self) -> str | None:
        """The channel; None if it is not named."""
        return None if self.type is None or self.book is None else f"{self.type}:{self.book}"


class BitsoDialect:
    """A type and a book a frame; signs of life come by themselves."""

    def __init__(self) -> None:
        self._read = envelope_reader(_Envelope)

    def subscribe(self, name: str, token: str | None) -> Frame:  # noqa: ARG002 - no channel needs one
        """Return the frame that asks for a channel."""
        return _request("subscribe", name)

    def unsubscribe(self, name: str) -> Frame:
        """Return the frame that gives a channel up."""
        # Quirk: it is in no document, but works, and frames may follow for a second (seen on the live server).
        return _request("unsubscribe", name)

    def heartbeat(self) -> None:
        """Return nothing: there is none."""

    def read(self, frame: bytes) -> Message:
        """Read a frame."""
        try:
            envelope = self._read(frame)
        except Deviation as deviation:
            return Odd(deviation.expected)
        if envelope.error is not None:
            return _refusal(envelope, envelope.error)
        if envelope.action is not None:
            return _answer(envelope)
        if envelope.type == "ka":
            return Beat()
        if envelope.name is None or envelope.payload == RAW:
            return Odd("data of a channel", envelope.name)
        return Data(envelope.name, envelope.type or "", bytes(envelope.payload), frame)


def _request(action: str, name: str) -> Frame:
    kind, _, book = name.partition(":")
    return Frame(dumps({"action": action, "book": book, "type": kind}))


def _answer(envelope: _Envelope) -> Message:
    response = envelope.response or ""
    if envelope.name is None:
        return Odd("an answer that names its channel")
    if response != "ok" and not response.startswith(ALREADY):
        return Refusal(envelope.name, None, response)
    return Ack(envelope.name, is_subscribed=envelope.action == "subscribe")


def _refusal(envelope: _Envelope, text: str) -> Refusal:
    name = envelope.name
    # Quirk: the book stands in the text alone (seen on the live server).
    if name is None and envelope.type is not None and text.startswith(UNKNOWN_BOOK):
        name = f"{envelope.type}:{text.removeprefix(UNKNOWN_BOOK)}"
    return Refusal(name, None, text)
