"""Answers that no endpoint declares: silence, null, foreign pages, and the documented answer where it cannot be one.

What an endpoint does declare among them is listed here by hand, from the documents, not by asking the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

from exchanges.endpoint import Kind
from exchanges.errors import ExchangeError, NotFound, NotSent, RateLimited, Rejected
from exchanges.wire import dumps, loads
from tests.support.specimens import SPECIMENS, Specimen

STATUSES = (
    *(200, 201, 202, 203, 204, 206, 226, 301, 302, 304, 307, 400, 401, 403, 404, 405, 408, 409, 410, 418),
    *(420, 422, 425, 429, 500, 501, 502, 503, 504, 522, 530),
)
BARE = {
    "nothing": b"",
    "a blank": b" ",
    "a line": b"\r\n",
    "a byte order mark": b"\xef\xbb\xbf",
    "a page": b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>",
    "a short page": b"<html><h1>404 Not Found</h1></html>",
    "XML": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    "plain text": b"upstream request timeout",
    "a word": b"OK",
    "another word": b"true!",
    "UTF-16": "null".encode("utf-16"),
    "zeros": bytes(4),
    "a callback": b"cb(null)",
}
VALUES = {
    name: name.encode()
    for name in (
        *("null", '""', "0", "1", "-1", "{}", "[]", "true", "false", '"ok"', '"true"', '"OK"', '"null"', '"0"'),
        *("[null]", "[[]]", "[{}]", "[0]", '[""]', '{"id":null}', '{"id":""}', '{"id":0}', '{"oid":""}'),
        *('{"address":""}', '{"success":true}', '{"status":"ok"}', '{"error":null}', '{"message":"Not found."}'),
        *('{"message":"no Route matched with those values"}', '{"message":"Unauthorized"}', '{"error":"Forbidden"}'),
        *('{"error":"Internal error, please try again"}', '{"error":"Request timed out"}', '{"error":"Not found"}'),
        *('{"error":{"code":99,"message":"Error processing the request"}}', '{"errors":[{"code":1003,"message":"x"}]}'),
        *('{"error":"Rate limit of your plan does not apply"}', '{"success":false,"error":{"code":"0101"}}'),
        '"Service temporarily unavailable"',
    )
}
ENVELOPES: dict[str, Callable[[bytes], bytes]] = {
    "": lambda body: body,
    "in an envelope": lambda body: b'{"success":true,"payload":%s}' % body,
    "in an envelope without success": lambda body: b'{"payload":%s}' % body,
    "in an envelope that failed": lambda body: b'{"success":false,"payload":%s}' % body,
    "in two envelopes": lambda body: b'{"success":true,"payload":{"success":true,"payload":%s}}' % body,
}


@frozen
class Odd:
    """One odd answer to one endpoint.

    Attributes:
        specimen: The documented call.
        name: What it is, in words.
        status: HTTP status.
        body: The body.
        is_declared: Whether it is exactly what the endpoint declares as done, or as nothing there.
    """

    specimen: Specimen
    name: str
    status: int
    body: bytes
    is_declared: bool = False


# What the documents declare

CONFIRMATIONS = {
    "bitso.v2.trading.cancel_order": '"true"',
    "bitso.v2.funding.bitcoin_withdrawal": '"ok"',
    "bitso.v2.funding.ripple_withdrawal": '"ok"',
    "bitso.v2.funding.spei_withdrawal": '"ok"',
    "bitstamp.v1.trading.cancel_order": "true",
    "bitstamp.v1.funding.ripple_withdrawal": "true",
    "bitso.funding.delete_contact": "{}",
    "bitstamp.funding.transfer_to_main": '{"status":"ok"}',
    "bitstamp.funding.transfer_from_main": '{"status":"ok"}',
}
"""The bare value that confirms a call, as JSON."""
# The guide shows no answer of the calculator but says that it is a bare number, of any size.
NUMBERS = {"bitex.rates.calculate_path": ("0", "1", "-1", '"0"', "the documented answer cut")}
SUCCESSES = {"bitex": (200, 201, 202), "bitso": (200,), "bitstamp": (200,)}
LIMITING = {"bitex": 429, "bitso": 420}
"""The status that the documents give to a refusal for too many requests, which is a rejection."""


def _is_list(specimen: Specimen) -> bool:
    """Return whether the documented answer is a list of rows or objects; a row is a list as well."""
    has_body = not (specimen.endpoint.text or specimen.endpoint.is_silent)
    answer = loads(specimen.answer) if has_body else None
    if isinstance(answer, dict) and answer.keys() == {"success", "payload"}:
        answer = answer["payload"]
    if isinstance(answer, dict) and answer.keys() == {"balances"}:
        return True  # the document calls it a list
    return isinstance(answer, list) and bool(answer) and all(isinstance(item, list | dict | str) for item in answer)


def _declares(specimen: Specimen, name: str, envelope: str, status: int) -> bool:
    """Return whether an endpoint declares this answer."""
    endpoint = specimen.endpoint
    if endpoint.is_silent:
        # For what is never repeated the exchange's signature must say so too.
        return name == "nothing" and status in (200, 204) and not endpoint.kind.is_once
    if status not in SUCCESSES[endpoint.api.exchange]:
        return False
    is_wrapped = endpoint.api.exchange == "bitso" and not endpoint.id.startswith("bitso.v2")
    is_list = _is_list(specimen)
    if envelope != ("in an envelope" if is_wrapped else ""):
        return False
    # A list without entries is an answer where a list is documented; but who signs webhooks has a key.
    is_list = is_list and endpoint.id != "bitso.webhooks.public_keys"
    return CONFIRMATIONS.get(endpoint.id) == name or (name == "[]" and is_list) or name in NUMBERS.get(endpoint.id, ())


def odd_answers(specimen: Specimen, status: int) -> Iterator[Odd]:
    """Iterate over all odd answers with one status to the documented call of one endpoint."""
    endpoint, documented = specimen.endpoint, specimen.answer
    for name, body in BARE.items():
        yield Odd(specimen, name, status, body, _declares(specimen, name, "", status))
    for name, body in VALUES.items():
        for envelope, wrap in ENVELOPES.items():
            is_declared = _declares(specimen, name, envelope, status)
            yield Odd(specimen, f"{name} {envelope}".rstrip(), status, wrap(body), is_declared)
    if endpoint.text or endpoint.is_silent:
        return
    is_number = _declares(specimen, "the documented answer cut", "", status)
    yield Odd(specimen, "the documented answer cut", status, documented.rstrip()[:-1], is_number)
    yield Odd(specimen, "the documented answer and more", status, documented + b"}")
    yield Odd(specimen, "the documented answer as text", status, dumps(documented.decode()))
    yield Odd(specimen, "the documented answer in two lists", status, b"[[%s]]" % documented)
    if status not in SUCCESSES[endpoint.api.exchange]:
        yield Odd(specimen, "the documented answer", status, documented)


def verdict(odd: Odd, error: ExchangeError | None) -> str | None:
    """Return what an answer was taken for, by its error or the lack of one; None if nothing was claimed."""
    kind = odd.specimen.endpoint.kind
    if error is None:
        return "an answer" if kind is Kind.READ else "done"
    if isinstance(error, NotSent):
        return "not sent"
    if isinstance(error, RateLimited):
        # That too many requests were made says nothing about anything but the request, which for a read is nothing.
        is_documented = odd.status == LIMITING.get(odd.specimen.endpoint.api.exchange)
        return None if kind is Kind.READ or is_documented else "rejected"
    if isinstance(error, NotFound):
        return "nothing there"
    return "rejected" if isinstance(error, Rejected) else None


__all__ = ["CONFIRMATIONS", "SPECIMENS", "STATUSES", "Odd", "odd_answers", "verdict"]
