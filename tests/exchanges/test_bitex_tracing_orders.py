"""How the searches for orders and bots judge single rows."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from exchanges.bitex import Ask, BotIssuer, Buy, OrderStatus, SellingBot
from tests.support.bitex_rows import AT, BID, BOT, GONE, OPEN_BID, documented, judge, verdicts


class TestOrders:
    def test_in_the_second_of_the_call(self):
        """The exchange cuts off what is behind the point: what seems to be made just before the call may be its."""
        (candidate,) = judge(BID, since=0.7, orders=[OPEN_BID]).candidates

        assert AT + timedelta(seconds=0.7) == candidate.at

    @pytest.mark.parametrize(
        ("changes", "sure"),
        [
            ({"issuer": None}, [True]),
            ({"issuer": ""}, [True]),
            ({"issuer": "User#5"}, [False]),
            ({"amount": Decimal("100.000000001")}, [False]),
            ({"amount": Decimal("100.00000001")}, []),
            ({"price": Decimal("499.999999999")}, [False]),
            ({"orderbook": 5}, []),
            ({"status": OrderStatus.CANCELLED}, [True]),
        ],
    )
    def test_nearly(self, changes, sure):
        """What was placed by others, or may have been rounded, is not sure."""
        assert sure == [c.sure for c in judge(BID, orders=[evolve(OPEN_BID, **changes)]).candidates]

    def test_the_other_side(self):
        """An ask is no bid, whatever its number."""
        ask = Ask(5, AT, 1, Decimal(100), Decimal(100), Decimal(500), OrderStatus.EXECUTING)

        assert ([], True) == verdicts(judge(BID, orders=[ask]))

    def test_in_both_lists(self):
        """An order that is in both lists is one, as the list of orders shows it."""
        earlier = evolve(OPEN_BID, remaining_amount=Decimal(1))
        matches = judge(BID, orders=[OPEN_BID], account_summary=[earlier])

        assert [OPEN_BID] == [c.found for c in matches.candidates]

    @pytest.mark.parametrize(("age", "whole"), [(timedelta(hours=1), True), (timedelta(hours=2), False)])
    def test_how_long_orders_show(self, age, whole):
        """After two hours an order that never traded may show nowhere."""
        assert ([], whole) == verdicts(judge(BID, until=age.total_seconds()))


class TestTrades:
    """Orders that nothing but their trades shows."""

    def test_named_by_a_trade(self):
        """An order that only a trade names is read by itself, and then compared."""
        reads: list[str] = []
        matches = judge(BID, reads=reads, trades=[trade(5), trade(5)], bid=OPEN_BID)

        assert ([True], True, 1) == (*verdicts(matches), reads.count("bitex.trading.bid"))

    def test_another_order(self):
        """A trade of another order tells nothing."""
        matches = judge(BID, trades=[trade(5)], bid=evolve(OPEN_BID, amount=Decimal(7)))

        assert ([], True) == verdicts(matches)

    def test_of_an_order_that_is_listed(self):
        """An order that is in a list need not be read by itself."""
        reads: list[str] = []
        judge(BID, reads=reads, trades=[trade(5)], orders=[OPEN_BID])

        assert "bitex.trading.bid" not in reads

    def test_before(self):
        """A trade from before the call is none of its order's."""
        reads: list[str] = []
        judge(BID, reads=reads, trades=[trade(5, seconds=-2 * 86400)])

        assert "bitex.trading.bid" not in reads

    def test_not_to_be_found(self):
        """Where an order that a trade names cannot be read, something is missing."""
        assert ([], False) == verdicts(judge(BID, trades=[trade(5)], bid=GONE))

    def test_too_many(self):
        """Only so many orders are read by themselves; what is left is missing."""
        reads: list[str] = []
        matches = judge(BID, reads=reads, trades=[trade(number) for number in range(21)], bid=OPEN_BID)

        assert (20, False) == (reads.count("bitex.trading.bid"), matches.complete)


def trade(bid_id: int, *, seconds: float = 0):
    """A trade of a bid."""
    at = AT + timedelta(seconds=seconds)
    return Buy(bid_id, at, 1, Decimal("0.1"), Decimal(50), Decimal(0), Decimal(500), bid_id)


class TestBots:
    @pytest.mark.parametrize(
        ("issuer", "sure"),
        [(None, [True]), (BotIssuer.USER, [False]), (BotIssuer.PAYMENT, []), (BotIssuer.COIN_DEPOSIT, [])],
    )
    def test_who_made_it(self, issuer, sure):
        """Bots that the exchange made itself are none of ours."""
        (bot,) = documented("bots.selling_bots")

        assert sure == [c.sure for c in judge(BOT, selling_bots=[evolve(bot, issuer_type=issuer)]).candidates]

    @pytest.mark.parametrize(
        ("count", "oldest", "whole"), [(199, 20, True), (200, 20, False), (200, -9, False), (200, -11, True)]
    )
    def test_a_full_list(self, count, oldest, whole):
        """A list that was cut is all there is only if it goes back to before the call."""
        bots = listed_bots(count, oldest)

        assert whole is judge(BOT, selling_bots=bots).complete

    def test_not_in_order(self):
        """A list that was cut and is not in order may hide anything."""
        first, second, *rest = listed_bots(200, -7)

        assert not judge(BOT, selling_bots=[second, first, *rest]).complete


def listed_bots(count: int, oldest: float) -> list[SellingBot]:
    """So many other bots, newest first, the last of them made so many seconds after the call."""
    (bot,) = documented("bots.selling_bots")
    at = AT + timedelta(seconds=oldest)
    return [evolve(bot, amount=Decimal(7), created_at=at + timedelta(seconds=count - n)) for n in range(1, count + 1)]
