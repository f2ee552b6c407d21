"""Bitstamp v2: the bounds of orders in a market, as `market.markets` showed them."""

from decimal import Decimal

import pytest

from exchanges import Bitstamp
from exchanges.bitstamp import MarketInfo, Rules, Side, Switch
from exchanges.errors import UsageError
from exchanges.wire import encode
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer
from tests.support.simulator_days import playing_bitstamp

MARKET = MarketInfo(
    name="BTC/USD",
    market_symbol="btcusd",
    base_currency="BTC",
    counter_currency="USD",
    base_decimals=8,
    counter_decimals=0,
    minimum_order_value=Decimal(10),
    maximum_order_value=Decimal(1_000_000),
    minimum_order_amount=Decimal("0.0001"),
    maximum_order_amount=Decimal(100),
    instant_order_counter_decimals=2,
    instant_and_market_orders=Switch.ENABLED,
)
RULES = Rules(MARKET)
LIMIT = {"market": "btcusd", "amount": "0.01", "price": "50000"}


def changed(**changes):
    """Return the rules of a market that differs."""
    return Rules(MarketInfo(**{name: getattr(MARKET, name) for name in MARKET.__slots__ if name[0] != "_"} | changes))


class TestFaults:
    @pytest.mark.parametrize(
        ("method", "arguments", "words"),
        [
            ("limit_order", {"amount": "0.00009", "price": "500000"}, "amount 0.00009 is outside of 0.0001 to 100"),
            ("limit_order", {"amount": "101", "price": "1"}, "amount 101 is outside of"),
            (
                "limit_order",
                {"amount": "0.000123456", "price": "90000"},
                "amount 0.000123456 is no multiple of 0.00000001",
            ),
            (
                "limit_order",
                {"amount": "0.001", "price": "9999"},
                "value (amount times price) 9.999 is outside of 10 to",
            ),
            ("limit_order", {"amount": "20", "price": "50001"}, "value (amount times price) 1000020 is outside of"),
            ("limit_order", {"amount": "0.01", "price": "50000.5"}, "price 50000.5 is no multiple of 1,"),
            ("limit_order", {**LIMIT, "limit_price": "60000.5"}, "limit_price 60000.5 is no multiple of 1,"),
            ("market_order", {"amount": "101"}, "amount 101 is outside of"),
            ("market_order", {"amount": "0.123456789"}, "no multiple of 0.00000001"),
            ("instant_buy", {"amount": "9.99"}, "amount (counter) 9.99 is outside of 10 to 1000000"),
            ("instant_buy", {"amount": "10.001"}, "amount (counter) 10.001 is no multiple of 0.01"),
            ("instant_sell", {"amount": "0.123456789"}, "no multiple of 0.00000001"),
            ("instant_sell", {"amount": "9.99", "amount_in_counter": True}, "amount (counter) 9.99 is outside of"),
        ],
    )
    def test_each_bound(self, method, arguments, words):
        """Each kind of order is compared with the bounds of the currency that its amount is in."""
        assert words in getattr(RULES, f"fault_of_{method}")(arguments)

    @pytest.mark.parametrize(
        ("method", "arguments"),
        [
            ("limit_order", LIMIT),
            ("limit_order", {"amount": "0.0001", "price": "100000"}),
            ("market_order", {"amount": "0.0001"}),
            # As base it would be above the maximum: it is an amount of counter.
            ("instant_buy", {"amount": "999.99"}),
            ("instant_sell", {"amount": "999.99", "amount_in_counter": True}),
            ("instant_sell", {"amount": "0.00012345", "amount_in_counter": False}),
        ],
    )
    def test_orders_within(self, method, arguments):
        """An order at its bounds is within them."""
        assert None is getattr(RULES, f"fault_of_{method}")(arguments)

    def test_what_is_not_shown_is_no_bound(self):
        """A market whose bounds are missing, or zero, refuses nothing by them."""
        bare = changed(
            minimum_order_value=None,
            maximum_order_value=None,
            minimum_order_amount=Decimal(0),
            maximum_order_amount=Decimal(0),
            instant_order_counter_decimals=None,
            instant_and_market_orders=None,
        )

        assert None is bare.fault_of_limit_order({"amount": "0.00000001", "price": "1"})
        assert None is bare.fault_of_instant_buy({"amount": "0.001"})
        with pytest.raises(UsageError, match="shows no decimals"):
            bare.round_value("1")

    def test_a_market_that_is_closed(self):
        """A market without trading refuses all orders; one without instant and market orders those alone."""
        closed, limits_only = changed(trading=Switch.DISABLED), changed(instant_and_market_orders=Switch.DISABLED)

        assert "accepted no orders" in closed.fault_of_limit_order(LIMIT)
        assert None is limits_only.fault_of_limit_order(LIMIT)
        for method in (limits_only.fault_of_market_order, limits_only.fault_of_instant_buy):
            assert "no instant and market orders" in method({"amount": "10"})
        assert None is changed(trading=Switch("Halted")).fault_of_limit_order(LIMIT)


class TestRounding:
    def test_prices_and_amounts(self):
        """Prices are rounded in favour of the caller, amounts down."""
        assert (Decimal(50000), Decimal(50001)) == (
            RULES.round_price("50000.9", "buy"),
            RULES.round_price("50000.1", "sell"),
        )
        assert (Decimal(7), Decimal(8)) == (RULES.round_price("7.5", Side.BUY), RULES.round_price("7.5", Side.SELL))
        assert Decimal("0.12345678") == RULES.round_amount("0.123456789")
        assert Decimal("12.34") == RULES.round_value("12.349")
        assert Decimal("0.5") == changed(tick_size=Decimal("0.5")).round_price("0.9", "buy")

    @pytest.mark.parametrize(
        "call",
        [
            lambda: RULES.round_price("0.9", "buy"),
            lambda: RULES.round_price("1", "up"),
            lambda: RULES.round_price("1", 0),
            lambda: RULES.round_price(1.5, "buy"),
            lambda: RULES.round_amount("0.000000001"),
            lambda: RULES.round_value("-1"),
            lambda: changed(base_decimals=10**9).round_amount("1"),
            lambda: changed(counter_decimals=-1).round_price("1", "buy"),
        ],
    )
    def test_what_cannot_be_rounded(self, call):
        """What is no amount, no side, or rounds to zero is an error of the caller, of no foreign kind."""
        with pytest.raises(UsageError):
            call()


class TestCalls:
    async def test_they_must_be_read_first(self):
        """Rules of a market are known once the markets were read."""
        async with playing_bitstamp() as (_, bitstamp, _other):
            with pytest.raises(UsageError, match=r"await bitstamp.market.markets\(\) first"):
                bitstamp.market.rules("btcusd")
            await bitstamp.market.markets()
            with pytest.raises(UsageError, match="showed no 'BTC/USD' among 4, such as btcusd"):
                bitstamp.market.rules("BTC/USD")
            rules = bitstamp.market.rules("btcusd")

        assert ("BTC/USD", Decimal("0.01"), Decimal("0.01")) == (rules.market.name, rules.tick, rules.value_step)

    @pytest.mark.parametrize(
        "place",
        [
            lambda t: t.buy(**{**LIMIT, "price": "50000.001"}),
            lambda t: t.sell(**{**LIMIT, "amount": "0.0001"}),
            lambda t: t.buy_market(market="btcusd", amount="0.123456789"),
            lambda t: t.sell_market(market="btcusd", amount="0.123456789"),
            lambda t: t.buy_instant(market="btcusd", amount="9.99"),
            lambda t: t.sell_instant(market="btcusd", amount="0.123456789"),
            lambda t: t.sell_instant(market="btcusd", amount="20.001", amount_in_counter=True),
        ],
    )
    async def test_an_order_beyond_them_is_not_sent(self, place):
        """What the exchange would refuse is refused before it is sent, in every view of the client."""
        async with playing_bitstamp() as (sim, bitstamp, _other):
            await bitstamp.market.markets()
            before = sim.calls
            for view in (bitstamp, bitstamp.with_options(timeout_seconds=5)):
                with pytest.raises(UsageError, match="nothing was sent"):
                    await place(view.trading)

            assert before == sim.calls

    def test_other_markets_are_not_compared(self):
        """An order in a market that the last list did not show is left to the exchange."""
        placed = {"id": "1", "market": "ETH/USD", "datetime": "2026-03-01 10:54:53", "type": "0", "price": "1"}
        script = Script.of(answer([encode(MARKET)]), answer({**placed, "amount": "1"}))

        async def both(bitstamp):
            await bitstamp.market.markets()
            return await bitstamp.trading.buy(market="ethusd", amount="1", price="1")

        assert "1" == single_calls.ask(Bitstamp, both, script).id

    async def test_an_odd_argument_is_reported_by_name(self):
        """An amount that is none is reported by the call itself, with the name of the argument."""
        async with playing_bitstamp() as (_, bitstamp, _other):
            await bitstamp.market.markets()
            with pytest.raises(UsageError, match="amount must be a Decimal"):
                await bitstamp.trading.buy(**{**LIMIT, "amount": 0.5})
