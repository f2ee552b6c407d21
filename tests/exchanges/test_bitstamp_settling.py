"""Bitstamp v2: the final state of an order, from reads of its status."""

from decimal import Decimal

import pytest

from exchanges import Bitstamp
from exchanges.bitstamp import OrderStatusWord, SettledOrder
from exchanges.endpoint import waiting
from exchanges.errors import DecodeError, NotFound, UsageError
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer
from tests.support.simulator_days import playing_bitstamp

FILL = {
    "tid": 300000001,
    "price": "70000",
    "fee": "0.12",
    "datetime": "2026-03-01 10:54:53.849000",
    "type": 2,
    "usd": "30.0000000000000000",
    "btc": "0.00042857",
}
MORE = {**FILL, "tid": 300000002, "fee": "0.08", "usd": "-20", "btc": "-0.00028571"}
NOT_FOUND = answer({"status": "error", "reason": "Order not found", "response_code": "404.002"}, 404)


def status(word, *fills, left="0", **changes):
    """Return the status of an order."""
    shown = {"id": 7, "datetime": "2026-03-01 10:54:53", "type": "0", "status": word, "market": "BTC/USD"}
    return answer({**shown, "amount_remaining": left, "transactions": list(fills), **changes})


def settle(*steps, timeout_seconds=5):
    """Wait for order 7, and return its state and the number of reads."""
    script = Script.of(*steps)
    call = lambda b: b.trading.wait_settled(order_id="7", timeout_seconds=timeout_seconds)  # noqa: E731
    return single_calls.ask(Bitstamp, call, script), len(script.came)


class TestFinal:
    @pytest.mark.parametrize(
        ("steps", "reads"),
        [
            ([status("Open", left="1"), status("Finished", FILL)], 3),
            # The last trade was listed after the status was final.
            ([status("Finished", FILL), status("Finished", FILL, MORE)], 3),
            ([status("Finished"), status("Finished", FILL)], 3),
            ([status("Finished", FILL, left="1"), status("Finished", FILL, left="1"), status("Finished", FILL)], 4),
            ([NOT_FOUND, status("In Queue", left="1"), status("Canceled", left="1")], 4),
            ([status("Expired", left="1")], 2),
            # A cancel that is under way may lose to a trade.
            ([status("Cancel pending", left="1"), status("Cancel pending", left="1"), status("Finished", FILL)], 4),
        ],
    )
    def test_two_reads_agree(self, steps, reads):
        """A state is final when it says so, does not contradict itself, and two reads in a row show the same."""
        settled, number = settle(*steps)

        assert (True, reads) == (settled.is_settled, number)

    @pytest.mark.parametrize(
        "step",
        [
            status("Open", left="1"),
            status("Cancel pending", FILL),
            status("Frozen"),
            status("Finished"),
            status("Finished", FILL, left="0.1"),
            NOT_FOUND,
        ],
    )
    def test_what_is_never_final(self, step):
        """What is open, on its way, unknown or contradicts itself is not settled when the time is up."""
        settled, _ = settle(step)

        assert not settled.is_settled

    def test_what_was_shown_last_stays(self):
        """An order that is no longer shown keeps the state that it was shown in, and is not settled by that."""
        settled, _ = settle(status("Open", FILL, left="1"), NOT_FOUND)

        assert (False, OrderStatusWord.OPEN, Decimal("0.00042857")) == (
            settled.is_settled,
            settled.status.status,
            settled.filled,
        )

    def test_another_order_is_no_answer(self):
        """The status of another order is not taken for this one's."""
        with pytest.raises(DecodeError, match="does not match the request: id"):
            settle(status("Finished", FILL, id="8"))

    def test_a_time_that_is_none(self):
        """A time that is no number of seconds is refused before anything is read."""
        with pytest.raises(UsageError, match="timeout_seconds"):
            settle(NOT_FOUND, timeout_seconds="1")


@pytest.mark.parametrize("fills", [(FILL, {**FILL, "btc": "2"}), (FILL, FILL)])
def test_two_trades_of_one_id(fills):
    """A status that shows one trade twice, or two trades as one, is not settled."""
    shown = status("Finished", *fills)
    state, _ = settle(*[shown] * 40)

    assert not state.is_settled


class TestSums:
    def test_signs_and_doubles(self):
        """Amounts are magnitudes, whatever their signs; a trade that is listed twice counts once."""
        settled, _ = settle(status("Finished", FILL, MORE, FILL))

        assert ["300000001", "300000002"] == [fill.tid for fill in settled.fills]
        assert (Decimal("0.00071428"), Decimal(50), Decimal("0.20")) == (settled.filled, settled.value, settled.fees)

    def test_cancelled_without_a_trade(self):
        """An order that was cancelled before it traded filled nothing."""
        settled, _ = settle(status("Canceled", left="1"))

        assert (Decimal(0), Decimal(0), Decimal(0), ()) == (settled.filled, settled.value, settled.fees, settled.fills)

    @pytest.mark.parametrize(
        "shown",
        [
            status("Finished", FILL, market=None),
            status("Finished", FILL, market="ETH/EUR"),
            status("Finished", FILL, {name: value for name, value in MORE.items() if name not in ("btc", "usd")}),
        ],
    )
    def test_what_is_not_shown_is_not_known(self, shown):
        """Without the market, or with a trade that does not show its amounts, the sums are not known."""
        settled, _ = settle(shown)

        assert (None, None) == (settled.filled, settled.value)

    def test_other_currencies_beside_the_pair(self):
        """Zeros, and amounts of other currencies, in a trade are no part of what the order filled."""
        settled, _ = settle(status("Finished", {**FILL, "eur": 0.0, "eth": "3"}))

        assert (Decimal("0.00042857"), Decimal(30)) == (settled.filled, settled.value)

    def test_nothing_is_known_at_first(self):
        """Of an order that was never shown nothing is known to have filled."""
        assert (Decimal(0), False) == (SettledOrder(order_id="7").filled, SettledOrder(order_id="7").is_settled)


@pytest.fixture
def without_pauses(monkeypatch):
    """Read again at once."""
    monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)


@pytest.mark.usefixtures("without_pauses")
class TestLife:
    @pytest.mark.parametrize(
        ("place", "unit"),
        [
            (lambda t: t.buy_market(market="btcusd", amount="0.1"), "filled"),
            (lambda t: t.sell_market(market="btcusd", amount="0.1"), "filled"),
            (lambda t: t.sell_instant(market="btcusd", amount="0.1"), "filled"),
            (lambda t: t.buy_instant(market="btcusd", amount="100"), "value"),
            (lambda t: t.sell_instant(market="btcusd", amount="100", amount_in_counter=True), "value"),
        ],
    )
    async def test_orders_that_trade_at_once(self, place, unit):
        """Market and instant orders are final with the amount that they were placed for, in its currency."""
        async with playing_bitstamp() as (_, bitstamp, _other):
            order = await place(bitstamp.trading)
            settled = await bitstamp.trading.wait_settled(order_id=order.id, timeout_seconds=10)
            rows = await bitstamp.account.user_transactions()

        assert (True, OrderStatusWord.FINISHED) == (settled.is_settled, settled.status.status)
        assert sum(row.fee for row in rows) == settled.fees
        assert abs(getattr(settled, unit) - Decimal("0.1" if unit == "filled" else "100")) < Decimal("0.01")

    async def test_a_cancel_that_loses(self):
        """An order that traded before its cancel shows the trade."""
        async with playing_bitstamp() as (sim, bitstamp, _other):
            order = await bitstamp.trading.sell(market="btcusd", amount="0.1", price="200000")
            sim.bitstamp.fill_order(order.id, Decimal("0.1"))
            with pytest.raises(NotFound):
                await bitstamp.trading.cancel_order(order_id=order.id)
            settled = await bitstamp.trading.wait_settled(order_id=order.id, timeout_seconds=10)

        assert (Decimal("0.1"), Decimal(20_000), True) == (settled.filled, settled.value, settled.is_settled)

    async def test_a_part_that_traded(self):
        """An order that was cancelled after a part of it traded shows that part."""
        async with playing_bitstamp() as (sim, bitstamp, _other):
            order = await bitstamp.trading.sell(market="btcusd", amount="0.1", price="200000")
            sim.bitstamp.fill_order(order.id, Decimal("0.04"))
            await bitstamp.trading.cancel_order(order_id=order.id)
            settled = await bitstamp.trading.wait_settled(order_id=order.id, timeout_seconds=10)

        assert (OrderStatusWord.CANCELED, Decimal("0.04")) == (settled.status.status, settled.filled)
        assert Decimal("0.06") == settled.status.amount_remaining
