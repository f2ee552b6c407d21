"""Bitstamp: objects that bear a sign of failure, and ids that name nothing, confirm and refuse nothing."""

import pytest

from exchanges import Bitstamp, OutcomeUnknown
from exchanges.errors import ExchangeError
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer

PLACED = {
    "id": "1463489000200001",
    "market": "BTC/USD",
    "datetime": "2026-03-01 10:54:53.101000",
    "type": "0",
    "price": "50000",
    "amount": "0.01",
}


def ask(call, said, status=200):
    """Return what *call* returns for answers that are all the same."""
    return single_calls.ask(Bitstamp, call, Script.of(*[answer(said, status)] * 3))


def buy(bitstamp):
    """Place an order."""
    return bitstamp.trading.buy(market="btcusd", amount="0.01", price="50000")


def v1_buy(bitstamp):
    """Place an order by v1."""
    return bitstamp.v1.trading.buy(amount="0.01", price="50000")


def withdraw(bitstamp):
    """Withdraw."""
    return bitstamp.funding.crypto_withdrawal(currency="btc", amount=1, address="3Ca")


SIGNS = [
    {"success": "false"},
    {"success": 0},
    {"success": None},
    {"response_code": "400.009"},
    {"code": "400.009", "message": "You have only 0 BTC available"},
    {"message": "You have only 0 BTC available"},
    {"reason": {"__all__": ["You have only 0 BTC available"]}},
    {"reason": "no", "success": True},
    {"status": "Rejected"},
    {"status": "ERROR", "reason": "x"},
    {"status": "failed"},
    {"status": 4},
    {"status": {}},
]


class TestSignsOfFailure:
    @pytest.mark.parametrize("sign", [*SIGNS, {"status": "Canceled"}, {"status": "Expired"}])
    @pytest.mark.parametrize(
        ("call", "made"),
        [(buy, PLACED), (withdraw, {"id": 11}), (v1_buy, {**PLACED, "id": 1, "type": 0})],
    )
    def test_what_was_made_beside_one(self, call, made, sign):
        """An order or a withdrawal beside a sign of failure is neither made nor refused."""
        with pytest.raises(OutcomeUnknown):
            ask(call, {**made, **sign})

    @pytest.mark.parametrize("sign", SIGNS)
    def test_a_cancel_beside_one(self, sign):
        """A cancel beside a sign of failure may have been done."""
        with pytest.raises(ExchangeError) as caught:
            ask(lambda b: b.trading.cancel_order(order_id="1"), {"id": 1, **sign})

        assert caught.value.may_have_executed

    @pytest.mark.parametrize("more", [{"status": "Open"}, {"success": True}, {"error": None, "reason": None}])
    def test_what_is_none(self, more):
        """A status that an order may have and fields without a value are no signs."""
        assert ask(buy, {**PLACED, **more}).id == PLACED["id"]

    def test_reads_show_what_failed(self):
        """What a read shows of something that failed is its answer."""
        status = ask(lambda b: b.funding.fiat_withdrawal_status("1"), {"status": "Rejected"})

        assert status.status == "Rejected"
