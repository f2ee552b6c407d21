from decimal import Decimal

import pytest

from exchanges import Bitso
from exchanges.bitso import OrderStatus
from exchanges.bitso.models.trading import Order, UserTrade
from exchanges.bitso.settling import SettledOrder, Settling
from exchanges.endpoint import waiting
from exchanges.errors import DecodeError
from exchanges.wire import decode, dumps
from tests.support.scripted_transport import Script, answer
from tests.support.simulator_days import playing_bitso
from tests.support.virtual_time import in_virtual_time

MARKET = {"book": "btc_mxn", "side": "sell", "order_type": "market", "major": "0.01"}


ORDER = {"oid": "a", "book": "btc_mxn", "side": "buy", "type": "limit", "status": "cancelled", "original_amount": "2"}
ORDER |= {"created_at": "2026-02-03T10:11:12Z", "unfilled_amount": "0"}
TRADE = {"tid": 1, "oid": "a", "book": "btc_mxn", "side": "buy", "price": "1", "major": "1", "minor": "-1"}
TRADE |= {"fees_amount": "-0.1", "fees_currency": "btc", "created_at": "2026-02-03T10:11:12Z"}


async def settled_order(oid):
    """Read an order that was cancelled."""
    return decode(dumps([ORDER | {"oid": oid}]), list[Order])[0]


async def other_trades(_):
    """Read the trades of another order, as a long list would show them."""
    return decode(dumps([TRADE | {"oid": "b"}]), list[UserTrade])


class TestSettling:
    async def test_an_order_that_is_shown(self):
        """A completed order is settled once its trades add up to it."""
        async with playing_bitso() as (_, bitso, _other):
            oid = await bitso.trading.place_order(**MARKET)
            settled = await bitso.trading.wait_settled(oid, timeout_seconds=10)

        assert (True, True, Decimal("0.01")) == (settled.is_settled, settled.is_shown, settled.filled)

    async def test_an_order_that_has_vanished(self, monkeypatch):
        """An order that traded and is shown no more is settled by its trades."""
        monkeypatch.setattr(waiting, "FIRST_PAUSE_SECONDS", 0.0)
        async with playing_bitso() as (sim, bitso, _other):
            oid = await bitso.trading.place_order(**MARKET)
            sim.advance(2 * 3600)
            settled = await bitso.trading.wait_settled(oid, timeout_seconds=10)

        assert (True, False, None, Decimal("0.01")) == (
            settled.is_settled,
            settled.is_shown,
            settled.order,
            settled.filled,
        )

    @in_virtual_time
    async def test_an_order_that_is_never_shown(self):
        """Absence without a trade is final only after half a minute: the engine may be late."""
        empty = answer({"success": True, "payload": []})
        async with Bitso(transport=Script.of(empty), api_key="k", api_secret="s", limits=None) as bitso:
            early = await bitso.trading.wait_settled("a", timeout_seconds=20)
            late = await bitso.trading.wait_settled("a", timeout_seconds=40)

        assert (False, True) == (early.is_settled, late.is_settled)

    @in_virtual_time
    async def test_trades_that_are_still_written(self):
        """A completed order whose trades do not add up yet is read again."""
        order = {
            "oid": "a",
            "book": "btc_mxn",
            "side": "buy",
            "type": "limit",
            "status": "completed",
            "created_at": "2026-02-03T10:11:12Z",
            "original_amount": "2",
            "unfilled_amount": "0",
        }
        trade = {
            "tid": 1,
            "oid": "a",
            "book": "btc_mxn",
            "side": "buy",
            "price": "1",
            "major": "1",
            "minor": "-1",
            "fees_amount": "-0.1",
            "fees_currency": "btc",
            "created_at": "2026-02-03T10:11:12Z",
        }
        other = trade | {"tid": 2}
        pending = {"success": False, "error": {"code": "0377", "message": "pending"}}
        # A read is repeated three times while the exchange is not ready.
        written = iter([pending] * 3 + [{"success": True, "payload": rows} for rows in ([trade], [trade, other])])

        def reply(request):
            if "order_trades" not in request.url.path:
                return answer({"success": True, "payload": [order]})
            content = next(written)
            return answer(content, 200 if content["success"] else 400)

        async with Bitso(transport=Script([reply]), api_key="k", api_secret="s", limits=None) as bitso:
            settled = await bitso.trading.wait_settled("a", timeout_seconds=60)

        assert None is next(written, None)
        assert (True, Decimal(2), {"btc": Decimal("0.2")}) == (settled.is_settled, settled.filled, settled.fees)

    async def test_a_trade_that_is_shown_twice(self):
        """It counts once."""
        settled = await self.settle([TRADE, TRADE], unfilled_amount="1")
        assert (True, Decimal(1), 1) == (settled.is_settled, settled.filled, len(settled.trades))

    async def test_trades_of_another_order(self):
        """They are no fills of this one: the read fails."""
        with pytest.raises(DecodeError, match="order"):
            await self.settle([TRADE, TRADE | {"tid": 2, "oid": "b"}])
        settling = Settling("a", settled_order, other_trades)
        with pytest.raises(DecodeError, match="read again"):
            await settling.read()

    @pytest.mark.parametrize("changes", [{"book": "eth_mxn"}, {"side": "sell"}])
    async def test_trades_that_contradict_the_order(self, changes):
        """Nor are those of another book or side."""
        with pytest.raises(DecodeError, match="another book or side: read again"):
            await self.settle([TRADE, TRADE | {"tid": 2} | changes])

    @in_virtual_time
    async def test_less_than_nothing_is_left(self):
        """An order of which less than nothing is left is not settled, whatever its trades."""
        trades = [TRADE | {"tid": number} for number in range(3)]

        assert not (await self.settle(trades, unfilled_amount="-1")).is_settled

    @pytest.mark.parametrize(("spent", "is_settled"), [("100", True), ("99.5", True), ("50", False)])
    @in_virtual_time
    async def test_a_market_order_by_value(self, spent, is_settled):
        """A completed order of a value is settled once its trades have spent that, but for a rest."""
        order = {"status": "completed", "type": "market", "original_amount": None, "unfilled_amount": None}
        trade = TRADE | {"major": "0.5", "minor": f"-{spent}"}

        assert is_settled is (await self.settle([trade], **order, original_value="100")).is_settled

    async def settle(self, trades, **changes):
        """Wait for an order of 2 that was cancelled, with these trades."""

        def reply(request):
            rows = trades if "order_trades" in request.url.path else [ORDER | changes]
            return answer({"success": True, "payload": rows})

        async with Bitso(transport=Script([reply]), api_key="k", api_secret="s", limits=None) as bitso:
            return await bitso.trading.wait_settled("a", timeout_seconds=5)

    def test_nothing_is_known_at_first(self):
        """Without a read nothing is settled."""
        nothing = SettledOrder(oid="a")

        assert (False, Decimal(0), Decimal(0), {}) == (nothing.is_settled, nothing.filled, nothing.value, nothing.fees)


@pytest.mark.parametrize("status", ["queued", "open", "partially filled", "frozen"])
def test_no_status_but_two_is_final(status):
    """A status that no document names is kept, and never taken for a final one."""
    assert not OrderStatus(status).is_final
