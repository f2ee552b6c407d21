import re
from datetime import datetime
from decimal import Decimal

import pytest

from exchanges.wire import Wire, decode, dumps, encode, loads
from exchanges.wire.models import codec_of
from tests.support.specimens import SPECIMENS, sent
from tests.support.strategies import ENDPOINTS

BOUNDARY = re.compile("boundary=([0-9a-f]{32})$")
PART = re.compile(r'name="(\w+)"(?:; filename="(.*?)")?.*?\r\n\r\n(.*?)(?:\r\n)?$', re.DOTALL)
WIRE, STRICT = Wire(), Wire(strict=True)
# A call that succeeds without a body has nothing to decode.
ANSWERED = [s for s in SPECIMENS if not s.endpoint.is_silent]
# All but single values, which lose what they travel in.
MODELS = [s for s in SPECIMENS if codec_of(s.endpoint.answer) is None]
BULKY = [s for s in ANSWERED if WIRE.rows(b"[]", s.endpoint.answer) is not None]

answered = pytest.mark.parametrize("specimen", ANSWERED, ids=lambda s: s.id)
every = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda s: s.id)
bulky = pytest.mark.parametrize("specimen", BULKY, ids=lambda s: s.id)


def body_of(request):
    """Return the body of a request; of a form with a file, its parts."""
    if request.attachment is None:
        return request.body.decode()
    parts = request.body.decode().split("--" + BOUNDARY.search(dict(request.headers)["Content-Type"])[1])[1:]
    fields = [PART.search(part).groups() for part in parts]
    return "; ".join(
        ["multipart/form-data", *(f"{name}={'@' + file if file else text}" for name, file, text in fields)]
    )


def normalized(value):
    """Return *value* with nulls left out, numbers as plain digits, and moments without regard to their notation."""
    if isinstance(value, dict):
        return {key: normalized(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        cells = [normalized(item) for item in value]
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
    """Every declared endpoint has one specimen, and every specimen an endpoint."""
    assert sorted(ENDPOINTS) == sorted(s.id for s in SPECIMENS)


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
    """A request with a body has its content type, one without a body has none."""
    expected = "application/json" if specimen.body.startswith("{") else "application/x-www-form-urlencoded"
    if specimen.body.startswith("multipart/form-data"):
        expected = "multipart/form-data"
    sent_types = [v.partition(";")[0] for k, v in sent(specimen).headers if k == "Content-Type"]

    assert ([expected] if specimen.body else []) == sent_types


@answered
def test_answer_is_no_error(specimen):
    """The documented answer has none of the error shapes."""
    assert specimen.endpoint.text or specimen.endpoint.api.read_problem(200, loads(specimen.answer)) is None


@answered
def test_answer_is_as_declared(specimen):
    """The documented answer decodes without any deviation."""
    strict, tolerant = (w.structure(specimen.payload, specimen.endpoint.answer, "x") for w in (STRICT, WIRE))

    assert strict == tolerant


@bulky
def test_fast_path(specimen):
    """The fast path reads the same objects from a documented list of rows as the other."""
    expected = STRICT.structure(specimen.payload, specimen.endpoint.answer, "x")

    assert expected == WIRE.rows(specimen.answer, specimen.endpoint.answer)


@pytest.mark.parametrize("specimen", MODELS, ids=lambda s: s.id)
def test_nothing_is_lost(specimen):
    """The decoded answer encodes as it was received, to the last digit."""
    encoded = encode(decode(dumps(specimen.payload), specimen.endpoint.answer, strict=True))

    assert normalized(specimen.payload) == normalized(encoded)


def test_lists_of_rows_have_a_fast_path():
    """Bitex's lists of rows are read by the fast path."""
    names = "last_24_hours last_30_days last_7_days transactions transactions_archive"
    expected = {f"bitex.market.{name}" for name in names.split()}
    expected |= {"bitex.account.account_summary", "bitex.trading.orders", "bitex.trading.trades"}
    expected |= {
        f"bitex.funding.{name}" for name in ("usd_deposits", "usd_withdrawals", "btc_deposits", "btc_withdrawals")
    }
    expected |= {f"bitex.kyc.{name}" for name in ("profiles", "profile_files", "files")}

    assert set() == expected - {s.id for s in BULKY}
