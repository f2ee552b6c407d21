"""Amounts keep every digit, and raise nothing, whatever decimal context the program has set."""

from decimal import Decimal

import pytest

from exchanges import Bitso, Bitstamp
from exchanges.endpoint import waiting
from exchanges.endpoint.amounts import EXACT, total, totals
from exchanges.outcomes.exposure import limited
from exchanges.outcomes.rounding import is_echo
from exchanges.spot import Market
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer

pytestmark = pytest.mark.usefixtures("strange_context")

LONG = "1234567890.12345678901234567891"
FILL = {"tid": 1, "price": "2.00", "btc": LONG, "usd": f"-{LONG}", "fee": f"-{LONG}", "type": 2}
FILL |= {"datetime": "2026-03-01 10:54:53.849000"}
STATUS = {"id": 7, "datetime": "2026-03-01 10:54:53", "type": "0", "status": "Finished", "market": "BTC/USD"}
STATUS |= {"amount_remaining": "0", "transactions": [FILL]}
MOVED = {"id": 5, "order_id": 7, "datetime": FILL["datetime"], "type": "2", "fee": LONG, "btc": f"-{LONG}", "usd": LONG}
ORDER = {"oid": "a", "book": "btc_mxn", "side": "buy", "type": "limit", "status": "completed", "original_amount": LONG}
ORDER |= {"created_at": "2026-02-03T10:11:12Z", "unfilled_amount": "0"}
TRADE = {"tid": 1, "oid": "a", "book": "btc_mxn", "side": "buy", "price": "1", "major": LONG, "minor": f"-{LONG}"}
TRADE |= {"fees_amount": f"-{LONG}", "fees_currency": "btc", "created_at": "2026-02-03T10:11:12Z"}


def ask(client, call, *answers):
    """Return what a call returns."""
    return single_calls.ask(client, call, Script.of(*answers))


def paid(payload):
    """Return a good answer of Bitso."""
    return answer({"success": True, "payload": payload})


def test_orders_of_bitstamp(monkeypatch):
    """What traded of a settled order is the sum of what the exchange shows."""
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)
    call = lambda client: client.spot.wait_settled("7", timeout_seconds=5)  # noqa: E731
    state = ask(Bitstamp, call, answer(STATUS), answer(STATUS))

    assert (True, LONG, LONG, LONG) == (state.is_settled, str(state.filled), str(state.value), str(state.own.fees))


def test_orders_of_bitso(monkeypatch):
    """So it is at Bitso, where it is compared with the amount of the order."""
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)
    call = lambda client: client.spot.wait_settled("a", timeout_seconds=5)  # noqa: E731
    state = ask(Bitso, call, paid([ORDER]), paid([TRADE]))

    assert (True, LONG, LONG) == (state.is_settled, str(state.filled), str(state.value))
    assert {"btc": LONG} == {name: str(fee) for name, fee in state.own.fees.items()}


@pytest.mark.parametrize(
    ("client", "market", "said"),
    [(Bitstamp, Market("BTC", "USD"), answer([MOVED])), (Bitso, Market("BTC", "MXN"), paid([TRADE]))],
)
def test_fills(client, market, said):
    """The amounts of a trade are those that the exchange shows, without their signs."""
    (fill,) = ask(client, lambda opened: opened.spot.fills(market), said)

    assert [LONG] * 3 == [str(fill.amount), str(fill.value), str(fill.fee)]


def test_sums():
    """Sums are exact, with and without currencies."""
    amounts = [Decimal(LONG), Decimal(f"-{LONG}")]

    assert "2469135780.24691357802469135782" == str(total(amounts)) == str(totals([("a", a) for a in amounts])["a"])


def test_what_an_order_may_cost():
    """What an unresolved order may cost is exact."""
    order = limited("btcusd", LONG, LONG, is_buy=True)

    assert EXACT.multiply(Decimal(LONG), Decimal(LONG)) == order.quote


@pytest.mark.parametrize(("shown", "echoes"), [("100.26", True), ("100.27", False), ("123456.79", False)])
def test_echoes(shown, echoes):
    """What counts as rounded by the exchange depends on the numbers alone."""
    assert echoes is is_echo(Decimal(shown), Decimal("100.255"))
