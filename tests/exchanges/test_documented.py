import re
from collections import Counter
from inspect import cleandoc
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import pytest

from exchanges import Bitex, Bitso, Bitstamp, bitex
from exchanges.bitso import v2
from exchanges.bitstamp import v1
from exchanges.endpoint import endpoints_of

CLIENTS = {"bitex": Bitex, "bitso": Bitso, "bitstamp": Bitstamp}
PENDING = "# not yet declared\n"
# The guide prints one book in place of any; all other placeholders are printed without braces.
PRINTED = {"bitex": {"{book}": "btc_usd"}}
# Misprints of the guide: a placeholder of another call, and a cancel without its verb (see `bitex/bots.py`).
OTHERWISE = {
    "/private/btc/withdrawals/withdrawal_id": "/private/btc/withdrawals/deposit_id",
    "/work_order_requests/work_order_request_id": "/work_order_requests/work_order_requests_id",
    "ing_bots/bot_id/cancel": "ing_bots/bot_id",
}
# One path, declared once for one book and once for all.
TWICE = {"bitso": ["GET /api/v3/ticker"]}
# Bitex developer guide, "API Class Reference", "Transactions", "Last 24 Hourly Candles", "Order Book"; Bitso API v2 and
# Bitstamp API v1, "Order Book". Class reference, fields in their order on the wire, a question mark where old rows lack
# one.
ROWS = {
    bitex.Bid: "1 id created_at orderbook amount remaining_amount price status reason? produced_amount? issuer? fee?",
    bitex.Ask: "2 id created_at orderbook amount remaining_amount price status reason? produced_amount? issuer? fee?",
    bitex.Buy: "3 id created_at orderbook quantity amount fee price bid_id",
    bitex.Sell: "4 id created_at orderbook quantity amount fee price ask_id",
    bitex.SpecieDeposit: "5 id created_at specie quantity",
    bitex.SpecieWithdrawal: "6 id created_at specie quantity status reason to_address label? kyc_profile_id? "
    "transaction_id?",
    bitex.UsdDeposit: "7 id created_at requested_amount amount deposit_method status reason country currency "
    "kyc_profile_id? request_details? astropay_response? third_party_reference? currency_id?",
    bitex.UsdWithdrawal: "8 id created_at amount status reason country currency payment_method label? kyc_profile_id? "
    "instructions? currency_id?",
    bitex.Transaction: "- timestamp id price amount",
    bitex.Candle: "- timestamp low open close high volume price_before_last vwap?",
    bitex.PriceLevel: "- price amount",
    v1.PriceLevel: "- price amount",
    v2.PriceLevel: "- price amount",
}

every = pytest.mark.parametrize("exchange", CLIENTS)


def documented(exchange):
    """Return the documented calls: those that are declared and those that are not yet."""
    text = (Path(__file__).parent.parent / "documented" / f"{exchange}.txt").read_text()
    return [
        [line for line in part.splitlines() if line and not line.startswith("#")]
        for part in (text + PENDING).split(PENDING)[:2]
    ]


def declared(exchange):
    """Yield the declared calls as the documents print them."""
    for endpoint in endpoints_of(CLIENTS[exchange]):
        path = urlsplit(endpoint.api.base_url).path + endpoint.route
        for placeholder, printed in PRINTED.get(exchange, {}).items():
            path = path.replace(placeholder, printed)
        path = path.replace("{", "").replace("}", "")
        for ours, printed in OTHERWISE.items():
            path = path.replace(ours, printed) if path.endswith(ours) else path
        yield f"{endpoint.verb} {path}"


@every
def test_every_documented_call_is_declared_once(exchange):
    """Every documented call is declared once, and no other call is declared."""
    expected, _ = documented(exchange)

    assert Counter([*expected, *TWICE.get(exchange, [])]) == Counter(declared(exchange))


@every
def test_pending_calls_are_not_declared(exchange):
    """A call listed as not yet declared is not declared."""
    _, pending = documented(exchange)

    assert set() == set(pending) & set(declared(exchange))


@every
def test_every_declaration_has_a_source(exchange):
    """The docstring of every declared call says where its facts come from."""
    assert [] == [e.id for e in endpoints_of(CLIENTS[exchange]) if "\nSource:\n" not in cleandoc(e.doc)]


@every
def test_no_line_twice(exchange):
    """A documented call is listed once."""
    lines = [line for part in documented(exchange) for line in part]

    assert [] == [line for line, count in Counter(lines).items() if count > 1]


@every
def test_lines(exchange):
    """A line is a verb and a path."""
    lines = [line for part in documented(exchange) for line in part]

    assert [] == [line for line in lines if not re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) /[\w./-]+", line)]


@pytest.mark.parametrize(("row", "expected"), ROWS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_rows(row, expected):
    """In a positional class the order of the fields is the documented order of the cells."""
    fields = [a.name + "?" * (a.default is not attrs.NOTHING) for a in attrs.fields(row) if a.name != "extra"]

    assert expected.split() == [str(getattr(row, "class_reference", "-")), *fields]
