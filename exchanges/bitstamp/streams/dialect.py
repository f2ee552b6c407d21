"""What frames of Bitstamp's streams say. Pure.

Source:
    Bitstamp WebSocket API v2; refusals and their words were seen on the live server.
"""

from __future__ import annotations

from exchanges.streams.dialect import Ack, Beat, Data, Frame, Message, Move, Odd, Refusal
from exchanges.wire import Deviation, Json, dumps, loads
from exchanges.wire.envelopes import RAW, Envelope, Raw, envelope_reader

UNAUTHORIZED = "4009"
_FRAME_BYTES = len('{"data":,"channel":"","event":""}') + 6
"""Of the longest frame with documented keys, without their values; with a blank behind each comma and colon.

A key more takes 7 at least: two quotes, a colon, a comma, a name and a value.
"""


class _Envelope(Envelope):
    event: str
    channel: str = ""
    data: Raw = RAW


class BitstampDialect:
    """One channel a frame; a refusal names nothing."""

    def __init__(self) -> None:
        self._read = envelope_reader(_Envelope)

    def subscribe(self, name: str, token: str | None) -> Frame:
        """Return the frame that asks for a channel."""
        data: dict[str, Json] = {"channel": name} if token is None else {"channel": name, "auth": token}
        return Frame(dumps({"event": "bts:subscribe", "data": data}))

    def unsubscribe(self, name: str) -> Frame:
        """Return the frame that gives a channel up."""
        return Frame(dumps({"event": "bts:unsubscribe", "data": {"channel": name}}))

    def heartbeat(self) -> Frame:
        """Return the frame that is answered at once."""
        return Frame(b'{"event":"bts:heartbeat"}')

    def read(self, frame: bytes) -> Message:
        """Read a frame."""
        try:
            envelope = self._read(frame)
            event, channel, body = envelope.event, envelope.channel, bytes(envelope.data)
            is_control = event.startswith("bts:")
            if is_control or len(frame) - len(body) - len(channel) - len(event) > _FRAME_BYTES:
                loads(frame)  # more keys than are documented, or one of them twice
        except Deviation as deviation:
            return Odd(deviation.expected)
        if is_control:
            return _control(envelope)
        return Data(channel, event, body, frame) if channel else Odd("data of a channel")


def _control(envelope: _Envelope) -> Message:
    match envelope.event:
        case "bts:subscription_succeeded" | "bts:unsubscription_succeeded" if not envelope.channel:
            return Odd("an answer that names its channel")
        case "bts:subscription_succeeded":
            return Ack(envelope.channel, is_subscribed=True)
        case "bts:unsubscription_succeeded":
            return Ack(envelope.channel, is_subscribed=False)
        case "bts:request_reconnect":
            return Move()
        case "bts:error":
            return _refusal(envelope)
        case _:
            # A heartbeat, a greeting of old servers, or what nobody knows yet.
            return Beat()


def _refusal(envelope: _Envelope) -> Message:
    try:
        said = loads(bytes(envelope.data))
    except Deviation as deviation:
        return Odd(deviation.expected)
    fields = said if isinstance(said, dict) else {}
    # Quirk: null, a number or a text (seen on the live server).
    code, text = fields.get("code"), fields.get("message")
    shown = str(code) if isinstance(code, int | str) and code != "" else None
    return Refusal(envelope.channel or None, shown, str(text or ""), is_unauthorized=shown == UNAUTHORIZED)
