import gzip

import pytest

from exchanges.http.answer import Answer
from exchanges.outcomes.received import is_page, received

PAGE = b"<!DOCTYPE html><html><head><title>\n Just a  moment...</title></head></html>"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", "nothing"),
        (b" \r\n", "3 bytes of blanks"),
        (b"\xef\xbb\xbf", "3 bytes of blanks"),
        (PAGE, "an HTML page of 75 bytes ('Just a moment...')"),
        (b"\n<h1>404 Not Found</h1><p>So", "an HTML page of 28 bytes ('404 Not Found So')"),
        (b"<html></html>", "an HTML page of 13 bytes"),
        (b"<html>" + b"x" * 12_000, f"an HTML page of 12 kB ('{'x' * 60}...')"),
        (b"null", "the JSON value null"),
        (b"true ", "the JSON value true"),
        (b"-1.50", "a JSON number of 5 bytes"),
        (b'"3Ca"', "a JSON text of 5 bytes"),
        (b'"3Ca', "JSON of 4 bytes that breaks off"),
        (b'"', "JSON of 1 bytes that breaks off"),
        (b'{"balance": "7"}', "a JSON object of 16 bytes"),
        (b'{"balance": "7"', "JSON of 15 bytes that breaks off"),
        (b"[1]\n", "a JSON list of 4 bytes"),
        (b"upstream request timeout", "text of 24 bytes ('upstream request timeout')"),
        (b"a\x1b[2Jb", r"text of 6 bytes ('a\\x1b[2Jb')"),
        (gzip.compress(b"x" * 9)[:4] + b"\xff", "5 bytes that are no text"),
    ],
)
def test_what_came(body, shown):
    """A body is named by its kind and size; pages and texts are quoted, values of JSON are not."""
    assert shown == received(Answer(200, {}, body))


@pytest.mark.parametrize("body", [b"<title>no key %s</title>", b"no key %s", b"%s" + b"x" * 100, b"x" * 50 + b"%s"])
def test_secrets(body):
    """A page that repeats a secret is quoted without it, wherever it is cut."""
    shown = received(Answer(403, {}, body.replace(b"%s", b"canary-secret-key")), ("canary-secret-key",))

    assert not any(part in shown for part in ("canary", "secret"))


@pytest.mark.parametrize("body", [b"<a>", b"<?xml version='1.0'?><html>", b'"<html>"', b"[]", b"", b"< html>"])
def test_no_page(body):
    """Only HTML is a page: an error in XML, or a text about HTML, is none."""
    assert not is_page(Answer(200, {"content-type": "text/html"}, body))
