import json

import pytest

from exchanges.bitstamp.streams.dialect import BitstampDialect
from exchanges.streams.dialect import Ack, Beat, Data, Move, Odd, Refusal

DIALECT = BitstampDialect()


def read(frame):
    """What a frame says."""
    return DIALECT.read(frame if isinstance(frame, bytes) else json.dumps(frame).encode())


def control(event, channel="", data=None):
    """A frame of the server itself."""
    return {"data": data, "channel": channel, "event": f"bts:{event}"}


def test_frames_to_send():
    """One channel each; a private one with its token."""
    frames = [DIALECT.subscribe("a", None), DIALECT.subscribe("b", "secret"), DIALECT.unsubscribe("a")]

    assert [
        {"event": "bts:subscribe", "data": {"channel": "a"}},
        {"event": "bts:subscribe", "data": {"channel": "b", "auth": "secret"}},
        {"event": "bts:unsubscribe", "data": {"channel": "a"}},
        {"event": "bts:heartbeat"},
    ] == [json.loads(frame.text) for frame in (*frames, DIALECT.heartbeat())]
    assert "secret" not in repr(frames)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (control("subscription_succeeded", "a", {}), Ack("a", is_subscribed=True)),
        (control("unsubscription_succeeded", "a", {}), Ack("a", is_subscribed=False)),
        (control("heartbeat", data={"status": "success"}), Beat()),
        (control("request_reconnect"), Move()),
        (control("request_reconnect", data=""), Move()),
        (control("connection_established", data={"socket_id": "1.2"}), Beat()),
        (control("what_nobody_knows"), Beat()),
        ({"event": "bts:heartbeat"}, Beat()),
    ],
)
def test_control_frames(frame, message):
    """Whatever the order of their keys."""
    assert [message, message] == [read(frame), read(dict(reversed(frame.items())))]


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        ({"code": None, "message": "No."}, Refusal(None, None, "No.")),
        ({"code": 4009, "message": "No."}, Refusal(None, "4009", "No.", is_unauthorized=True)),
        ({"code": "4009", "message": "No."}, Refusal(None, "4009", "No.", is_unauthorized=True)),
        ({"code": "", "message": None}, Refusal(None)),
        (None, Refusal(None)),
        ("No.", Refusal(None)),
    ],
)
def test_refusals(data, refusal):
    """The code may be null, a number or a text."""
    assert refusal == read(control("error", data=data))


def test_data_is_left_as_it_came():
    """It belongs to a channel, and is decoded by that."""
    frame = b'{"data":{"id":1e400,"x":"y"},"channel":"live_trades_btcusd","event":"trade"}'

    assert Data("live_trades_btcusd", "trade", b'{"id":1e400,"x":"y"}', frame) == read(frame)


@pytest.mark.parametrize(
    "frame",
    [
        *(b"", b"{", b"[]", b"null", b"\xff", b'{"channel":"a"}', b'{"event":1}', b"[" * 9999),
        *(b'{"event":"data","data":{}}', b'{"event":"data","channel":"","data":{}}'),
        b'{"event":"data","channel":null,"data":{}}',
    ],
)
def test_frames_that_cannot_be_read(frame):
    """Nothing says of which channel they are."""
    message = read(frame)

    assert (True, None) == (isinstance(message, Odd), message.name)


def test_a_refusal_that_cannot_be_read():
    """Its data is no JSON that is read."""
    deep = b'{"event":"bts:error","data":' + b"[" * 90 + b"]" * 90 + b"}"

    assert isinstance(read(deep), Odd)


@pytest.mark.parametrize("key", ["event", "channel", "data"])
def test_a_key_that_appears_twice(key):
    """A frame that says two things is none."""
    frame = {"event": "data", "channel": "a", "data": {"a": {"b": 1}}}
    twice = json.dumps(frame)[:-1] + f', "{key}": "a"}}'

    assert isinstance(read(twice.encode()), Odd)
