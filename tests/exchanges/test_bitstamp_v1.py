from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qs

import httpx
import pytest

from exchanges import Bitstamp, wire
from exchanges.bitstamp.v1 import (
    Order,
    OrderType,
    Transaction,
    TransactionType,
    UserTransaction,
    WithdrawalRequest,
    WithdrawalStatus,
    WithdrawalType,
)
from exchanges.errors import DecodeError, InsufficientFunds, NotFound, OutcomeUnknown
from tests.support import single_calls
from tests.support.scripted_transport import Script, answer

ADDRESS = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"


def ask(call, *steps):
    """What one call comes to when it is answered with *steps*."""
    return single_calls.ask(Bitstamp, lambda client: call(client.v1), Script.of(*steps))


def blank():
    """An answer without a body."""
    return httpx.Response(200, content=b"")


class TestConfirmations:
    @pytest.mark.parametrize(
        "call",
        [
            lambda v1: v1.trading.cancel_order(7),
            lambda v1: v1.funding.ripple_withdrawal(amount=1, address=ADDRESS, currency="USD"),
        ],
    )
    def test_true(self, call):
        """A bare true becomes None."""
        assert ask(call, answer(True)) is None

    def test_refusal(self):
        """An error object is an error, under status 200 too."""
        with pytest.raises(NotFound, match="Order not found"):
            ask(lambda v1: v1.trading.cancel_order(7), answer({"error": "Order not found"}))

    def test_funds(self):
        """Missing funds keep the name of the field."""
        words = "You have only 0 BTC available. Check your account balance for details."
        with pytest.raises(InsufficientFunds):
            ask(
                lambda v1: v1.funding.bitcoin_withdrawal(amount=1, address="3Ca"),
                answer({"error": {"amount": [words]}}),
            )

    @pytest.mark.parametrize("said", [None, 1, "true", "ok", "yes", False, [], {"id": 1}])
    def test_anything_else(self, said):
        """Anything else does not say that a withdrawal was accepted: neither null nor false proves anything."""
        step = httpx.Response(200, content=wire.dumps(said))
        with pytest.raises(OutcomeUnknown):
            ask(lambda v1: v1.funding.ripple_withdrawal(amount=1, address=ADDRESS, currency="USD"), step)


class TestLists:
    @pytest.mark.parametrize(
        "call",
        [
            lambda v1: v1.account.user_transactions(),
            lambda v1: v1.trading.open_orders(),
            lambda v1: v1.funding.withdrawal_requests(),
            lambda v1: v1.funding.unconfirmed_btc(),
            lambda v1: v1.market.transactions(),
        ],
    )
    def test_empty_body(self, call):
        """An empty body is no empty list: nothing says that there is nothing."""
        with pytest.raises(DecodeError, match="nothing with status 200"):
            ask(call, blank())


class TestAddresses:
    @pytest.mark.parametrize("said", [ADDRESS, {"address": ADDRESS}])
    def test_ripple(self, said):
        """The ripple address comes bare or in an object."""
        assert ADDRESS == ask(lambda v1: v1.funding.ripple_address(), answer(said))

    def test_bitcoin(self):
        """The bitcoin address is a string."""
        address = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"

        assert address == ask(lambda v1: v1.funding.bitcoin_deposit_address(), answer(address))

    @pytest.mark.parametrize("said", ["", 0, "null", "3Ca", "Service temporarily unavailable", {"address": "x"}, True])
    @pytest.mark.parametrize("name", ["bitcoin_deposit_address", "ripple_address"])
    def test_no_address(self, said, name):
        """Anything that is no address is refused: coins that are sent there are lost."""
        with pytest.raises(DecodeError):
            ask(lambda v1: getattr(v1.funding, name)(), answer(said))

    @pytest.mark.parametrize("tag", [7, "7"])
    def test_destination_tag(self, tag):
        """An XRP address keeps its destination tag, without which a deposit does not reach the account."""
        said = {"address": ADDRESS, "destination_tag": tag}

        assert f"{ADDRESS}?dt=7" == ask(lambda v1: v1.funding.ripple_address(), answer(said))


ROW = {"usd": "-373.51", "btc": "3.00781124", "btc_usd": "124.18", "fee": "1.50", "type": 2, "id": 1444404}
ROW |= {"datetime": "2013-09-26 13:28:55", "order_id": 7623942}


class TestModels:
    def test_user_transaction(self):
        """Keys of currencies are amounts, keys of pairs are rates, wherever they stand."""
        row = wire.decode(wire.dumps({**ROW, "eur": "0.00", "xrp": "2"}), UserTransaction, strict=True)

        assert (
            TransactionType.MARKET_TRADE,
            {"usd": Decimal("-373.51"), "btc": Decimal("3.00781124"), "eur": Decimal("0.00"), "xrp": Decimal(2)},
            {"btc_usd": Decimal("124.18")},
        ) == (row.type, row.amounts, row.rates)

    @pytest.mark.parametrize("odd", [{"self_trade": False}, {"usd": None}, {"us-d": "1"}, {"a_b_c": "1"}, {"x": []}])
    def test_keys_that_are_neither(self, odd):
        """A key that is neither currency nor pair, or holds no number, is a deviation and otherwise ignored."""
        row = wire.decode(wire.dumps({**ROW, **odd}), UserTransaction)
        with pytest.raises(DecodeError):
            wire.decode(wire.dumps({**ROW, **odd}), UserTransaction, strict=True)

        assert not odd.keys() & (row.amounts.keys() - {"usd"})

    def test_words_where_a_number_is_due(self):
        """Words are no amount, whatever their key; a number that cannot be read is refused, and the place is named."""
        assert "state" not in wire.decode(wire.dumps({**ROW, "state": "done"}), UserTransaction).amounts
        with pytest.raises(DecodeError, match=r"UserTransaction\.amounts"):
            wire.decode(wire.dumps({**ROW, "usd": "1,000.00"}), UserTransaction)

    def test_microseconds(self):
        """An order that was just placed is dated to the microsecond, and keeps it."""
        value = {"id": 1, "datetime": "2013-09-26 23:26:56.849475", "type": 0, "price": "1.01", "amount": "1"}
        order = wire.decode(wire.dumps(value), Order, strict=True)

        assert (datetime(2013, 9, 26, 23, 26, 56, 849475, tzinfo=UTC), OrderType.BUY, value) == (
            order.datetime,
            order.type,
            wire.encode(order),
        )

    @pytest.mark.parametrize("side", ["1", 1])
    def test_side_of_a_transaction(self, side):
        """The side of a trade is read, as a number too; old recordings have none."""
        row = {"date": "1", "tid": 1, "price": "1", "amount": "1"}
        newer, older = (wire.decode(wire.dumps(value), Transaction) for value in ({**row, "type": side}, row))

        assert (OrderType.SELL, None) == (newer.type, older.type)

    def test_withdrawal_of_today(self):
        """What came to withdrawal requests later is named."""
        value = {"id": 1, "datetime": "2026-03-02 03:04:05", "type": 1, "amount": "1", "status": 2, "currency": "ETH"}
        value |= {"network": "ethereum", "address": "0xa", "txid": 7, "transaction_id": "0xb"}
        request = wire.decode(wire.dumps(value), WithdrawalRequest, strict=True)

        assert ("ETH", "ethereum", "0xa", "7", "0xb") == (
            request.currency,
            request.network,
            request.address,
            request.txid,
            request.transaction_id,
        )

    @pytest.mark.parametrize("data", [None, "MTGOX-USD-CODE", {"code": "x"}, 5])
    def test_withdrawal_request(self, data):
        """What comes with a withdrawal is kept as it is."""
        value = {"id": 1, "datetime": "2013-09-26 23:26:56", "type": 5, "amount": "1", "status": 4, "data": data}
        request = wire.decode(wire.dumps(value), WithdrawalRequest, strict=True)

        assert (WithdrawalType.MTGOX_CODE, WithdrawalStatus.FAILED, data) == (
            request.type,
            request.status,
            request.data,
        )

    def test_unknown_codes(self):
        """Codes that no document names are kept."""
        value = {"id": 1, "datetime": "2013-09-26 23:26:56", "type": 9, "amount": "1", "status": 8}
        request = wire.decode(wire.dumps(value), WithdrawalRequest)

        assert (9, 8) == (request.type, request.status)

    def test_codes(self):
        """The documented codes are these."""
        assert (range(6), range(5)) == (range(len(WithdrawalType)), range(len(WithdrawalStatus)))


class Server:
    """User transactions at Bitstamp; one more arrives after each page."""

    def __init__(self, count, arrivals=1):
        self.rows = [{**ROW, "id": number} for number in range(count)]
        self.arrivals = arrivals
        self.forms = []

    def __call__(self, request):
        form = {key: values[0] for key, values in parse_qs(request.content.decode()).items()}
        self.forms.append(form)
        offset, limit = int(form["offset"]), int(form["limit"])
        page = self.rows[offset : offset + limit]
        new = [{**ROW, "id": 10**6 + len(self.forms) * 1000 + n} for n in range(self.arrivals)]
        self.rows[:0] = new
        return answer(page)


async def ids(v1, **options):
    """The ids of all transactions."""
    return [row.id async for row in v1.account.every_user_transaction(**options)]


class TestPaging:
    @pytest.mark.parametrize("arrivals", [0, 1, 7, 80])
    def test_a_thousand_rows_of_one_second(self, arrivals):
        """A thousand rows with equal timestamps come once each, in order, while new ones arrive."""
        assert list(range(1000)) == ask(lambda v1: ids(v1, page_size=100), Server(1000, arrivals))

    def test_what_is_asked(self):
        """Pages are asked for newest first, each from the row read last."""
        server = Server(250, arrivals=0)
        ask(ids, server)

        assert [("0", "100", "desc"), ("99", "100", "desc"), ("198", "100", "desc"), ("249", "100", "desc")] == [
            (form["offset"], form["limit"], form["sort"]) for form in server.forms
        ]
