"""What one row at an exchange proves of calls that it would show in the same way, in virtual time."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from urllib.parse import parse_qs

import pytest

from exchanges import Ambiguous, Bitso, Bitstamp, Incomplete, NoTrace, OutcomeUnknown, Reconciled
from tests.support.scripted_transport import Script, answer, html
from tests.support.virtual_time import elapsed, in_virtual_time

NOW = 1_700_000_000.0
A = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"
BUY = {"amount": "2", "price": "500"}
COINS = {"currency": "xlm", "amount": "5", "address": A}
CLIENTS = {"bitso": Bitso, "bitstamp": Bitstamp}


class Exchange:
    """Shows *rows* in each list, and answers orders and withdrawals with *made*; nothing is answered while it fails."""

    def __init__(self):
        self.rows, self.made, self.fails = [], "1", False

    def reply(self, request):
        path = request.url.path
        if self.fails:
            return html(502)
        date = formatdate(NOW + elapsed(), usegmt=True)
        if path.endswith(("/buy/", "/buy/btcusd/", "/v2/buy")):
            said = {"price": "500", "amount": "2"}
            if not path.startswith("/v2"):
                said = {name: parse_qs(request.content.decode())[name][0] for name in said}
            is_first = path == "/api/buy/"
            extra = {"id": int(self.made), "type": 0} if is_first else {"id": self.made, "type": "0", "status": "0"}
            return answer({**said, **extra, "datetime": shown_at()}, Date=date)
        if path.endswith("/orders"):
            return answer({"success": True, "payload": {"oid": self.made}}, Date=date)
        if path.endswith(("open_orders", "open_orders/", "transactions", "transactions/", "requests/", "lookup_order")):
            is_order = bool(self.rows) and "price" in self.rows[0]
            return answer(self.rows if is_order is ("order" in path) else [], Date=date)
        return answer({"status": "ok"} if "transfer" in path else {"id": int(self.made)}, Date=date)


def shown_at():
    """Return the moment as the exchanges show it."""
    return datetime.fromtimestamp(NOW + elapsed(), UTC).strftime("%Y-%m-%d %H:%M:%S")


def sent(**changes):
    """Return a row of the withdrawals."""
    row = {"id": 700, "datetime": shown_at(), "type": 1, "amount": "5.00", "status": 0, "currency": "XLM"}
    return {**row, "address": A, **changes}


def moved(btc="-1.00000000"):
    """Return a row of the transactions: a transfer."""
    return {"id": 321, "datetime": shown_at(), "type": "14", "fee": "0", "btc": btc, "usd": "0"}


@asynccontextmanager
async def recording(name="bitstamp"):
    """Create an exchange, and a client whose record began long enough ago."""
    exchange = Exchange()
    options = {"api_key": "k", "api_secret": "s", "client_id": "1", "limits": None, "clock": lambda: NOW + elapsed()}
    async with CLIENTS[name](transport=Script([exchange.reply]), **options) as client:
        if name == "bitso":
            await client.v2.trading.buy(amount="2", price="500", book="btc_mxn")
        else:
            await client.v1.trading.buy(amount="1", price="10")
        await asyncio.sleep(400)
        yield exchange, client


async def lose(exchange, call):
    """Return the intent of a call that was not answered."""
    exchange.fails = True
    with pytest.raises(OutcomeUnknown) as caught:
        await call
    exchange.fails = False
    return caught.value.intent


@in_virtual_time
@pytest.mark.parametrize(
    ("one", "another"),
    [
        ({"memo_id": "1"}, {"memo_id": "2"}),
        ({"network": "stellar"}, {"network": "other"}),
        ({}, {"memo_id": "2"}),
        ({"amount": "5.001"}, {"amount": "5.00"}),
    ],
)
async def test_withdrawals_that_a_row_does_not_tell_apart(one, another):
    """One row proves neither of two calls whose difference it does not show, and of none that it was not executed."""
    async with recording() as (exchange, client):
        first = await lose(exchange, client.funding.crypto_withdrawal(**{**COINS, **one}))
        exchange.rows = [sent()]
        second = await lose(exchange, client.funding.crypto_withdrawal(**{**COINS, **another}))
        verdicts = [await client.reconcile(intent, timeout_seconds=90) for intent in (second, first)]

        assert [Ambiguous] * 2 == list(map(type, verdicts))
        assert {first, second} == set(client.unresolved)


@in_virtual_time
@pytest.mark.parametrize(
    ("asked", "shown", "expected"),
    [
        ({}, {}, Reconciled),
        ({}, {"network": "stellar"}, Reconciled),
        ({"network": "stellar"}, {"network": "stellar"}, Reconciled),
        ({"network": "stellar"}, {"network": "Stellar Lumens"}, Ambiguous),
    ],
)
async def test_a_withdrawal_alone(asked, shown, expected):
    """What a row shows as it was asked for is the call's; of a network that bears another name that is not certain."""
    async with recording() as (exchange, client):
        await lose(exchange, client.funding.crypto_withdrawal(**{**COINS, "amount": "6"}, memo_id="2"))
        intent = await lose(exchange, client.funding.crypto_withdrawal(**COINS, **asked))
        exchange.rows = [sent(**shown)]

        assert expected is type(await client.reconcile(intent, timeout_seconds=2))


@in_virtual_time
async def test_a_list_that_shows_only_an_earlier_withdrawal():
    """A list that may be late proves nothing, whether it is empty or shows what a known call made."""
    async with recording() as (exchange, client):
        exchange.made = "700"
        await client.funding.crypto_withdrawal(**COINS)
        exchange.rows = [sent()]
        intent = await lose(exchange, client.funding.crypto_withdrawal(**COINS))

        assert Incomplete is type(await client.reconcile(intent, timeout_seconds=90))


@in_virtual_time
@pytest.mark.parametrize("row", ["-1.00000000", "1.00000000"])
async def test_transfers(row):
    """One row proves none of several transfers: neither the sub account nor, for certain, the direction is shown."""
    async with recording() as (exchange, client):
        asked = {"amount": "1", "currency": "BTC"}
        await client.funding.transfer_from_main(**asked, sub_account=7)
        exchange.rows = [moved(row)]
        funding = client.funding
        for call in (funding.transfer_from_main(**asked, sub_account=8), funding.transfer_to_main(**asked)):
            verdict = await client.reconcile(await lose(exchange, call), timeout_seconds=90)

            assert Ambiguous is type(verdict)


@in_virtual_time
@pytest.mark.parametrize(("row", "expected"), [("-1.00000000", Reconciled), ("1.00000000", Ambiguous)])
async def test_a_transfer_alone(row, expected):
    """It is found if its direction is the one that is expected of a main account."""
    async with recording() as (exchange, client):
        intent = await lose(exchange, client.funding.transfer_from_main(amount="1", currency="BTC", sub_account=8))
        exchange.rows = [moved(row)]

        assert expected is type(await client.reconcile(intent, timeout_seconds=2))


@in_virtual_time
@pytest.mark.parametrize("is_known", [True, False])
async def test_orders_of_two_versions(is_known):
    """What a call of version 2 placed is no proof of one of version 1, nor while it is not known who placed it."""
    async with recording() as (exchange, client):
        exchange.made = "888"
        if is_known:
            await client.trading.buy(market="btcusd", **BUY)
        else:
            await lose(exchange, client.trading.buy(market="btcusd", **BUY))
        intent = await lose(exchange, client.v1.trading.buy(**BUY))
        exchange.rows = [{"id": 888, "datetime": shown_at(), "type": 0, **BUY}]
        verdict = await client.reconcile(intent, timeout_seconds=2)

        assert (Incomplete if is_known else Ambiguous) is type(verdict)


@in_virtual_time
async def test_orders_of_two_versions_at_bitso():
    """What a call of version 3 placed is no proof of one of version 2, which left nothing."""
    async with recording("bitso") as (exchange, client):
        exchange.made = "X777"
        await client.trading.place_order(book="btc_mxn", side="buy", order_type="limit", major="2", price="500")
        intent = await lose(exchange, client.v2.trading.buy(**BUY, book="btc_mxn"))
        exchange.rows = [{"id": "X777", "type": "0", "status": "0", "datetime": shown_at(), **BUY}]

        assert not isinstance(await client.reconcile(intent, timeout_seconds=2), Reconciled | NoTrace)


@in_virtual_time
async def test_withdrawals_of_two_versions():
    """What a call of version 2 withdrew is no proof of one of version 1."""
    async with recording() as (exchange, client):
        exchange.made = "901"
        await client.funding.crypto_withdrawal(currency="btc", amount="1", address=A)
        intent = await lose(exchange, client.v1.funding.bitcoin_withdrawal(amount="1", address=A))
        exchange.rows = [sent(id=901, amount="1", currency="BTC", data=A)]

        assert Incomplete is type(await client.reconcile(intent, timeout_seconds=2))
