import pytest

from exchanges.http.answer import Lost
from exchanges.http.request import Request
from exchanges.http.request_head import Origin, render_head
from exchanges.version import __version__

OWN = b"Accept: application/json\r\nAccept-Encoding: gzip\r\nUser-Agent: aioexchanges/" + __version__.encode() + b"\r\n"


def head(verb="GET", target="/a", headers=(), body=b""):
    """Render a head."""
    return render_head(Request(verb, "https://a.example", target, headers, body), "a.example")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example", Origin("a.example", 443, True, "a.example")),
        ("https://a.example:443", Origin("a.example", 443, True, "a.example")),
        ("https://a.example:8443", Origin("a.example", 8443, True, "a.example:8443")),
        ("http://127.0.0.1", Origin("127.0.0.1", 80, False, "127.0.0.1")),
        ("http://[::1]:8080", Origin("::1", 8080, False, "[::1]:8080")),
        ("http://[::1]", Origin("::1", 80, False, "[::1]")),
    ],
)
def test_an_origin(text, expected):
    """An origin is host, port and scheme; the default port is not named."""
    assert expected == Origin.parse(text)


@pytest.mark.parametrize(
    ("verb", "body", "line"),
    [
        ("POST", b"a=1", b"Content-Length: 3\r\n"),
        ("POST", b"", b"Content-Length: 0\r\n"),
        ("PUT", b"", b"Content-Length: 0\r\n"),
        ("DELETE", b"", b""),
        ("DELETE", b"a", b"Content-Length: 1\r\n"),
        ("GET", b"", b""),
    ],
)
def test_the_length_of_a_body(verb, body, line):
    """A body has its length; a verb that could have one says that it has none."""
    assert verb.encode() + b" /a HTTP/1.1\r\nHost: a.example\r\n" + OWN + line + b"\r\n" == head(verb, body=body)


def test_the_order_of_headers():
    """The headers of a request follow those of every request, as they are."""
    assert head(headers=(("X-Key", "k \xe9"), ("x-key", ""))).endswith(
        OWN + "X-Key: k \xe9\r\nx-key: \r\n\r\n".encode()
    )


@pytest.mark.parametrize("target", ["/a%2Fb/%20/%C3%A9?x=1%2B1&y=%3D&z=a+b", "/a//b/", "/?a=b%26c", "/x'(),;:@!$*~"])
def test_a_target_as_it_was_signed(target):
    """Path and query travel byte for byte as they were signed."""
    assert f"GET {target} HTTP/1.1\r\n".encode() == head(target=target)[: len(target) + 15]


@pytest.mark.parametrize(
    "target",
    ['/a"b', "/a b", "/a\r\nX: 1", "/a#b", "/\xe9", "a", "", "http://b.example/", "/a\n", "/<", "/{", "/\\", "/\0"],
)
def test_a_target_that_would_not_arrive(target):
    """A target that somebody on the way would rewrite is not sent."""
    with pytest.raises(Lost, match="would be sent otherwise than it was signed"):
        head(target=target)


def test_a_target_that_is_too_long():
    """A target that servers refuse is not sent."""
    with pytest.raises(Lost, match="too long for a URL"):
        head(target="/" + "x" * 70_000)


@pytest.mark.parametrize(
    ("name", "value"), [("X", "a\r\nY: 1"), ("X", "a\n"), ("X", "\0"), ("X Y", "1"), ("", "1"), ("X:", "1")]
)
def test_a_header_that_would_not_arrive(name, value):
    """A header that would be two, or none, is not sent."""
    with pytest.raises(Lost, match="a header would be sent otherwise than it was signed"):
        head(headers=((name, value),))
