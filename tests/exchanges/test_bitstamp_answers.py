"""Bitstamp v2: answers that are easily taken for something else, and requests that are easily sent wrong."""

from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from exchanges import Bitstamp, OutcomeUnknown
from exchanges.bitstamp import OrderStatusWord, Side
from exchanges.bitstamp.models.account import TradingFee, UserTransaction
from exchanges.bitstamp.models.cancelled import CancelledOrder
from exchanges.bitstamp.models.trading import OpenOrder, OrderStatus, ReplacedOrder
from exchanges.errors import (
    AuthenticationFailed,
    Blocked,
    DecodeError,
    InsufficientFunds,
    NotFound,
    ReadFailed,
    Rejected,
    UsageError,
)
from exchanges.wire import decode, dumps
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer
from tests.support.simulator_days import playing_bitstamp

ORDER = {"market": "btcusd", "amount": "0.01", "price": "50000"}
ROW = {"id": 1, "amount": 1, "price": 2, "type": 0, "currency_pair": "BTC/USD", "market": "BTC/USD"}
XRP = {"currency": "xrp", "amount": "5", "address": "r" * 30}


def ask(call, said, status=200):
    """Return what *call* returns for an answer."""
    return single_calls.ask(Bitstamp, call, Script.of(answer(said, status)))


def sent(call, said):
    """Return the request of *call*."""
    script = Script.of(answer(said))
    single_calls.ask(Bitstamp, call, script)
    return script.came[0].request


def refusal(code, reason="no", **more):
    """Return a refusal with a code."""
    return {"status": "error", "reason": reason, "response_code": code, **more}


def buy(bitstamp):
    """Place an order."""
    return bitstamp.trading.buy(**ORDER)


def test_requests_of_other_withdrawals():
    """A list that was asked for one withdrawal shows that one, or nothing."""
    row = {"id": 9000001, "datetime": "2026-03-01 12:00:00", "type": 1, "currency": "BTC", "amount": "1", "status": 0}

    def call(bitstamp):
        return bitstamp.funding.withdrawal_requests(withdrawal_id=9000001)

    assert ([], "9000001") == (ask(call, []), ask(call, [row])[0].id)
    with pytest.raises(DecodeError, match="does not match the request: id"):
        ask(call, [row, row | {"id": 9000002}])


class TestCancels:
    @pytest.mark.parametrize("rows", [[ROW], []])
    def test_a_part_of_the_work_is_an_answer(self, rows):
        """A cancel of all orders that did a part of the work says which, and that it is not all."""
        for call in (
            lambda b: b.trading.cancel_all_orders(),
            lambda b: b.trading.cancel_all_orders_for_market("btcusd"),
        ):
            cancelled = ask(call, {"canceled": rows, "success": False})

            assert (len(rows), False) == (len(cancelled.canceled), cancelled.success)

    @pytest.mark.parametrize("said", [{"success": False}, {"success": False, "error": "no", "canceled": [ROW]}])
    def test_a_refusal_is_none(self, said):
        """Without the list of what was cancelled, or with an error beside it, nothing is known."""
        with pytest.raises(OutcomeUnknown):
            ask(lambda b: b.trading.cancel_all_orders(), said)

    def test_another_cancel_is_under_way(self):
        """A cancel may answer with its status alone, which is not final."""
        cancelled = ask(lambda b: b.trading.cancel_order(order_id="1"), {"status": "Cancel pending"})

        assert (None, OrderStatusWord.CANCEL_PENDING, False) == (
            cancelled.id,
            cancelled.status,
            cancelled.status.is_final,
        )

    def test_only_its_own_words_say_that_there_is_no_order(self):
        """A bare 404 is no statement about an order."""
        cancel = lambda b: b.trading.cancel_order(order_id="1")  # noqa: E731

        with pytest.raises(NotFound):
            ask(cancel, refusal("404.002", "Order not found"), 404)
        with pytest.raises(OutcomeUnknown):
            ask(cancel, {"message": "Not found."}, 404)


class TestRefusals:
    def test_an_order_that_the_engine_did_not_confirm_is_named(self):
        """An order whose confirmation came too late is unknown, and the error has its id."""
        with pytest.raises(OutcomeUnknown) as caught:
            ask(buy, refusal("500.016", "timeout", order_id=1463489000200001), 400)

        assert "1463489000200001" == caught.value.made

    @pytest.mark.parametrize("status", [200, 400])
    @pytest.mark.parametrize("code", ["500.001", "500.003", "500.013", "500.019", "500.012", "500.017", "400.019"])
    def test_the_engine_proves_nothing(self, code, status):
        """What comes from the engine, and an id that exists already, proves nothing, whatever the status."""
        with pytest.raises(OutcomeUnknown):
            ask(buy, refusal(code), status)

    @pytest.mark.parametrize("field", ["__all__", "amount"])
    @pytest.mark.parametrize(
        "words", ["Order could not be placed", "Order cancellation failed due to internal error", "So?"]
    )
    def test_words_from_inside_prove_nothing(self, words, field):
        """Words that come from the inside, or that nobody knows, prove nothing under any field."""
        with pytest.raises(OutcomeUnknown):
            ask(buy, {"status": "error", "reason": {field: [words]}})

    @pytest.mark.parametrize(
        "words",
        [
            "Ensure this value is greater than or equal to 10.",
            "You can only buy 5 BTC.",
            "Price is more than 20% above market price.",
            "Select a valid choice.",
            "Enter a number.",
            "Ensure that there are no more than 2 decimal places.",
            "Both limit_price and daily_order cannot be set.",
            "Missing amount and/or price",
        ],
    )
    def test_words_of_the_form_prove(self, words):
        """Words of the check of an order's form prove that it was not placed."""
        with pytest.raises(Rejected):
            ask(buy, {"status": "error", "reason": {"__all__": [words]}})

    def test_funds_in_the_answer_of_an_order(self):
        """A balance that does not suffice is told apart, by code and by words."""
        for said in (
            refusal("400.009"),
            {"status": "error", "reason": {"__all__": ["You have only 0 BTC available."]}},
        ):
            with pytest.raises(InsufficientFunds):
                ask(buy, said)

    @pytest.mark.parametrize("code", ["API0001", "API0005", "API0008", "API0010", "API0018"])
    def test_codes_of_the_key(self, code):
        """The codes API00.. are about the key."""
        with pytest.raises(AuthenticationFailed):
            ask(lambda b: b.account.account_balances(), {"status": "error", "reason": "x", "code": code}, 403)

    @pytest.mark.parametrize("code", ["API5010", "API5012", "API5502", "API5506"])
    def test_other_codes_with_the_same_letters(self, code):
        """The codes API50.. and API55.., of services that are not declared, are not about the key."""
        said = {"code": code, "message": "no"}

        with pytest.raises(ReadFailed):
            ask(lambda b: b.account.account_balances(), said, 400)
        with pytest.raises(OutcomeUnknown):
            ask(buy, said, 400)

    def test_a_feature_that_the_account_lacks(self):
        """A refusal with status 403 and no code closes no limit: the next call is sent."""
        script = Script.of(answer({"message": "not sufficient permissions"}, 403), answer([]))

        async def both(bitstamp):
            with pytest.raises(Blocked):
                await bitstamp.funding.crypto_deposits()
            return await bitstamp.trading.open_orders()

        assert [] == single_calls.ask(Bitstamp, both, script)

    def test_a_retired_path(self):
        """A retired path is refused in the exchange's words alone; an empty 404 proves nothing."""
        with pytest.raises(Rejected, match=r"410\.001"):
            ask(buy, refusal("410.001", "retired"), 410)
        with pytest.raises(OutcomeUnknown):
            ask(buy, "", 404)

    def test_no_events(self):
        """A time without events is told apart from a market that does not exist, by its code."""
        events = lambda b: b.trading.account_order_data(market="BTC/USD", order_source="orderbook")  # noqa: E731

        with pytest.raises(NotFound, match=r"404\.008"):
            ask(events, refusal("404.008"), 404)

    def test_a_transfer_that_is_not_confirmed(self):
        """A transfer is done when its answer says ok, and not by another success."""
        transfer = lambda b: b.funding.transfer_to_main(amount="1", currency="BTC")  # noqa: E731

        assert None is ask(transfer, {"status": "ok"})
        for said in ({}, {"status": "OK!"}, [], {"status": "error", "reason": "no"}):
            with pytest.raises(OutcomeUnknown):
                ask(transfer, said)


class TestModels:
    def test_an_instant_order_is_answered_in_another_unit(self):
        """The amount of an instant order is not compared with the answer, of which no document says the unit."""
        placed = {"id": "1", "market": "BTC/USD", "datetime": "2026-03-01 10:54:53", "type": "0", "price": "0"}
        order = ask(lambda b: b.trading.buy_instant(market="btcusd", amount="100"), {**placed, "amount": "0.0014"})

        assert Decimal("0.0014") == order.amount
        with pytest.raises(OutcomeUnknown, match="amount"):
            ask(buy, {**placed, "price": "50000", "amount": "0.02"})

    def test_the_other_side_is_no_answer(self):
        """An order to buy that is answered as one to sell is not taken for it."""
        placed = {"id": "1", "market": "BTC/USD", "datetime": "2026-03-01 10:54:53", "type": "1", "price": "50000"}
        with pytest.raises(OutcomeUnknown, match="type"):
            ask(buy, {**placed, "amount": "0.01"})

    @pytest.mark.parametrize("number", [str, int])
    def test_ids_as_numbers_and_as_text(self, number):
        """An id beyond 2**53 is the same text, however it travels."""
        name = 1463489000200001_999
        status = {"id": number(name), "status": "Canceled"}

        assert str(name) == decode(dumps(status), OrderStatus).id
        assert str(name) == decode(dumps({**ROW, "id": number(name)}), CancelledOrder).id

    def test_a_status_that_shows_little(self):
        """A cancelled order without trades, and without price, type, market and amount, is read."""
        order = decode(dumps({"id": 1, "status": "Canceled", "amount_remaining": "1", "transactions": []}), OrderStatus)

        assert ((), Decimal(1), None, None) == (order.transactions, order.amount_remaining, order.type, order.market)

    def test_numbers_where_documents_say_text(self):
        """Amounts, sides and moments are read in both forms."""
        replaced = {
            "order_id": 2,
            "order_type": "1",
            "market": "BTC/USD",
            "amount": 0.001,
            "price": "69900",
            "datetime": "2026-03-01T10:55:01.725000Z",
            "orig_order_id": 1,
        }
        opened = {"id": 7, "datetime": "2026-03-01 10:54:53", "type": 0, "price": 70000, "amount": "0.001"}

        new = decode(dumps(replaced), ReplacedOrder)

        assert (Side.SELL, Decimal("0.001"), 725_000) == (new.order_type, new.amount, new.datetime.microsecond)
        assert Decimal(70000) == decode(dumps({**opened, "type": "0"}), OpenOrder).price

    def test_rows_with_several_pairs(self):
        """Each amount and each rate of a row stays under its own currency and pair; other keys are none of both."""
        row = {
            "id": 1,
            "datetime": "2026-03-01 10:54:53",
            "type": "2",
            "fee": "0.40",
            "order_id": 5,
            "usd": "-100.00",
            "btc": "0.00142857",
            "eur": 0.0,
            "btc_usd": 70000.0,
            "btc_eur": "60000",
            "margin_mode": "CROSS",
            "leverage_rate": "5.00",
        }
        read = decode(dumps(row), UserTransaction)

        assert {"btc": Decimal("0.00142857"), "eur": 0, "usd": Decimal(-100)} == read.amounts
        assert {"btc_eur": Decimal(60000), "btc_usd": Decimal(70000)} == read.rates
        assert ("CROSS", Decimal(5)) == (read.margin_mode, read.leverage_rate)

    @pytest.mark.parametrize(
        ("keys", "pair"),
        [
            ({"usd": "-100", "btc": "0.1", "eur": 0.0, "btc_usd": 1000, "btc_eur": "900"}, "btc_usd"),
            ({"eur": "5", "usdc": "-5.81", "usdc_eur": 0.86, "usd": 0}, "usdc_eur"),
            ({"usd": "-100", "btc": "0.1", "eur": "-1", "btc_usd": 1000, "btc_eur": "900"}, None),
            ({"usd": "100", "btc_usd": 1000, "btc": "0"}, None),
            ({"usd": "100"}, None),
        ],
    )
    def test_the_pair_that_was_traded(self, keys, pair):
        """The pair of a trade is the one whose two amounts moved; if that is not one pair, it is not known."""
        row = {"id": 1, "datetime": "2026-03-01 10:54:53", "type": "2", "fee": "0.40", **keys}

        assert pair == decode(dumps(row), UserTransaction).pair

    def test_fees_are_percent(self):
        """Fees of trades are in percent, by market and for both sides of a trade."""
        fee = decode(dumps({"market": "btcusd", "fees": {"maker": "0.30000", "taker": "0.40000"}}), TradingFee)

        assert ("btcusd", Decimal("0.3"), Decimal("0.4")) == (fee.market, fee.fees.maker, fee.fees.taker)


class TestRequests:
    def test_without_arguments_there_is_no_body(self):
        """A POST without arguments has neither a body nor a content type."""
        for call, said in (
            (lambda b: b.account.account_balances(), []),
            (lambda b: b.account.revoke_all_api_keys(), {"revoked_api_keys": ["k"]}),
            (lambda b: b.trading.open_orders_for_market("btcusd"), []),
        ):
            request = sent(call, said)

            assert (b"", None) == (request.content, request.headers.get("content-type"))

    def test_nonces_are_lower_case_and_new(self):
        """Each request has a nonce of its own, in lower case, and the time in milliseconds."""
        headers = [sent(lambda b: b.trading.open_orders(), []).headers for _ in range(3)]

        assert 3 == len({header["x-auth-nonce"] for header in headers})
        assert all(header["x-auth-nonce"] == header["x-auth-nonce"].lower() for header in headers)
        assert {13} == {len(header["x-auth-timestamp"]) for header in headers}

    def test_arguments_with_other_names(self):
        """The one argument in mixed case travels so, and a currency is a part of the path."""
        form = sent(lambda b: b.funding.transfer_to_main(amount="1", currency="BTC", sub_account=7), {"status": "ok"})
        coins = sent(lambda b: b.funding.crypto_withdrawal(**XRP), {"id": 1})

        assert ["7"] == parse_qs(form.content.decode())["subAccount"]
        assert "/api/v2/xrp_withdrawal/" == coins.url.path

    @pytest.mark.parametrize(("given", "travels"), [(0, "0"), ("007", "007"), (4294967295, "4294967295")])
    def test_tags(self, given, travels):
        """A tag is a number or text, of which no digit is lost."""
        request = sent(lambda b: b.funding.crypto_withdrawal(**XRP, destination_tag=given), {"id": 1})

        assert [travels] == parse_qs(request.content.decode())["destination_tag"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"destination_tag": ""},
            {"destination_tag": -1},
            {"destination_tag": True},
            {"destination_tag": "1a"},
            {"memo_id": ""},
            {"memo_id": " 1"},
            {"memo_id": "1", "destination_tag": "1"},
            {"currency": "btc", "destination_tag": 1},
            {"currency": "btc", "memo_id": "1"},
            {"currency": "xlm", "destination_tag": 1},
            {"currency": "xrp", "transfer_id": 1},
        ],
    )
    def test_tags_that_would_lose_coins(self, changes):
        """A tag that is empty, or that the currency does not have, is refused before anything is sent."""
        with pytest.raises(UsageError, match="nothing was sent"):
            sent(lambda b: b.funding.crypto_withdrawal(**{**XRP, **changes}), {"id": 1})

    def test_a_tag_of_another_currency_on_the_network(self):
        """A currency that travels on another's network has its tag, if the network is named."""
        request = sent(
            lambda b: b.funding.crypto_withdrawal(**{**XRP, "currency": "rlusd"}, network="xrpl", destination_tag=7),
            {"id": 1},
        )

        assert ["7"] == parse_qs(request.content.decode())["destination_tag"]

    async def test_paths_with_a_currency_inside(self):
        """The calls of the XRP Ledger are not those of a currency of that name."""
        async with playing_bitstamp() as (_, bitstamp, _other):
            ledger = await bitstamp.funding.ripple_address()
            coins = await bitstamp.funding.crypto_deposit_address("btc")

        assert (True, False) == (ledger.address.startswith("r"), coins.address.startswith("r"))
