"""Bitstamp v2: what is refused before it is sent, what proves an answer, and a life of orders at the simulator."""

import hashlib
import hmac
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from exchanges import Bitstamp, OutcomeUnknown
from exchanges.bitstamp import OrderStatusWord, Side, TransactionType
from exchanges.bitstamp.models.account import UserTransaction
from exchanges.bitstamp.models.trading import OrderEventData, OrderStatus
from exchanges.errors import DecodeError, InsufficientFunds, InvalidRequest, NotFound, UsageError
from exchanges.wire import decode, dumps
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer, html
from tests.support.simulator_days import playing_bitstamp
from tests.support.specimens import specimen_of
from tests.support.virtual_time import in_virtual_time

ORDER = {"market": "btcusd", "amount": "0.01", "price": "50000"}
PLACED = {
    "id": "1463489000200001",
    "market": "BTC/USD",
    "datetime": "2026-03-01 10:54:53.101000",
    "type": "0",
    "price": "50000",
    "amount": "0.01",
}


def sent(call, said=PLACED):
    """Return path and fields of the request of *call*."""
    script = Script.of(answer(said))
    single_calls.ask(Bitstamp, call, script)
    request = script.came[0].request
    return request.url.path, {name: value for name, (value,) in parse_qs(request.content.decode()).items()}


def refused(call):
    """Return the message about wrong arguments; nothing is sent."""
    script = Script.of(answer(PLACED))
    with pytest.raises(UsageError, match="nothing was sent") as caught:
        single_calls.ask(Bitstamp, call, script)
    assert not script.came
    return str(caught.value)


class TestArguments:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"market": "BTC/USD"}, "symbol of a market"),
            ({"ioc_order": True, "moc_order": True}, "at most one of ioc_order, moc_order"),
            ({"gtd_order": True}, "gtd_order and expire_time"),
            ({"expire_time": 1_789_000_000_000}, "gtd_order and expire_time"),
            ({"gtd_order": True, "expire_time": 1_789_000_000}, "milliseconds since 1970"),
            ({"limit_price": "60000", "fok_order": True}, "limit_price cannot be given together with fok_order"),
            ({"limit_price": "50000"}, "limit_price must lie above price"),
            ({"client_order_id": "x" * 181}, "1 to 180 characters"),
            ({"client_order_id": ""}, "1 to 180 characters"),
            ({"reduce_only": 1}, "reduce_only must be a bool"),
        ],
    )
    def test_orders(self, changes, words):
        """Arguments that contradict each other are refused before anything is sent."""
        assert words in refused(lambda b: b.trading.buy(**{**ORDER, **changes}))

    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda b: b.trading.cancel_order(), "exactly one of order_id and client_order_id"),
            (lambda b: b.trading.order_status(order_id="1", client_order_id="a"), "exactly one of"),
            (lambda b: b.trading.order_status(order_id="1x"), "digits"),
            (lambda b: b.trading.account_order_data(market="btcusd", order_source="orderbook"), "name of a market"),
            (lambda b: b.account.user_transactions(limit=1001), "between 1 and 1000"),
            (lambda b: b.account.account_balance("BTC"), "in lower case"),
            (lambda b: b.funding.withdrawal_requests(limit=5), "limit and offset belong together"),
            (lambda b: b.market.ohlc(market="btcusd", step=61, limit=1), "must be one of 60"),
            (
                lambda b: b.trading.sell_instant(market="btcusd", amount=1, amount_in_counter=True, reduce_only=True),
                "not",
            ),
        ],
    )
    def test_other_calls(self, call, words):
        """Ids, pages and markets are checked before anything is sent."""
        assert words in refused(call)

    def test_the_opposite_of_a_sale(self):
        """An order to buy that follows an order to sell is below it."""
        assert "limit_price must lie below price" in refused(lambda b: b.trading.sell(**ORDER, limit_price="50001"))

    def test_flags_are_words(self):
        """A flag that is set travels as True, one that is not does not travel."""
        path, fields = sent(lambda b: b.trading.buy(**ORDER, moc_order=True, daily_order=False))

        assert ("/api/v2/buy/btcusd/", "True") == (path, fields["moc_order"])
        assert "daily_order" not in fields

    def test_every_order_bears_an_id(self):
        """An order without a client's id gets one of 128 random bits."""
        ids = {sent(lambda b: b.trading.buy(**ORDER))[1]["client_order_id"] for _ in range(5)}

        assert 5 == len(ids)
        assert {36} == {len(name) for name in ids}


class TestAnswers:
    def test_the_market_has_two_names(self):
        """The answer shows the name of the market where the request had its symbol; another market is no answer."""
        assert sent(lambda b: b.trading.buy(**ORDER))
        with pytest.raises(OutcomeUnknown, match="does not match the request: market"):
            sent(lambda b: b.trading.buy(**ORDER), {**PLACED, "market": "ETH/USD"})

    def test_the_replaced_order_is_the_one_that_was_named(self):
        """The answer to a replacement must name the order that went."""
        new = {
            "order_id": 2,
            "order_type": "0",
            "market": "BTC/USD",
            "amount": "1",
            "price": "2",
            "datetime": "2026-03-01T10:55:01.725000Z",
            "orig_order_id": 1,
        }
        call = {"amount": "1", "price": "2"}

        assert sent(lambda b: b.trading.replace_order(order_id="1", **call), new)
        with pytest.raises(OutcomeUnknown, match="orig_order_id"):
            sent(lambda b: b.trading.replace_order(order_id="3", **call), new)
        with pytest.raises(OutcomeUnknown, match="the id of the old one"):
            sent(lambda b: b.trading.replace_order(order_id="2", **call), new | {"orig_order_id": "2"})

    @pytest.mark.parametrize("wrong", [None, "0" * 64, ""])
    def test_the_exchange_signs(self, wrong):
        """An answer whose signature is wrong proves nothing; one without a signature is read."""

        def reply(request):
            good = answer(PLACED)
            headers = request.headers
            text = headers["X-Auth-Nonce"] + headers["X-Auth-Timestamp"] + good.headers.get("content-type", "")
            mac = hmac.new(b"s", text.encode() + good.content, hashlib.sha256).hexdigest()
            good.headers["X-Server-Auth-Signature"] = mac if wrong is None else wrong
            return good

        script = Script([reply])
        if wrong is None:
            assert "1463489000200001" == single_calls.ask(Bitstamp, lambda b: b.trading.buy(**ORDER), script).id
            return
        with pytest.raises(OutcomeUnknown, match="signature does not match"):
            single_calls.ask(Bitstamp, lambda b: b.trading.buy(**ORDER), script)
        with pytest.raises(DecodeError, match="signature does not match"):
            single_calls.ask(Bitstamp, lambda b: b.trading.open_orders(), script)

    def test_an_answer_without_a_body(self):
        """A call that succeeds without a body wants the status that says so, and a signature."""
        empty = answer()
        empty.status_code, empty._content = 204, b""
        update = lambda b: b.funding.update_deposit_originator(deposit_id="7", originator_thirdparty=False)  # noqa: E731

        for other in (answer({}), answer(""), html(200)):
            with pytest.raises(OutcomeUnknown):
                single_calls.ask(Bitstamp, update, Script.of(other))
        for call in (update, lambda b: b.funding.reject_crypto_deposit("7")):
            with pytest.raises(OutcomeUnknown, match="empty answer that is signed"):
                single_calls.ask(Bitstamp, call, Script.of(empty))

    def test_a_list_of_tickers(self):
        """All tickers are an answer where they were asked for, and the refusal of an unknown market elsewhere."""
        rows = Script.of(answer([{**TICKER, "pair": "BTC/USD"}]))

        assert 1 == len(single_calls.ask(Bitstamp, lambda b: b.market.tickers(), rows))
        with pytest.raises(InvalidRequest, match="unknown market"):
            single_calls.ask(Bitstamp, lambda b: b.market.ticker("nosuch"), rows)

    @pytest.mark.parametrize("strict", [True, False])
    def test_one_deposit_or_many(self, strict):
        """Bitcoins on their way in are a list, or one object; what is neither is no answer."""
        deposit = {"amount": "0.5", "address": "bc1qexample", "confirmations": 1}
        read = lambda said: single_calls.ask(  # noqa: E731
            Bitstamp, lambda b: b.funding.btc_unconfirmed(), Script.of(answer(said)), strict=strict
        )

        assert read([deposit]) == read(deposit)
        assert [["bc1qexample"], []] == [[row.address for row in rows] for rows in (read(deposit), read([]))]
        for said in ({}, [{}], "bc1qexample", [deposit, 1], {"amount": "1"}):
            with pytest.raises(DecodeError, match="btc_unconfirmed"):
                read(said)

    def test_currencies_of_any_name(self):
        """Currencies of one letter, and of digits first, are amounts; pairs of them are rates."""
        row = {"id": 1, "datetime": "2026-03-01 10:54:53", "type": "2", "fee": "0", "s": "-1.5", "1inch": 2, "s_usd": 3}
        read = decode(dumps(row), UserTransaction)

        assert {"s": Decimal("-1.5"), "1inch": Decimal(2)} == read.amounts
        assert ({"s_usd": Decimal(3)}, TransactionType.MARKET_TRADE) == (read.rates, read.type)

    def test_numbers_in_scientific_notation(self):
        """A price in scientific notation is read exactly."""
        event = {"id": 1, "order_type": 0, "datetime": "1", "microtimestamp": "1000000", "amount": 1, "price": 77400}

        assert Decimal(77400) == decode(dumps({**event, "price_str": "7.74E+4"}), OrderEventData).price_str

    @pytest.mark.parametrize("word", ["Open", "In Queue", "Cancel pending", "Frozen"])
    def test_no_other_status_is_final(self, word):
        """Only three words say that an order never changes again."""
        assert not OrderStatusWord(word).is_final


TICKER = {"last": "1", "high": "1", "low": "1", "volume": "1", "bid": "1", "ask": "1", "timestamp": "1", "open": "1"}


class TestLife:
    async def test_an_order_waits_is_replaced_and_cancelled(self):
        """A limit order far from the market waits, is replaced, and is cancelled once."""
        async with playing_bitstamp() as (sim, bitstamp, _other):
            order = await bitstamp.trading.sell(market="btcusd", amount="0.01", price="200000", client_order_id="a1")
            (shown,) = await bitstamp.trading.open_orders_for_market("btcusd")
            new = await bitstamp.trading.replace_order(orig_client_order_id="a1", amount="0.02", price="210000")
            status = await bitstamp.trading.order_status(order_id=order.id)
            done = await bitstamp.trading.cancel_order(order_id=new.order_id)
            with pytest.raises(NotFound):
                await bitstamp.trading.cancel_order(order_id=new.order_id)
            sim.advance(11)
            left = await bitstamp.trading.open_orders()
            events = await bitstamp.trading.account_order_data(market="BTC/USD", order_source="orderbook")

        assert ("a1", order.id, OrderStatusWord.CANCELED) == (shown.client_order_id, status.id, status.status)
        assert (OrderStatusWord.CANCELED, new.order_id, []) == (done.status, done.id, left)
        assert [order.id, order.id, new.order_id, new.order_id] == [event.data.id for event in events]

    async def test_an_older_path_of_open_orders(self):
        """The path of open orders by which older clients ask shows those of all markets."""
        async with playing_bitstamp() as (_, bitstamp, _other):
            order = await bitstamp.trading.sell(market="btcusd", amount="0.01", price="200000")
            (shown,) = await bitstamp.trading.open_orders_for_market("all")

        assert order.id == shown.id

    async def test_a_market_order_and_its_trades(self):
        """A market order trades; its fills, the transactions and the balances agree."""
        async with playing_bitstamp() as (_, bitstamp, _other):
            before = {b.currency: b.total for b in await bitstamp.account.account_balances()}
            order = await bitstamp.trading.buy_market(market="btcusd", amount="0.1", client_order_id="m1")
            status = await bitstamp.trading.order_status(client_order_id="m1")
            rows = [row async for row in bitstamp.account.every_user_transactions()]
            after = {b.currency: b.total for b in await bitstamp.account.account_balances()}

        assert (OrderStatusWord.FINISHED, Side.BUY) == (status.status, order.type)
        assert Decimal("0.1") == sum(fill.amounts["btc"] for fill in status.transactions)
        assert after["btc"] - before["btc"] == sum(row.amounts.get("btc", 0) for row in rows)
        assert after["usd"] - before["usd"] == sum(row.amounts.get("usd", 0) - row.fee for row in rows)

    @pytest.mark.parametrize("flag", ["ioc_order", "fok_order", "moc_order"])
    async def test_times_in_force(self, flag):
        """What a flag forbids is cancelled at once."""
        async with playing_bitstamp() as (_, bitstamp, _other):
            price = "1000000" if flag == "moc_order" else "20000"
            order = await bitstamp.trading.buy(market="btcusd", amount="0.001", price=price, **{flag: True})
            status = await bitstamp.trading.order_status(order_id=order.id)

        assert OrderStatusWord.CANCELED == status.status

    async def test_the_order_that_follows(self):
        """An order with *limit_price* is followed by its opposite once it traded in full, under an id of its own."""
        async with playing_bitstamp() as (sim, bitstamp, _other):
            order = await bitstamp.trading.sell(market="btcusd", amount="0.1", price="200000", limit_price="20000")
            (shown,) = await bitstamp.trading.open_orders()
            sim.bitstamp.fill_order(order.id, Decimal("0.04"))
            sim.advance(11)
            (part,) = await bitstamp.trading.open_orders()
            sim.bitstamp.fill_order(order.id, Decimal("0.06"))
            sim.advance(11)
            (opposite,) = await bitstamp.trading.open_orders()

        assert (Decimal(20000), order.id, None) == (shown.limit_price, part.id, opposite.limit_price)
        assert (Side.BUY, Decimal("0.1"), Decimal(20000)) == (opposite.type, opposite.amount, opposite.price)
        assert order.id != opposite.id

    async def test_an_order_that_follows_at_once(self):
        """An order that trades at once is followed at once; without the money nothing follows."""
        async with playing_bitstamp() as (sim, bitstamp, _other):
            best = (await bitstamp.market.order_book("btcusd")).asks[0].price
            await bitstamp.trading.buy(market="btcusd", amount="0.01", price=best, limit_price=best * 2)
            (opposite,) = await bitstamp.trading.open_orders()
            balance = await bitstamp.account.account_balance("usd")
            poor = await bitstamp.trading.sell(market="btcusd", amount="1", price="900000", limit_price="899999")
            price = (balance.available / Decimal("1.003")).quantize(Decimal("0.01"))
            spends_all = await bitstamp.trading.buy(market="btcusd", amount="1", price=price)
            sim.bitstamp.fill_order(poor.id, Decimal(1))
            sim.advance(11)
            left = await bitstamp.trading.open_orders()

        assert (Side.SELL, best * 2) == (opposite.type, opposite.price)
        assert {opposite.id, spends_all.id} == {order.id for order in left}

    async def test_too_little_money(self):
        """An order that the balance does not cover is rejected."""
        async with playing_bitstamp() as (_, bitstamp, _other):
            with pytest.raises(InsufficientFunds):
                await bitstamp.trading.sell(market="btcusd", amount="5", price="100000")

    async def test_coins_out(self):
        """A withdrawal leaves the balance, is listed, and is in process after a while."""
        async with playing_bitstamp() as (sim, bitstamp, _other):
            sent_out = await bitstamp.funding.crypto_withdrawal(currency="btc", amount="0.5", address="1" * 30)
            sim.advance(700)
            (request,) = await bitstamp.funding.withdrawal_requests(timedelta=3600)
            balance = await bitstamp.account.account_balance("btc")

        assert (sent_out.id, "BTC", 1) == (request.id, request.currency, request.status.value)
        assert Decimal("1.75") == balance.total


class TestUnknownOutcomes:
    @in_virtual_time
    async def test_an_order_is_found_by_its_id(self):
        """An order whose answer was lost is found by the client's id that it bore."""
        bodies = []

        def reply(request):
            bodies.append(parse_qs(request.content.decode()))
            if request.url.path.endswith("/buy/btcusd/"):
                return html(502)
            status = {"id": 7, "status": "Open", "market": "BTC/USD", "type": 0, "datetime": "2999-01-01 00:00:00"}
            return answer({**status, "client_order_id": bodies[0]["client_order_id"][0]})

        async with Bitstamp(transport=Script([reply]), api_key="k", api_secret="s", limits=None) as bitstamp:
            with pytest.raises(OutcomeUnknown) as caught:
                await bitstamp.trading.buy(**ORDER)
            verdict = await bitstamp.reconcile(caught.value.intent)

        assert isinstance(verdict.found, OrderStatus)
        assert bodies[0]["client_order_id"] == bodies[1]["client_order_id"]


def test_the_specimen_of_an_order_is_signed():
    """The documented order has a content type, as it has a body."""
    assert specimen_of("bitstamp.trading.buy").body.startswith("amount=0.00142857&price=70000&moc_order=True")
