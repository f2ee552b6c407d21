"""The encodings of an answer: gzip whole and in members, what was not asked for, and what expands without bound."""

import functools
import gzip
import tracemalloc

import pytest

from exchanges.http.answer import ORDINARY_BYTES, BadAnswer
from exchanges.http.answer_reader import Malformed
from tests.support.raw_server import response
from tests.support.read_answers import OK, body_of, in_slices, read
from tests.support.sending import BOMB, MAX_BYTES

GZIP = b"Content-Encoding: gzip"


packed = functools.partial(gzip.compress, mtime=0)  # the time would make the names of tests differ


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip", b"GZip", b" gzip "])
@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("members", [1, 2, 5])
@pytest.mark.parametrize("padding", [0, 1, 700])
def test_gzip(encoding, size, members, padding):
    """Gzip is read by either name, with several members and padding, in pieces of any size."""
    body = b"".join(gzip.compress(b"[%d]" % n * 50) for n in range(members)) + bytes(padding)
    whole = response(body, b"Content-Encoding: " + encoding)

    assert b"".join(b"[%d]" % n * 50 for n in range(members)) == body_of(*in_slices(whole, size))


def test_an_empty_member():
    """A member that inflates to nothing is a member."""
    assert b"1" == body_of(response(gzip.compress(b"") + gzip.compress(b"1") + gzip.compress(b""), GZIP))


@pytest.mark.parametrize("encoding", [b"", b"identity", b"Identity"])
def test_no_encoding(encoding):
    """No encoding may be named."""
    assert b"{}" == body_of(response(b"{}", b"Content-Encoding: " + encoding))


@pytest.mark.parametrize("encoding", [b"br", b"deflate", b"zstd", b"gzip, gzip", b"\xff"])
def test_an_encoding_that_was_not_asked_for(encoding):
    """Any other encoding is refused."""
    with pytest.raises(BadAnswer, match="encoding that was not requested"):
        read(response(b"{}", b"Content-Encoding: " + encoding))


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"gzip", b"identity", b"chunked, chunked"])
def test_a_transfer_coding_that_was_not_asked_for(coding):
    """Any transfer coding but chunks is refused."""
    with pytest.raises((BadAnswer, Malformed)):
        read(OK + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "not valid gzip"),
        (packed(b"{}") + b"x", "bytes behind its gzip"),
        (packed(b"{}") + b"\0\0x", "bytes behind its gzip"),
        (packed(b"{}") + b"\0" + packed(b"{}"), "bytes behind its gzip"),
        (packed(b"{}") + b"\x1fx", "bytes behind its gzip"),
        (packed(b"{}") + b"\x1f", "gzip is incomplete"),
        (packed(b"{}") + b"\x1f\x8b", "gzip is incomplete"),
        (packed(b"{}")[:-1], "gzip is incomplete"),
        (packed(b"{}")[:9], "gzip is incomplete"),
        (packed(b"{}")[:-8] + bytes(8), "not valid gzip"),
        (BOMB, "more than"),
        (packed(b"x" * 60_000) * 2, "more than"),
        (packed(b"") * 3000, "too many members of gzip"),
    ],
)
def test_gzip_that_is_refused(body, said):
    """Gzip that is none, ends early, goes on, or grows beyond the bound is refused, however it is cut."""
    whole = response(body, GZIP)
    for size in (1, 5000, len(whole)):
        with pytest.raises(BadAnswer, match=said):
            read(*in_slices(whole, size)).answer()


def test_nothing_in_gzip():
    """An answer without a body may say gzip."""
    assert b"" == body_of(response(b"", GZIP))


def test_a_bomb_takes_no_memory():
    """Fifty megabytes in fifty kilobytes are refused before they take any."""
    whole = response(BOMB, GZIP)
    tracemalloc.start()
    with pytest.raises(BadAnswer, match="more than"):
        read(whole)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 1_000_000


def test_gzip_of_nothing_without_end():
    """Gzip that inflates to nothing is refused by what it takes on the wire."""
    start = OK + GZIP + b"\r\n\r\n" + b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
    with pytest.raises(BadAnswer, match="more than"):
        read(start, *[b"\x00\x00\x00\xff\xff" * 100] * 1000)


def test_too_many_values():
    """An answer that would take many times its size once it is read is refused, whatever its largest size is."""
    whole = response(b"[" + b"{}," * 33_000 + b"1]")
    for most in (MAX_BYTES, ORDINARY_BYTES + 1):
        with pytest.raises(BadAnswer, match="too many values for 99003 bytes"):
            read(whole, max_bytes=most).answer()
