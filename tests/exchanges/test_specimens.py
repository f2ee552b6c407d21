import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import frozen

from exchanges import Bitex, Bitso, Bitstamp
from exchanges.endpoint import Access, endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.http.signing import Credentials, Stamp
from exchanges.http.uploads import Upload
from exchanges.wire import Wire, decode, dumps, encode, loads

BOUNDARY = re.compile("boundary=([0-9a-f]{32})$")
PART = re.compile(r'name="(\w+)"(?:; filename="(.*?)")?.*?\r\n\r\n(.*?)(?:\r\n)?$', re.DOTALL)
PNG = b"\x89PNG\r\n\x1a\n"
HERE = Path(__file__).parent.parent / "specimens"
FILES = sorted(HERE.glob("*/*.txt"))
ENDPOINTS = {e.id: e for client in (Bitex, Bitso, Bitstamp) for e in endpoints_of(client)}

CREDENTIALS = Credentials(api_key="KEY1", api_secret="SECRET1", client_id="client7")
STAMP = Stamp("1700000000000", 1700000000000)
# openssl dgst -sha256 -hmac SECRET1, of 1700000000000client7KEY1: what both body signatures cover
SIGNATURES = {
    "bitso": "5b37c3b74bc86d3d165a56e611b94fe5955b10d615b4639fcc703ea5ae9b5eac",
    "bitstamp": "5B37C3B74BC86D3D165A56E611B94FE5955B10D615B4639FCC703EA5AE9B5EAC",
}


@frozen
class Specimen:
    """One file: a call as documented and its documented answer."""

    id: str
    verb: str
    url: str
    arguments: dict[str, object]
    body: str
    answer: bytes

    @property
    def endpoint(self):
        return ENDPOINTS[self.id]

    @property
    def payload(self):
        """The answer out of its envelope."""
        answer = self.answer.decode() if self.endpoint.text else loads(self.answer)
        return self.endpoint.api.payload(answer)


def read(file):
    """Take a specimen apart and fill in the credentials."""
    exchange = file.parent.name
    head, _, answer = file.read_text().partition("\n\n")
    first, *lines = head.splitlines()
    verb, _, url = first.partition(" ")
    named = dict(line.split(": ", 1) for line in lines)
    assert named.keys() <= {"arguments", "body", "note"}, file

    def filled(text):
        text = text.replace("<api_key>", "KEY1").replace("<nonce>", "1700000000000")
        return text.replace("<signature>", SIGNATURES.get(exchange, ""))

    arguments = json.loads(named["arguments"])
    if "document" in arguments:  # where the guide has a file of the reader's, here is its content
        arguments["document"] = Upload.of(
            PNG, name=Path(arguments["document"]).name, accepted=["image/png"], max_bytes=len(PNG)
        )
    return Specimen(
        f"{exchange}.{file.stem}", verb, filled(url), arguments, filled(named.get("body", "")), answer.encode()
    )


READ = [read(file) for file in FILES]
SPECIMENS = [s for s in READ if s.id in ENDPOINTS]
BULKY = [s for s in SPECIMENS if Wire().rows(b"[]", s.endpoint.answer) is not None]

every = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda s: s.id)
bulky = pytest.mark.parametrize("specimen", BULKY, ids=lambda s: s.id)


def sent(specimen):
    """What goes out for the specimen's arguments."""
    endpoint = specimen.endpoint
    call = prepare(endpoint, specimen.arguments, endpoint.api.base_url)
    if endpoint.access is Access.PUBLIC:
        return call.render()
    return endpoint.api.scheme.sign(call, CREDENTIALS, STAMP)


def body_of(request):
    """What travels below the headers; for a form with a file, what it holds."""
    if request.attachment is None:
        return request.body.decode()
    parts = request.body.decode().split("--" + BOUNDARY.search(dict(request.headers)["Content-Type"])[1])[1:]
    fields = [PART.search(part).groups() for part in parts]
    return "; ".join(
        ["multipart/form-data", *(f"{name}={'@' + file if file else text}" for name, file, text in fields)]
    )


def bare(value):
    """*value* as far as it says something: null is absence, digits count, and a moment is one in any notation."""
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        cells = [bare(item) for item in value]
        while cells and cells[-1] is None:
            cells.pop()
        return cells
    if isinstance(value, str) and "T" in value:
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    return value


def test_each_endpoint_has_one():
    """Every declared endpoint has a specimen, and every specimen an endpoint."""
    assert sorted(ENDPOINTS) == sorted(s.id for s in READ)


@every
def test_request(specimen):
    """The request is the documented one: verb, address with query, and body."""
    request = sent(specimen)

    assert (specimen.verb, specimen.url, specimen.body) == (
        request.verb,
        request.origin + request.target,
        body_of(request),
    )


@every
def test_content_type(specimen):
    """A body says what it is, and without a body nothing is said."""
    expected = "application/json" if specimen.body.startswith("{") else "application/x-www-form-urlencoded"
    if specimen.body.startswith("multipart/form-data"):
        expected = "multipart/form-data"
    said = [v.partition(";")[0] for k, v in sent(specimen).headers if k == "Content-Type"]

    assert ([expected] if specimen.body else []) == said


@every
def test_answer_is_no_error(specimen):
    """The documented answer has none of the error shapes."""
    assert specimen.endpoint.text or specimen.endpoint.api.read_problem(200, loads(specimen.answer)) is None


@every
def test_answer_is_as_declared(specimen):
    """The documented answer decodes without the least deviation."""
    answer = specimen.endpoint.answer

    assert Wire(strict=True).structure(specimen.payload, answer, "x") == Wire().structure(specimen.payload, answer, "x")


@bulky
def test_fast_way(specimen):
    """The fast way takes the documented list of rows and makes the same objects as the other."""
    expected = Wire(strict=True).structure(specimen.payload, specimen.endpoint.answer, "x")

    assert expected == Wire().rows(specimen.answer, specimen.endpoint.answer)


@every
def test_nothing_is_lost(specimen):
    """The decoded answer encodes as it came, to the last digit."""
    encoded = encode(decode(dumps(specimen.payload), specimen.endpoint.answer, strict=True))

    assert bare(specimen.payload) == bare(encoded)


def test_lists_of_rows_take_the_fast_way():
    """Bitex's lists of rows can be read the fast way."""
    names = "last_24_hours last_30_days last_7_days transactions transactions_archive"
    expected = {f"bitex.market.{name}" for name in names.split()}
    expected |= {"bitex.account.account_summary", "bitex.trading.orders", "bitex.trading.trades"}
    expected |= {
        f"bitex.funding.{name}" for name in ("usd_deposits", "usd_withdrawals", "btc_deposits", "btc_withdrawals")
    }
    expected |= {f"bitex.kyc.{name}" for name in ("profiles", "profile_files", "files")}

    assert set() == expected - {s.id for s in BULKY}
