"""Bitstamp: objects that bear a sign of failure, and ids that name nothing, confirm and refuse nothing."""

from decimal import Decimal

import pytest

from exchanges import Bitstamp, OutcomeUnknown
from exchanges.bitstamp import CancelledOrder, CancelledOrders, OrderStatusWord, Side
from exchanges.bitstamp.funding import Funding
from exchanges.bitstamp.v1.funding import Funding as V1Funding
from exchanges.endpoint.call import prepare
from exchanges.errors import DecodeError, ExchangeError, UsageError
from exchanges.wire import decode, dumps, encode
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
BANK = {
    "account_currency": "EUR",
    "name": "A",
    "iban": "DE1",
    "bic": "B",
    "address": "x",
    "postal_code": "1",
    "city": "c",
    "country": "DE",
    "type": "sepa",
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
    {"error": {}},
    {"error": []},
    {"errors": {}},
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

    @pytest.mark.parametrize("word", ["ok", "OK ", "success", "", None, True])
    def test_a_status_that_is_none(self, word):
        """That a call succeeded is no status of what was asked for."""
        with pytest.raises(DecodeError):
            ask(lambda b: b.funding.fiat_withdrawal_status("1"), {"status": word})


def cancel(bitstamp):
    """Cancel by the exchange's id."""
    return bitstamp.trading.cancel_order(order_id="1")


def cancel_mine(bitstamp):
    """Cancel by the client's id."""
    return bitstamp.trading.cancel_order(client_order_id="mine")


def cancel_market(bitstamp):
    """Cancel what is open in one market."""
    return bitstamp.trading.cancel_all_orders_for_market("btcusd")


class TestCancels:
    @pytest.mark.parametrize("call", [cancel, cancel_mine])
    @pytest.mark.parametrize(
        "said",
        [
            {},
            {"foo": 1},
            {"status": "ok"},
            {"status": "failed"},
            {"status": "Canceled"},
            {"amount": "1", "price": "2", "type": 0},
            {"id": "1", "status": "Open"},
            {"id": "1", "status": "In Queue"},
            {"id": "1", "status": "So?"},
            {"id": "1", "status": ["Canceled"]},
            {"id": "1", "status": {"Canceled": 1}},
            {"id": None, "status": None},
            {"id": "0"},
            {"id": True},
            {"id": "\uff11"},
            {"id": "1", "error": {"x": 1}},
        ],
    )
    def test_what_shows_no_cancelled_order(self, call, said):
        """Neither an object without an order nor an order that is open says that it was cancelled."""
        with pytest.raises(ExchangeError) as caught:
            ask(call, said)

        assert caught.value.may_have_executed

    @pytest.mark.parametrize("call", [cancel, cancel_mine])
    @pytest.mark.parametrize("status", [{}, {"status": "Canceled"}, {"status": "Cancel pending"}])
    def test_what_shows_one(self, call, status):
        """Its id, with a status that is final, pending or absent, says so."""
        assert ask(call, {"id": "1", "client_order_id": "mine", **status}).id == "1"

    def test_an_order_that_was_never_seen(self):
        """Without the client's id, the order must be one that was shown with it before."""
        shown = {"id": 1, "status": "Open", "market": "BTC/USD", "client_order_id": "mine", "transactions": []}
        shown |= {"datetime": "2026-03-01 10:54:53", "type": "0"}

        async def read_first(bitstamp):
            await bitstamp.trading.order_status(client_order_id="mine")
            return await cancel_mine(bitstamp)

        with pytest.raises(OutcomeUnknown, match="expected the client's id, or an id that was shown with it"):
            ask(cancel_mine, {"id": 1})
        assert single_calls.ask(Bitstamp, read_first, Script.of(answer(shown), answer({"id": 1}))).id == "1"
        with pytest.raises(OutcomeUnknown, match="expected the id of what bears the client's id"):
            single_calls.ask(Bitstamp, read_first, Script.of(answer(shown), answer({"id": 2})))

    def test_another_order(self):
        """An order with another id of the client is not the one that was to be cancelled."""
        with pytest.raises(OutcomeUnknown):
            ask(cancel_mine, {"id": 1, "client_order_id": "other"})

    @pytest.mark.parametrize(
        "row",
        [
            {},
            {"error": "Order not found"},
            {"id": 1, "error": "Order not found"},
            {"id": 1, "status": "Open"},
            {"id": 1, "market": "ETH/USD"},
            {"id": 1, "currency_pair": "ETH/USD"},
            {"id": 1, "market": "BTC/USD", "currency_pair": "ETH/USD"},
        ],
    )
    def test_rows_that_do_not_belong(self, row):
        """A list with an order of another market, or with something that is no cancelled order, proves nothing."""
        fine = {"id": 2, "market": "BTC/USD", "currency_pair": "BTCUSD"}

        assert ask(cancel_market, {"canceled": [fine], "success": True}).market == "btcusd"
        with pytest.raises(OutcomeUnknown):
            ask(cancel_market, {"canceled": [fine, row], "success": True})

    @pytest.mark.parametrize("order_id", ["", "\uff11", " 1", "a"])
    def test_ids_that_are_none(self, order_id):
        """An id that no order has is refused before anything is sent."""
        with pytest.raises(UsageError, match="nothing was sent"):
            ask(lambda b: b.trading.cancel_order(order_id=order_id), {"id": 1})


@pytest.mark.parametrize("status", [None, *filter(lambda word: word.is_final, OrderStatusWord)])
@pytest.mark.parametrize("more", [{}, {"market": "BTC/USD", "amount": Decimal("0.1"), "type": Side.SELL}])
def test_cancelled_orders_are_read_as_they_were_written(status, more):
    """What shows a cancelled order, with few fields or many, and alone while a cancel is pending, comes back."""
    pending = CancelledOrder(status=OrderStatusWord.CANCEL_PENDING)
    for order in (CancelledOrder(id="7", status=status, **more), pending):
        several = CancelledOrders(canceled=(order, order), success=True)

        assert order == decode(dumps(encode(order)), CancelledOrder)
        assert several == decode(dumps(encode(several)), CancelledOrders)


class TestReplayedAnswers:
    @pytest.mark.parametrize(
        "later",
        [
            lambda b: b.trading.buy_market(market="btcusd", amount="0.01"),
            lambda b: b.trading.buy_instant(market="btcusd", amount="7"),
            lambda b: b.trading.buy(market="btcusd", amount="0.01", price="50000", ioc_order=True),
        ],
    )
    def test_the_order_of_another_call(self, later):
        """The order that one call placed is no proof of another, by whatever endpoint."""

        async def both(bitstamp):
            await buy(bitstamp)
            with pytest.raises(OutcomeUnknown, match="names what an earlier call made"):
                await later(bitstamp)

        ask(both, PLACED)

    def test_the_withdrawal_of_another_call(self):
        """Nor is a withdrawal."""

        async def both(bitstamp):
            await withdraw(bitstamp)
            with pytest.raises(OutcomeUnknown, match="names what an earlier call made"):
                await bitstamp.funding.ripple_withdrawal(currency="BTC", amount=1, address="r" * 30)

        ask(both, {"id": 5})

    def test_a_withdrawal_with_the_number_of_an_order(self):
        """Orders and withdrawals have ids of their own."""

        async def both(bitstamp):
            await buy(bitstamp)
            assert (await withdraw(bitstamp)).id == PLACED["id"]

        ask(both, PLACED)


class TestOneCallInSeveralForms:
    @pytest.mark.parametrize(
        ("call", "arguments", "changes"),
        [
            (Funding.transfer_to_main, {"currency": "BTC"}, {"currency": "btc"}),
            (Funding.ripple_withdrawal, {"currency": "USD", "address": "r" * 30}, {"currency": "usd"}),
            (V1Funding.ripple_withdrawal, {"currency": "USD", "address": "r" * 30}, {"currency": "usd"}),
            (Funding.open_bank_withdrawal, BANK, {"country": "de", "account_currency": "eur"}),
        ],
    )
    def test_words_in_another_case(self, call, arguments, changes):
        """Currencies and countries in another case make no other call."""
        one, another = (
            prepare(call.endpoint, {"amount": 1, **arguments, **more}, "https://x") for more in ({}, changes)
        )

        assert one.digest == another.digest

    @pytest.mark.parametrize("address", ["", "3Ca ", " 3Ca", "\u00a03Ca"])
    def test_addresses_with_blanks(self, address):
        """An address with blanks around it is refused before anything is sent."""
        for call in (
            lambda b: b.funding.crypto_withdrawal(currency="btc", amount=1, address=address),
            lambda b: b.v1.funding.bitcoin_withdrawal(amount=1, address=address),
        ):
            with pytest.raises(UsageError, match="nothing was sent"):
                ask(call, {"id": 1})


def test_a_status_of_another_order():
    """A status with another id of the client is not that of the order asked for."""
    status = lambda b: b.trading.order_status(client_order_id="mine")  # noqa: E731

    assert "1" == ask(status, {"id": 1, "status": "Open", "client_order_id": "mine"}).id
    with pytest.raises(DecodeError, match="client_order_id"):
        ask(status, {"id": 1, "status": "Open", "client_order_id": "other"})


@pytest.mark.parametrize("reason", ["Internal error, order is being processed, try again later", "Id already exists"])
def test_doubtful_words_under_a_family(reason):
    """Words of doubt beside a code of which only the family is known prove nothing."""
    with pytest.raises(OutcomeUnknown):
        ask(buy, {"status": "error", "response_code": "400.099", "reason": reason})


@pytest.mark.parametrize("address", ["", " ", "none yet", None, 5])
@pytest.mark.parametrize("name", ["crypto_deposit_address", "new_instant_convert_address"])
def test_no_address(name, address):
    """What cannot be an address is never shown as one: coins sent there are lost."""
    arguments = {"currency": "btc"} if name == "crypto_deposit_address" else {"liquidation_currency": "USD"}

    with pytest.raises((DecodeError, OutcomeUnknown), match="address"):
        ask(lambda bitstamp: getattr(bitstamp.funding, name)(**arguments), {"address": address})
