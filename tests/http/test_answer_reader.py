"""The framing of one answer, from bytes without a connection."""

import pytest

from exchanges.http.answer import BadAnswer, Lost
from exchanges.http.answer_reader import MAX_HEAD_BYTES, MAX_HEADER_LINES, AnswerReader, Malformed
from tests.support.raw_server import response
from tests.support.read_answers import OK, body_of, in_slices, read
from tests.support.sending import MAX_BYTES

GZIP = b"Content-Encoding: gzip"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

WHOLE = {
    "length": response(b'{"id": 1}'),
    "no body": response(b""),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "304": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    "chunks": CHUNKED + b"3\r\n[1,\r\n3;name=value\r\n2] \r\n0\r\n\r\n",
    "trailers": CHUNKED + b"3\r\n[1]\r\n0\r\nX-Sum: 1\r\nRetry-After: 9\r\n\r\n",
    "gzip": response(b"[1, 2, 3]", zipped=True),
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + response(b"1"),
    "closing": response(b"1", b"Connection: close"),
    "old": b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1",
    "repaired": response(b"1", b"Set-Cookie: a=1\n b", b"X : 1"),
}


# Whole answers


@pytest.mark.parametrize("name", WHOLE)
def test_an_answer_in_two_pieces(name):
    """An answer is the same wherever it is cut, and complete with its last byte only."""
    whole = WHOLE[name]
    expected = read(whole).answer()
    for cut in range(1, len(whole)):
        reader = read(whole[:cut])
        assert not reader.is_complete
        reader.feed(whole[cut:])
        answer = reader.answer()

        assert (True, False) == (reader.is_complete, reader.has_surplus)
        assert (expected.status, expected.headers, expected.body) == (answer.status, answer.headers, answer.body)


@pytest.mark.parametrize("name", WHOLE)
def test_an_answer_byte_by_byte(name):
    """An answer that arrives byte by byte is the same."""
    whole, expected = WHOLE[name], read(WHOLE[name]).answer()
    reader = read(*in_slices(whole, 1))

    assert (expected.body, False) == (reader.answer().body, reader.has_surplus)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("surplus", ["the same", b"\r\n", b"x", b"\0", b"0\r\n\r\n"])
def test_more_than_an_answer(name, surplus):
    """Whatever comes beyond an answer is noticed, wherever it is cut, and the answer is good."""
    whole = WHOLE[name]
    surplus = whole if surplus == "the same" else surplus
    expected = read(whole).answer().body
    for cut in range(1, len(whole + surplus)):
        reader = read((whole + surplus)[:cut], (whole + surplus)[cut:])

        assert (True, False, expected) == (reader.has_surplus, reader.allows_reuse, reader.answer().body)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("orderly", [True, False])
def test_an_answer_that_is_cut(name, orderly):
    """An answer that announces its end is incomplete without it, however the connection ends."""
    whole = WHOLE[name]
    for cut in range(len(whole)):
        reader = read(whole[:cut])
        with pytest.raises(Lost, match="the connection was closed"):
            reader.end(orderly=orderly)
        assert not reader.is_complete


def test_where_an_answer_was_cut():
    """The error says how far the answer had come."""
    seen = []
    for part in (b"", b"HTTP/1.1 2", OK + b"Content-Length: 9\r\n\r\n[1,"):
        with pytest.raises(Lost) as caught:
            read(part).end(orderly=True) if part else AnswerReader(1).end(orderly=True)
        seen.append(str(caught.value).removeprefix("the connection was closed "))

    assert [
        "before the answer began",
        "inside the head of the answer",
        "inside the answer, after 3 bytes of its body",
    ] == seen


def test_the_end_after_an_answer():
    """The end of the connection after a complete answer is nothing to it."""
    reader = read(response(b"1"))
    reader.end(orderly=False)

    assert b"1" == reader.answer().body


def test_an_answer_that_ends_with_its_connection():
    """Without a length an orderly end completes the answer, and a cut does not."""
    parts = (OK + b"\r\n12", b"34")
    reader = read(*parts)
    reader.end(orderly=True)
    with pytest.raises(Lost, match="after 4 bytes"):
        read(*parts).end(orderly=False)

    assert (b"1234", False) == (reader.answer().body, reader.allows_reuse)


def test_headers():
    """Names are in lower case, blanks are cut, further values follow, a trailer adds nothing."""
    chunked = OK + b"X-A:  1 \r\nx-a: 2\r\nEmpty:\r\nX: \xe9\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\nX-A: 3\r\n\r\n"

    assert {"x-a": "1, 2", "empty": "", "x": "\xe9", "transfer-encoding": "Chunked"} == read(chunked).answer().headers


# Whether the connection persists


@pytest.mark.parametrize(
    ("whole", "expected"),
    [
        (response(b"1"), True),
        (response(b"1", b"Connection: keep-alive"), True),
        (response(b"1", b"Connection: close"), False),
        (response(b"1", b"Connection: Keep-Alive, Close"), False),
        (response(b"1").replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (response(b"1", b"Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0"), True),
        (CHUNKED + b"0\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (response(b"1", status=b"302 Found"), True),
        (response(b"1", status=b"400 Bad Request"), False),
        (response(b"1", status=b"502 Bad Gateway"), False),
    ],
)
def test_a_connection_that_persists(whole, expected):
    """A connection persists by the rules of its version and its ``Connection`` header, but not after a refusal."""
    assert expected == read(whole).allows_reuse


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"X: 1", None),
        (b"Keep-Alive: timeout=5, max=100", 5.0),
        (b"Keep-Alive: max=1", None),
        (b"Keep-Alive: Timeout=0", 0),
    ],
)
def test_how_long_a_connection_persists(header, expected):
    """The time for which a server keeps an idle connection is read."""
    assert expected == read(response(b"1", header)).keep_alive_seconds


# Malformed answers


@pytest.mark.parametrize(
    "whole",
    [
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n12",
        OK + b"Content-Length: 1, 2\r\n\r\n12",
        OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: +1\r\n\r\n1",
        OK + b"Content-Length: 0x1\r\n\r\n1",
        OK + b"Content-Length:\r\n\r\n1",
        OK + b"Content-Length : 1\r\n\r\n1",
        OK + b"Content-Length: 1\r\n 2\r\n\r\n123",
        OK + b"Content-Length: 99999999999999999999999\r\n\r\n1",
        OK + b"Transfer-Encoding : chunked\r\n\r\n",
        OK + b"X Content-Length: 1\r\n\r\n1",
    ],
)
def test_framing_that_contradicts_itself(whole):
    """What is wrong about where an answer ends is refused, never repaired."""
    with pytest.raises(Malformed, match="the head of the answer is malformed"):
        read(whole)


@pytest.mark.parametrize(
    "whole",
    [
        b"\0\1\2\r\n\r\n",
        b"\r\n\r\n" + OK,
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/0.9 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 99 OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        CHUNKED + b"-1\r\n1\r\n",
        CHUNKED + b"ffffffffffffffffffff\r\n1",
        CHUNKED + b"1\r\n12\r\n0\r\n\r\n",
        CHUNKED + b"1\n1\n0\n\n",
        CHUNKED + b"x\r\n",
    ],
)
def test_what_is_no_answer(whole):
    """What is not an HTTP/1.1 answer is refused, byte by byte too."""
    for size in (len(whole), 1):
        with pytest.raises(Malformed):
            read(*in_slices(whole, size))


@pytest.mark.parametrize(
    "line",
    [
        b"X : 1",
        b"garbage",
        b": 1",
        b"X: \1",
        b"Set-Cookie: a\n b",
        b"Set-Cookie: a\r\n b",
        b"X\xe9: 1",
        b"X: a\rb",
        b"\0: 1",
    ],
)
def test_a_line_that_is_no_header(line):
    """A line that is no header, and does not concern framing, is dropped or unfolded; the rest is read."""
    answer = read(OK + line + b"\r\nRetry-After: 7\r\nContent-Length: 1\r\n\r\n1").answer()

    assert (b"1", "7") == (answer.body, answer.headers["retry-after"])


def test_a_folded_header():
    """A value that goes on in the next line is one value."""
    folded = read(OK + b"X: a\r\n\t b\r\nContent-Length: 0\r\n\r\n").answer().headers["x"]

    assert "a b" == folded


def test_lines_that_end_in_a_bare_line_feed():
    """A head whose lines end without a carriage return is read."""
    assert b"1" == body_of(b"HTTP/1.1 200 OK\nContent-Length: 1\n\n1")


def test_the_same_length_twice():
    """A length that is said twice is no contradiction."""
    assert b"12" == body_of(OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n12")


# Bounds


@pytest.mark.parametrize(
    "piece", [b"X: " + b"a" * 996 + b"\r\n", b"a" * 1000, b"HTTP/1.1 100 Continue\r\nX: " + b"a" * 970 + b"\r\n\r\n"]
)
def test_an_endless_head(piece):
    """A head without end is refused at its bound, interim answers included."""
    whole = (b"" if piece.startswith(b"HTTP") else OK) + piece * 66
    read(*in_slices(whole[: MAX_HEAD_BYTES - 1], 1000))
    with pytest.raises(BadAnswer, match=f"{MAX_HEAD_BYTES} bytes"):
        read(*in_slices(whole, 1000))


def test_many_header_lines():
    """A head of too many lines is refused."""
    with pytest.raises(BadAnswer, match=f"{MAX_HEADER_LINES} header lines"):
        read(OK + b"a:\r\n" * MAX_HEADER_LINES + b"\r\n")


@pytest.mark.parametrize("start", [b"1;" + b"x" * 100, b"0\r\nX: "], ids=["chunk extension", "trailer"])
def test_an_endless_line_between_chunks(start):
    """A chunk extension or trailer without end is refused at the bound of a head."""
    with pytest.raises(BadAnswer, match="between two chunks"):
        read(CHUNKED + start, *[b"x" * 1000] * 100)


@pytest.mark.parametrize("size", [MAX_BYTES, MAX_BYTES + 1])
@pytest.mark.parametrize("framing", ["length", "chunks", "end", "gzip"])
def test_the_largest_body(size, framing):
    """A body of exactly the largest size is read, a byte more is refused, however it travels."""
    body = b"x" * size
    whole = {
        "length": response(body),
        "chunks": CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (size, body),
        "end": OK + b"\r\n" + body,
        "gzip": response(body, zipped=True),
    }[framing]
    try:
        reader = read(*in_slices(whole, 7000))
        reader.end(orderly=True)
        seen = len(reader.answer().body)
    except BadAnswer as error:
        seen = str(error)

    assert seen == (size if size == MAX_BYTES else f"an answer of more than {MAX_BYTES} bytes")


@pytest.mark.parametrize(("headers", "size"), [((), MAX_BYTES + 1), ((GZIP,), 2 * MAX_BYTES + 1)])
def test_a_length_that_is_too_large(headers, size):
    """A length beyond the bound is refused before any of the body arrives."""
    head = response(b"", *headers, length=size)
    with pytest.raises(BadAnswer, match="more than"):
        read(head)
