import hashlib
import hmac
import json
import logging
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from exchanges import Bitso, wire
from exchanges.bitso import SignatureOrder
from exchanges.bitso.clabe import check_digit, fault_of_clabe
from exchanges.bitso.v2 import AmountUnit, Order, OrderStatus, OrderType, TransactionType, UserTransaction
from exchanges.endpoint import endpoints_of
from exchanges.errors import AuthenticationFailed, DecodeError, NotFound, OutcomeUnknown, UsageError
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer

ADDRESS = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"

ID = "543cr2v32a1h684430tvcqx1b0vkr93wd694957cg8umhyrlzkgbaedmf976ia3v"
PLACED = {"id": ID, "book": "btc_mxn", "datetime": "2015-11-12 12:53:28", "type": "0"}
SPEI = {
    "amount": "1800.15",
    "recipient_given_names": "Ana",
    "recipient_family_names": "López",
    "clabe": "032180000118359719",
    "notes_ref": "A7",
    "numeric_ref": "99",
}


def ask(call, *steps, script=None, **options):
    """What one call comes to when it is answered with *steps*."""
    return single_calls.ask(Bitso, lambda client: call(client.v2), script or Script.of(*steps), **options)


def sent(call, said=PLACED, **options):
    """The body that goes out for *call*."""
    script = Script.of(answer(said))
    ask(call, script=script, **options)
    return json.loads(script.came[0].request.content)


def refused(call):
    """What is said of wrong arguments; nothing goes out."""
    script = Script.of(answer(PLACED))
    with pytest.raises(UsageError, match="nothing was sent") as caught:
        ask(call, script=script)
    assert not script.came
    return str(caught.value)


class TestMarketOrders:
    def test_buying_asks_for_the_unit(self):
        """A market order to buy without its unit is refused with the reason and the way out."""
        words = refused(lambda v2: v2.trading.buy(amount=1))

        assert ("contradict each other" in words, "amount_unit=" in words) == (True, True)

    @pytest.mark.parametrize("unit", [AmountUnit.MAJOR, AmountUnit.MINOR, "major"])
    def test_the_unit_is_not_sent(self, unit):
        """The unit of a market order to buy is the caller's word alone."""
        body = sent(lambda v2: v2.trading.buy(amount="0.5", amount_unit=unit, book="btc_mxn"))

        assert {"amount": "0.5", "book": "btc_mxn"} == {k: v for k, v in body.items() if k in ("amount", "book")}
        assert {"key", "nonce", "signature", "amount", "book"} == body.keys()

    def test_limit_orders_need_no_unit(self):
        """An order with a price is in major currency."""
        body = sent(lambda v2: v2.trading.buy(amount="0.5", price="100"))

        assert ("0.5", "100") == (body["amount"], body["price"])

    def test_limit_orders_in_minor(self):
        """An order with a price cannot be in minor currency."""
        assert "major" in refused(lambda v2: v2.trading.buy(amount=1, price=1, amount_unit=AmountUnit.MINOR))

    @pytest.mark.parametrize("unit", ["btc", "", 1])
    def test_odd_units(self, unit):
        """A unit is one of two."""
        assert "one of major, minor" in refused(lambda v2: v2.trading.buy(amount=1, amount_unit=unit))

    def test_selling(self):
        """A market order to sell is in major currency, as all documents say."""
        assert "price" not in sent(lambda v2: v2.trading.sell(amount=1), {**PLACED, "type": "1"})

    def test_declared_arguments(self):
        """The endpoint has the documented arguments, and the unit, which renders to nothing."""
        buy = next(e for e in endpoints_of(Bitso) if e.id == "bitso.v2.trading.buy")

        assert ["amount", "price", "book", "amount_unit"] == [a.name for a in buy.arguments]

    def test_answer(self):
        """The answer to a market order lacks status, price and amount."""
        order = ask(lambda v2: v2.trading.sell(amount=1), answer({**PLACED, "type": "1"}), strict=True)

        assert (None, None, None, OrderType.SELL) == (order.status, order.price, order.amount, order.type)


class TestOrders:
    def test_one(self):
        """One id is sent as text."""
        assert ID == sent(lambda v2: v2.trading.lookup_order(ID), [])["id"]

    @pytest.mark.parametrize("ids", [[ID, "b2"], (ID, "b2")])
    def test_many(self, ids):
        """Several ids are sent as a list."""
        assert [ID, "b2"] == sent(lambda v2: v2.trading.lookup_order(ids), [])["id"]

    @pytest.mark.parametrize("ids", ["", [], [""], "a/b", [7], 7, None, "a" * 101])
    def test_odd_ids(self, ids):
        """What cannot be the id of an order is refused."""
        refused(lambda v2: v2.trading.lookup_order(ids))

    def test_cancelled(self):
        """The word "true" becomes None."""
        assert ask(lambda v2: v2.trading.cancel_order(ID), answer("true")) is None

    def test_not_cancelled(self):
        """Everything else is an error."""
        with pytest.raises(NotFound):
            ask(lambda v2: v2.trading.cancel_order(ID), answer({"error": "Order not found"}))

    @pytest.mark.parametrize("said", [True, "ok", "maybe", "", 1, [], {}])
    def test_neither(self, said):
        """Only the documented text confirms a cancel; the confirmation of a withdrawal does not."""
        with pytest.raises(OutcomeUnknown, match="expected the confirmation 'true'"):
            ask(lambda v2: v2.trading.cancel_order(ID), answer(said))

    def test_null(self):
        """A null confirms nothing."""
        with pytest.raises(OutcomeUnknown, match="the JSON value null"):
            ask(lambda v2: v2.trading.cancel_order(ID), httpx.Response(200, content=b"null"))

    @pytest.mark.parametrize(("status", "expected"), [("-1", OrderStatus.CANCELLED), ("2", OrderStatus.COMPLETE)])
    def test_status(self, status, expected):
        """A status is the text of a number, below zero too, and stays one."""
        order = wire.decode(wire.dumps({"id": ID, "type": "1", "status": status}), Order, strict=True)

        assert (expected, status) == (order.status, wire.encode(order)["status"])

    @pytest.mark.parametrize("status", [1, "9", "x", True])
    def test_odd_status(self, status):
        """A number in place of text, or a code that no document names, is a deviation."""
        with pytest.raises(DecodeError, match=r"Order\.status"):
            wire.decode(wire.dumps({"id": ID, "type": "1", "status": status}), Order, strict=True)

    def test_moments(self):
        """A looked-up order calls the moment otherwise."""
        value = {"id": ID, "type": "1", "created": "2015-11-12 12:37:01", "updated": "2015-11-12 12:37:40"}
        order = wire.decode(wire.dumps(value), Order, strict=True)

        assert (datetime(2015, 11, 12, 12, 37, 1, tzinfo=UTC), None) == (order.created, order.datetime)


class TestUserTransactions:
    def test_trade(self):
        """A trade has an amount per currency, and may have its rate under the book."""
        value = {"btc": "-0.25", "mxn": "1023.77", "btc_mxn": "4057.45", "id": 5, "type": 2, "order_id": ID}
        row = wire.decode(wire.dumps({**value, "datetime": "2015-10-09 13:45:46"}), UserTransaction, strict=True)

        assert (
            TransactionType.TRADE,
            {"btc": Decimal("-0.25"), "mxn": Decimal("1023.77")},
            {"btc_mxn": Decimal("4057.45")},
            None,
        ) == (row.type, row.amounts, row.rates, row.rate)

    def test_paging(self):
        """A thousand rows of one second, with and without ids, come once each while new ones arrive."""
        alike = {"datetime": "2015-10-10 16:19:33"}
        rows = [
            {**alike, "type": 2, "id": n, "btc": "1"} if n % 3 else {**alike, "type": 0, "method": "x", "btc": str(n)}
            for n in range(1000)
        ]
        limiter = list(rows)

        def page(request):
            form = json.loads(request.content)
            taken = limiter[form["offset"] : form["offset"] + form["limit"]]
            limiter.insert(0, {**alike, "type": 1, "method": "new", "mxn": "-1"})
            return answer(taken)

        async def every(v2):
            return [row async for row in v2.account.every_user_transaction(book="btc_mxn")]

        assert wire.decode(wire.dumps(rows), list[UserTransaction]) == ask(every, page)


class TestClabe:
    @pytest.mark.parametrize("clabe", ["032180000118359719", "002010077777777771"])
    def test_valid(self, clabe):
        """These are in use as examples."""
        assert fault_of_clabe(clabe) is None

    @pytest.mark.parametrize("place", range(18))
    def test_one_digit_wrong(self, place):
        """Any single wrong digit shows."""
        clabe = "032180000118359719"
        wrong = clabe[:place] + str((int(clabe[place]) + 1) % 10) + clabe[place + 1 :]

        assert "check digit" in fault_of_clabe(wrong)

    @pytest.mark.parametrize(
        "clabe", ["", "03218000011835971", "0321800001183597190", "03218000011835971x", "\u0660" * 18]
    )
    def test_other_lengths(self, clabe):
        """A CLABE has eighteen plain digits."""
        assert "18 digits" in fault_of_clabe(clabe)

    def test_check_digit(self):
        """The check digit fills up to a multiple of ten, none included."""
        assert (9, 0) == (check_digit("03218000011835971"), check_digit("0" * 17))


class TestFunding:
    @pytest.mark.parametrize(
        "call",
        [
            lambda v2: v2.funding.bitcoin_withdrawal(amount=1, address="3Ca"),
            lambda v2: v2.funding.ripple_withdrawal(currency="XRP", amount=1, address="rHb"),
            lambda v2: v2.funding.spei_withdrawal(**SPEI),
        ],
    )
    def test_ok(self, call):
        """The word "ok" becomes None."""
        assert ask(call, answer("ok")) is None

    def test_not_ok(self):
        """Another word proves nothing."""
        with pytest.raises(OutcomeUnknown):
            ask(lambda v2: v2.funding.bitcoin_withdrawal(amount=1, address="3Ca"), answer("later"))

    @pytest.mark.parametrize(
        "wrong", [{"clabe": "032180000118359718"}, {"clabe": 32180000118359719}, {"numeric_ref": "9a"}, {"amount": 0.5}]
    )
    def test_wrong_spei(self, wrong):
        """What is wrong shows before anything is sent."""
        refused(lambda v2: v2.funding.spei_withdrawal(**{**SPEI, **wrong}))

    def test_ripple_changes_the_deposit_address(self, caplog):
        """A ripple withdrawal says in the log what else it does; no other call does."""
        with caplog.at_level(logging.WARNING, logger="exchanges.bitso.v2.funding"):
            ask(lambda v2: v2.funding.bitcoin_withdrawal(amount=1, address="3Ca"), answer("ok"))
            ask(lambda v2: v2.funding.ripple_withdrawal(currency="XRP", amount=1, address="rHb"), answer("ok"))

        assert 1 == len(caplog.records)
        assert "ripple deposits of this account" in caplog.text

    def test_a_refused_ripple_withdrawal_changes_nothing(self, caplog):
        """A ripple withdrawal that was refused is no reason to warn."""
        with caplog.at_level(logging.WARNING, logger="exchanges.bitso.v2.funding"), pytest.raises(UsageError):
            ask(lambda v2: v2.funding.ripple_withdrawal(currency="XRP", amount=-1, address="rHb"), answer("ok"))

        assert "" == caplog.text

    def test_address(self):
        """The deposit address is a string, and no confirmation."""
        assert ADDRESS == ask(lambda v2: v2.funding.bitcoin_deposit_address(), answer(ADDRESS))

    @pytest.mark.parametrize("said", ["", 0, "null", "3Ca", "Service temporarily unavailable", {"address": "x"}, True])
    def test_no_address(self, said):
        """Anything that is no address is refused: coins that are sent there are lost."""
        with pytest.raises(DecodeError):
            ask(lambda v2: v2.funding.bitcoin_deposit_address(), answer(said))


def signature(body, *parts):
    """What signs *body* if *parts* follow the nonce."""
    return hmac.new(b"s", (str(body["nonce"]) + "".join(parts)).encode(), hashlib.sha256).hexdigest()


class TestSignatureOrder:
    @pytest.mark.parametrize("options", [{}, {"signature_order": "client_id_first"}])
    def test_default(self, options):
        """The client id comes before the key, and the nonce is text."""
        body = sent(lambda v2: v2.trading.open_orders(), [], **options)

        assert (str, signature(body, "7", "k")) == (type(body["nonce"]), body["signature"])

    @pytest.mark.parametrize("order", ["key_first", SignatureOrder.KEY_FIRST])
    def test_key_first(self, order):
        """The key comes before the client id, and the nonce is a number."""
        body = sent(lambda v2: v2.trading.open_orders(), [], signature_order=order)

        assert (int, signature(body, "k", "7")) == (type(body["nonce"]), body["signature"])

    def test_views_keep_it(self):
        """A view of the session signs in the same order."""
        script = Script.of(answer([]))
        call = lambda client: client.with_options(timeout_seconds=5).v2.trading.open_orders()  # noqa: E731
        single_calls.ask(Bitso, call, script, signature_order="key_first")
        body = json.loads(script.came[0].request.content)

        assert signature(body, "k", "7") == body["signature"]

    def test_errors_name_the_call(self):
        """A refusal in the other order is that of the declared call."""
        with pytest.raises(AuthenticationFailed, match=r"bitso\.v2\.trading\.open_orders"):
            ask(
                lambda v2: v2.trading.open_orders(),
                answer({"error": "Invalid signature"}, 401),
                signature_order="key_first",
            )

    @pytest.mark.parametrize("order", ["nonce_first", None, 1])
    def test_odd_order(self, order):
        """There are two orders."""
        with pytest.raises(UsageError, match="client_id_first, key_first"):
            Bitso(signature_order=order)
