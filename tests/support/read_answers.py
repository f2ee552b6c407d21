"""Answers read from bytes, without a connection."""

from exchanges.http.answer_reader import AnswerReader
from tests.support.sending import MAX_BYTES

OK = b"HTTP/1.1 200 OK\r\n"


def read(*parts, max_bytes=MAX_BYTES):
    """Feed parts to a reader."""
    reader = AnswerReader(max_bytes)
    for part in parts:
        reader.feed(part)
    return reader


def body_of(*parts, max_bytes=MAX_BYTES):
    """Return the body of a complete answer."""
    reader = read(*parts, max_bytes=max_bytes)
    assert reader.is_complete
    return reader.answer().body


def in_slices(data, size):
    """Cut bytes into pieces."""
    return [data[at : at + size] for at in range(0, len(data), size)]
