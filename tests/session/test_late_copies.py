"""A second copy of an answer that comes when the next request is out is not taken for the answer to that."""

import json
from datetime import UTC, datetime
from email.utils import formatdate

import pytest

from exchanges import Bitso, Bitstamp
from exchanges.errors import ExchangeError, OutcomeUnknown
from exchanges.state import MemoryState
from tests.support.raw_server import response, serving

OPTIONS = {"api_key": "k", "api_secret": "s", "client_id": "1", "limits": None, "timeout_seconds": 20.0}
DATE = b"Date: " + formatdate(usegmt=True).encode()
REFUSED = {"error": "You have only 0 BTC available. Check your account balance for details."}
NO_ORDER = {"error": "Order not found"}


def order():
    """Return what Bitstamp v1 shows of an order of now."""
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {"id": 7, "datetime": moment, "type": 0, "price": "10", "amount": "1"}


def late(*said, asked=None):
    """Answer in order, on a connection that is used again with a copy of its last answer first; note who asked."""
    answers = iter(said)
    asked = [] if asked is None else asked

    async def talk(heard):
        before = b""
        while True:
            await heard.request()
            asked.append(heard)
            whole = response(json.dumps(next(answers, [])).encode(), DATE)
            await heard.say(before + whole)
            before = whole

    return talk


def client(server, kind=Bitstamp):
    """Create a client of the server."""
    return kind(base_url=server.origin, state=MemoryState(), **OPTIONS)


async def ending(call):
    """Return the answer of a call, or its error."""
    try:
        return await call
    except ExchangeError as error:
        return error


@pytest.mark.parametrize("first", [REFUSED, NO_ORDER, None, {}, [], "", {"id": 8}])
async def test_what_was_no_success(first):
    """An order is not refused, nor doubtful, by the copy of a refusal with status 200 or of what cannot be read."""
    async with serving(late(first, order())) as server, client(server) as bitstamp:
        before = await ending(bitstamp.v1.trading.sell(amount="1", price="10"))
        placed = await bitstamp.v1.trading.buy(amount="1", price="10")

    assert (True, 7) == (isinstance(before, ExchangeError), placed.id)


async def test_a_bare_confirmation():
    """A cancel is not done by the copy of the confirmation of another one, which shows no id."""
    async with serving(late(True, NO_ORDER)) as server, client(server) as bitstamp:
        await bitstamp.v1.trading.cancel_order(1)
        after = await ending(bitstamp.v1.trading.cancel_order(2))

    assert "Order not found" == after.text


async def test_a_withdrawal_that_is_confirmed_barely():
    """Nor is a withdrawal."""
    address = {"address": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"}
    async with serving(late("ok", None)) as server, client(server, Bitso) as bitso:
        await bitso.v2.funding.bitcoin_withdrawal(amount="1", **address)
        after = await ending(bitso.v2.funding.bitcoin_withdrawal(amount="2", **address))

    assert OutcomeUnknown is type(after)


async def test_reads_that_are_evidence():
    """A reconciliation reads on new connections: no copy of an empty list shows that nothing is there."""
    asked = []
    async with serving(late([], {}, [order()], asked=asked)) as server, client(server) as bitstamp:
        await bitstamp.v1.trading.open_orders()
        with pytest.raises(OutcomeUnknown) as caught:
            await bitstamp.v1.trading.buy(amount="1", price="10")
        await bitstamp.reconcile(caught.value.intent, timeout_seconds=5)

    assert len(asked) > 2
    assert len(asked) - 1 == len(set(asked))


async def test_what_shows_its_request_keeps_its_connection():
    """An answer that shows what it answers costs no connection."""
    asked = []
    async with serving(late(order(), asked=asked)) as server, client(server) as bitstamp:
        await bitstamp.v1.trading.buy(amount="1", price="10")
        await ending(bitstamp.v1.trading.open_orders())

    assert asked[0] is asked[1]
