import json

import pytest

from exchanges.bitso.streams.dialect import BitsoDialect
from exchanges.streams.dialect import Ack, Beat, Data, Odd, Refusal

DIALECT = BitsoDialect()
NAME = {"type": "diff-orders", "book": "btc_mxn"}


def read(frame):
    """What a frame says."""
    return DIALECT.read(frame if isinstance(frame, bytes) else json.dumps(frame).encode())


def test_frames_to_send():
    """One channel each; there is no heartbeat."""
    frames = [DIALECT.subscribe("diff-orders:btc_mxn", None), DIALECT.unsubscribe("diff-orders:btc_mxn")]

    assert [{"action": "subscribe", **NAME}, {"action": "unsubscribe", **NAME}] == [json.loads(f.text) for f in frames]
    assert DIALECT.heartbeat() is None


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"action": "subscribe", "response": "ok", "time": 1, **NAME}, Ack("diff-orders:btc_mxn", is_subscribed=True)),
        (
            {"action": "subscribe", "response": "Already subscribed to channel: diff-orders:btc_mxn", **NAME},
            Ack("diff-orders:btc_mxn", is_subscribed=True),
        ),
        ({"action": "unsubscribe", "response": "ok", **NAME}, Ack("diff-orders:btc_mxn", is_subscribed=False)),
        ({"action": "subscribe", "response": "no", **NAME}, Refusal("diff-orders:btc_mxn", None, "no")),
        (
            {"action": "subscribe", "type": "trades", "error": "This book is not supported - zzz_mxn"},
            Refusal("trades:zzz_mxn", None, "This book is not supported - zzz_mxn"),
        ),
        (
            {"action": "subscribe", "error": "This type of channel is not supported - x", "time": 1},
            Refusal(None, None, "This type of channel is not supported - x"),
        ),
        ({"error": "invalid message", "time": 1}, Refusal(None, None, "invalid message")),
        ({"type": "ka"}, Beat()),
    ],
)
def test_control_frames(frame, message):
    """Refusals name their book in the text alone."""
    assert message == read(frame)


def test_data_is_left_as_it_came():
    """With the frame around it, which holds the sequence."""
    frame = b'{"type":"trades","book":"btc_mxn","payload":[{"i":1e400}],"sent":1}'

    assert Data("trades:btc_mxn", "trades", b'[{"i":1e400}]', frame) == read(frame)


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (b"{", None),
        (b"[]", None),
        ({"type": 5}, None),
        (NAME, "diff-orders:btc_mxn"),
        ({"type": "trades", "payload": []}, None),
        ({"action": "subscribe", "response": "ok"}, None),
    ],
)
def test_frames_that_cannot_be_read(frame, name):
    """The channel is named where it can be."""
    message = read(frame)

    assert (True, name) == (isinstance(message, Odd), message.name)
