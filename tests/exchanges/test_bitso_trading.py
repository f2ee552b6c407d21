"""Orders of Bitso v3 and v4: what is refused before it is sent, and what the simulated exchange makes of the rest."""

import asyncio
import json
from contextlib import suppress
from decimal import Decimal

import pytest

from exchanges import Bitso
from exchanges.bitso import Order, OrderStatus, Side
from exchanges.bitso.trading import Trading
from exchanges.endpoint.call import prepare
from exchanges.errors import InsufficientFunds, NotFound, OutcomeUnknown, UsageError
from exchanges.simulator import Venue
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer, html
from tests.support.simulator_calls import bitso_v3, plain_http
from tests.support.simulator_days import playing_bitso
from tests.support.virtual_time import in_virtual_time

PLACED = {"success": True, "payload": {"oid": "qlbga6b600n3xta7"}}
LIMIT = {"book": "btc_mxn", "side": "buy", "order_type": "limit", "major": "0.01", "price": "10000"}
MARKET = {"book": "btc_mxn", "side": "sell", "order_type": "market", "major": "0.01"}
FAR = {**LIMIT, "side": "sell", "price": "2000000"}


def sent(call, said=PLACED):
    """Return verb, target and body of the request of *call*."""
    script = Script.of(answer(said))
    single_calls.ask(Bitso, call, script)
    request = script.came[0].request
    return request.method, request.url.raw_path.decode(), request.content.decode()


def refused(call):
    """Return the message about wrong arguments; nothing is sent."""
    script = Script.of(answer(PLACED))
    with pytest.raises(UsageError, match="nothing was sent") as caught:
        single_calls.ask(Bitso, call, script)
    assert not script.came
    return str(caught.value)


class TestArguments:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"price": None}, "needs a price"),
            ({"major": None, "minor": "10"}, "major= alone"),
            ({"minor": "10"}, "major= alone"),
            ({"slippage_tolerance": "0.01"}, "market orders"),
            ({"side": "hold"}, "side must be one of buy, sell"),
            ({"order_type": "stop"}, "order_type must be one of limit, market"),
            ({"origin_id": "a b"}, "origin_id must be 1 to 40"),
            ({"origin_id": "x" * 41}, "origin_id must be 1 to 40"),
            ({"order_type": "market"}, "no price"),
            ({"order_type": "market", "price": None, "minor": "1"}, "exactly one of major and minor"),
            ({"order_type": "market", "price": None, "major": None}, "exactly one of major and minor"),
            ({"order_type": "market", "price": None, "time_in_force": "postonly"}, "no time_in_force"),
        ],
    )
    def test_orders(self, changes, words):
        """Arguments that contradict each other are refused before anything is sent."""
        assert words in refused(lambda b: b.trading.place_order(**{**LIMIT, **changes}))

    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda t: t.cancel_orders(), "exactly one of oids and origin_ids"),
            (lambda t: t.cancel_orders(oids=["a"], origin_ids=["b"]), "exactly one of oids and origin_ids"),
            (lambda t: t.cancel_orders(oids=[]), "1 to 50 ids"),
            (lambda t: t.cancel_orders(oids="abc"), "a list of ids"),
            (lambda t: t.cancel_orders(oids=["a,b"]), "must hold ids"),
            (lambda t: t.cancel_orders(oids=["a"] * 51), "1 to 50 ids"),
            (lambda t: t.cancel_order("all/../x"), "letters and digits"),
            (lambda t: t.cancel_order(""), "letters and digits"),
            (lambda t: t.modify_order(oid="a"), "at least one of"),
            (lambda t: t.modify_order(oid="a", major=1, minor=1), "not both"),
            (lambda t: t.open_orders(limit=501), "between 1 and 500"),
            (lambda t: t.user_trades(limit=0), "between 1 and 100"),
        ],
    )
    def test_other_calls(self, call, words):
        """Lists of ids, pages and changes are checked before anything is sent."""
        assert words in refused(lambda b: call(b.trading))

    def test_a_query_beside_a_body(self):
        """The client's id of an order to modify travels in the query, its changes in the body."""

        async def modify(bitso):
            with suppress(OutcomeUnknown):  # nothing shows that the answer is about this order
                await bitso.trading.modify_order_by_origin_id(origin_id="x-1", price="5")

        request = sent(modify)

        assert ("PATCH", "/api/v4/orders?origin_id=x-1", '{"price":"5"}') == request

    def test_words_as_enum_or_text(self):
        """A closed set of words is given as enum or as text."""
        bodies = [
            sent(lambda b, s=side: b.trading.place_order(**{**LIMIT, "side": s}))[2] for side in ("buy", Side.BUY)
        ]
        first, second = (json.loads(body) for body in bodies)

        assert first | {"origin_id": ""} == second | {"origin_id": ""}


class TestClientIds:
    def test_one_is_made(self):
        """An order without a client's id gets one of 128 random bits, within the allowed signs."""
        ids = {json.loads(sent(lambda b: b.trading.place_order(**LIMIT))[2])["origin_id"] for _ in range(20)}

        assert 20 == len(ids)
        assert all(len(name) == 36 and set(name) <= set("aio-0123456789abcdef") for name in ids)

    def test_the_digest_knows_none(self):
        """Orders that differ in their client's ids alone would do the same."""
        endpoint = Trading.place_order.endpoint
        digests = {prepare(endpoint, {**LIMIT, "origin_id": name}, "https://x.test").digest for name in ("a", "b")}

        assert 1 == len(digests)


class TestRules:
    async def test_they_must_be_read_first(self):
        """Rules of a book are known once the books were read."""
        async with playing_bitso() as (_, bitso, _other):
            with pytest.raises(UsageError, match="available_books"):
                bitso.market.rules("btc_mxn")
            await bitso.market.available_books()
            rules = bitso.market.rules("btc_mxn")
            with pytest.raises(UsageError, match="showed no 'abc'"):
                bitso.market.rules("abc")

        assert (Decimal("0.01"), "btc_mxn") == (rules.tick, rules.book.book)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"major": "0.0001"}, "major 0.0001 is outside of"),
            ({"major": "501"}, "major 501 is outside of"),
            ({"price": "10000.001"}, "no multiple of 0.01"),
            ({"price": "99999999999"}, "price 99999999999 is outside of"),
            ({"major": "0.0002"}, "the value"),
        ],
    )
    async def test_an_order_beyond_them_is_not_sent(self, changes, words):
        """What the exchange would refuse is refused before it is sent, in every view of the client."""
        async with playing_bitso() as (sim, bitso, _other):
            await bitso.market.available_books()
            before = sim.calls
            for view in (bitso, bitso.with_options(timeout_seconds=5)):
                with pytest.raises(UsageError, match="nothing was sent") as caught:
                    await view.trading.place_order(**{**LIMIT, **changes})
                assert words in str(caught.value)

            assert before == sim.calls

    async def test_rounding(self):
        """Prices are rounded to the tick in favour of the caller, amounts down."""
        async with playing_bitso() as (_, bitso, _other):
            await bitso.market.available_books()
            rules = bitso.market.rules("btc_mxn")

        assert Decimal("10.01") == rules.round_price("10.019", Side.BUY)
        assert Decimal("10.02") == rules.round_price("10.011", "sell")
        assert Decimal("0.12345678") == rules.round_amount("0.123456789")
        for call in (
            lambda: rules.round_price("0.001", "buy"),
            lambda: rules.round_price("1", "up"),
            lambda: rules.round_amount("-1"),
            lambda: rules.round_amount("1", decimals=19),
        ):
            with pytest.raises(UsageError):
                call()


class TestLife:
    async def test_an_order_waits_changes_and_is_cancelled(self):
        """A limit order far from the market waits, is changed in place, and is cancelled once."""
        async with playing_bitso() as (_, bitso, _other):
            oid = await bitso.trading.place_order(**FAR, origin_id="mine-1")
            (order,) = await bitso.trading.open_orders(book="btc_mxn")
            assert oid == await bitso.trading.modify_order(oid=oid, price="1999999")
            changed = await bitso.trading.order(oid)
            by_name = await bitso.trading.orders(origin_ids=["mine-1"])
            cancelled = await bitso.trading.cancel_order(oid)
            again = await bitso.trading.cancel_order(oid)

        assert (oid, "mine-1", OrderStatus.OPEN) == (order.oid, order.origin_id, order.status)
        assert Decimal(1999999) == changed.price
        assert [changed] == by_name
        assert ([oid], []) == (cancelled, again)

    async def test_a_new_price_of_a_buy_changes_its_amount(self):
        """The value of an order to buy stays when its price changes; of one to sell, the amount does."""
        async with playing_bitso() as (_, bitso, _other):
            buy = await bitso.trading.place_order(**{**LIMIT, "price": "10000"})
            sell = await bitso.trading.place_order(**FAR)
            await bitso.trading.modify_order(oid=buy, price="20000")
            await bitso.trading.modify_order(oid=sell, price="4000000")
            amounts = [(await bitso.trading.order(oid)).original_amount for oid in (buy, sell)]

        assert [Decimal("0.005"), Decimal("0.01")] == amounts

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"time_in_force": "postonly"}, OrderStatus.CANCELLED),
            ({"time_in_force": "fillorkill"}, OrderStatus.COMPLETED),
            ({"time_in_force": "fillorkill", "major": "400", "price": "1"}, OrderStatus.CANCELLED),
            ({"time_in_force": "immediateorcancel"}, OrderStatus.COMPLETED),
            ({"time_in_force": "immediateorcancel", "price": "9000000"}, OrderStatus.CANCELLED),
        ],
    )
    async def test_times_in_force(self, changes, status):
        """The engine cancels, after it has accepted an order, what its time in force does not allow."""
        async with playing_bitso() as (_, bitso, _other):
            order = {"book": "xrp_mxn", "side": "sell", "order_type": "limit", "major": "10", "price": "1"}
            if "price" in changes:
                order["price"] = "99"
            oid = await bitso.trading.place_order(**{**order, "time_in_force": changes["time_in_force"]})

            assert (status if "price" not in changes else OrderStatus.CANCELLED) == (
                await bitso.trading.order(oid)
            ).status

    async def test_a_stop_is_triggered(self):
        """A stop order waits until the market reaches its stop, then it trades."""
        async with playing_bitso() as (sim, bitso, _other):
            sim.bitso.set_price("btc_mxn", Decimal(1_000_000))
            order = {"book": "btc_mxn", "side": "sell", "order_type": "limit", "major": "0.01"}
            oid = await bitso.trading.place_order(**order, price="900000", stop="950000")
            waiting = await bitso.trading.order(oid)
            sim.bitso.set_price("btc_mxn", Decimal(940_000))
            sim.advance(1)
            done = await bitso.trading.order(oid)

        assert (OrderStatus.OPEN, None) == (waiting.status, waiting.triggered_at)
        assert OrderStatus.COMPLETED == done.status
        assert done.triggered_at is not None

    async def test_market_orders_in_minor_currency(self):
        """A market order in minor currency spends about that much."""
        async with playing_bitso() as (_, bitso, _other):
            oid = await bitso.trading.place_order(book="btc_mxn", side="buy", order_type="market", minor="1000")
            settled = await bitso.trading.wait_settled(oid, timeout_seconds=5)

        assert settled.is_settled
        assert Decimal(990) < settled.value <= Decimal(1000)
        assert {"btc"} == settled.fees.keys()

    async def test_too_little_money(self):
        """An order that the balance does not cover is rejected."""
        async with playing_bitso() as (_, bitso, _other):
            with pytest.raises(InsufficientFunds):
                await bitso.trading.place_order(**{**LIMIT, "major": "400", "price": "20000"})

    async def test_an_unknown_order(self):
        """An order that the exchange does not show is not found."""
        async with playing_bitso() as (_, bitso, _other):
            with pytest.raises(NotFound):
                await bitso.trading.order("0123456789abcdef")


class TestUnknownOutcomes:
    @in_virtual_time
    async def test_an_order_is_found_by_its_id(self):
        """An order whose answer was lost is found by the client's id that it bore."""
        lost: list[str] = []

        def first(request):
            lost.append(json.loads(request.content)["origin_id"])
            return html(502)

        def lookup(request):
            order = {
                "oid": "ab12",
                "book": "btc_mxn",
                "side": "buy",
                "type": "limit",
                "status": "open",
                "created_at": "2999-01-01T00:00:00Z",
                "origin_id": lost[0],
            }
            is_list = request.url.path.endswith("orders")
            return answer({"success": True, "payload": [order] if is_list else []})

        script = Script([first, lookup])
        async with Bitso(transport=script, api_key="k", api_secret="s", limits=None) as bitso:
            with pytest.raises(OutcomeUnknown) as caught:
                await bitso.trading.place_order(**LIMIT)
            verdict = await bitso.reconcile(caught.value.intent)

        assert isinstance(verdict.found, Order)
        assert "ab12" == verdict.found.oid


class TestNonces:
    async def test_version_2(self):
        """With nonces of version 2 signed calls run side by side, and none is refused."""
        async with playing_bitso() as (sim, _bitso, _other):
            account = sim.account(Venue.BITSO)
            async with Bitso(base_url=sim.base_url, limits=None, nonces="v2", **account) as bitso:
                balances = await asyncio.gather(*(bitso.account.balance() for _ in range(20)))

            assert 20 == len(balances)
            assert {"ok"} == {seen.outcome for seen in sim.requests}
            assert {19} == {len(seen.nonce) for seen in sim.requests}

    async def test_none_is_good_twice(self):
        """The simulated exchange takes a nonce of version 2 once."""
        async with playing_bitso() as (sim, _bitso, _other), plain_http(sim.base_url) as http:
            path = "/api/v3/account_status"
            headers = bitso_v3(1_700_000_000_123_654_321, path)
            statuses = [(await http.get(path, headers=headers)).status_code for _ in range(2)]

        assert [200, 401] == statuses

    def test_another_word(self):
        """Another kind of nonce is refused."""
        with pytest.raises(UsageError, match="nonces must be one of strict, v2"):
            Bitso(nonces="v3")
