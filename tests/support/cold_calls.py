"""Run by a test in a process of its own: calls of clients that can load no module once they are created.

Prints what was loaded when the clients were created, what each call came to, and what was to be loaded later. It writes
``lose`` before a call whose answer is to be lost, ``keep`` after it, and reads a line as the answer.

It imports nothing that a client might load itself, such as json.
"""

import asyncio
import sys
from decimal import Decimal

import exchanges
from exchanges import Bitex, Bitso, Bitstamp, OutcomeUnknown

CLIENTS = {"bitex": Bitex, "bitso": Bitso, "bitstamp": Bitstamp}
EXCHANGE = {
    "bitstamp": {
        "place": lambda c, amount: c.trading.buy(market="btcusd", amount=f"0.00{amount}", price="20000"),
        "read": lambda c, _: c.trading.open_orders(),
        "cancel": lambda c, order: c.trading.cancel_order(order_id=order.id),
        "book": lambda c, _: c.market.order_book("btcusd"),
        "refused": lambda c, _: c.trading.buy(market="btcusd", amount="1000", price="20000"),
    },
    "bitso": {
        "place": lambda c, amount: c.trading.place_order(
            book="btc_mxn", side="sell", order_type="limit", major=f"0.00{amount}", price="2000000"
        ),
        "read": lambda c, _: c.trading.open_orders(book="btc_mxn"),
        "cancel": lambda c, oid: c.trading.cancel_order(oid),
        "book": lambda c, _: c.market.order_book("btc_mxn"),
        "refused": lambda c, _: c.trading.place_order(
            book="btc_mxn", side="sell", order_type="limit", major="1000", price="2000000"
        ),
    },
    "bitex": {
        "place": lambda c, amount: c.trading.create_bid(amount=Decimal(amount * 10), price=Decimal(100)),
        "read": lambda c, bid: c.trading.bid(bid.id),
        "cancel": lambda c, bid: c.trading.cancel_bid(bid.id),
        "book": lambda c, _: c.market.order_book(),
        "refused": lambda c, _: c.trading.create_bid(amount=Decimal(-1), price=Decimal(100)),
    },
}


class Exhausted:
    """A finder that finds nothing, as if the process had no descriptor left."""

    def __init__(self):
        self.wanted = []

    def find_spec(self, name, path=None, target=None):
        """Raise what opening a file raises."""
        self.wanted.append(name)
        raise OSError(24, "Too many open files", name)


def say(*parts):
    """Write one line for the test."""
    sys.stdout.write(f"{list(parts)!r}\n")
    sys.stdout.flush()


async def came_to(call):
    """Return the value, or the error, of a call."""
    try:
        return await call
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return error


async def use(name, client):
    """Make one call of each sort, and one whose answer is lost."""
    calls = EXCHANGE[name]
    order = await came_to(calls["place"](client, 5))
    say(name, "place", type(order).__name__)
    for what in ("read", "cancel", "book", "refused"):
        say(name, what, type(await came_to(calls[what](client, order))).__name__)
    say("lose")
    sys.stdin.readline()
    lost = await came_to(calls["place"](client, 7))
    say("keep")
    sys.stdin.readline()
    say(name, "lost", type(lost).__name__, len(client.unresolved))
    if isinstance(lost, OutcomeUnknown):
        verdict = await came_to(client.reconcile(lost.intent, timeout_seconds=0.2))
        say(name, "reconcile", type(verdict).__name__)


async def main():
    """Create the clients, let no module be loaded any more, and use them."""
    base_url, accounts = sys.argv[1], {name: {} for name in CLIENTS}
    for option in sys.argv[2:]:
        exchange, name, value = option.split("=")
        accounts[exchange][name] = value
    clients = {name: kind(base_url=base_url, timeout_seconds=20.0, **accounts[name]) for name, kind in CLIENTS.items()}
    say("loaded", sorted(sys.modules))
    exhausted = Exhausted()
    sys.meta_path.insert(0, exhausted)
    for name, client in clients.items():
        async with client:
            await use(name, client)
    say("wanted", exhausted.wanted)
    say("cold", type(await came_to(_cold(base_url, accounts["bitso"]))).__name__)


async def _cold(base_url, account):
    """Use streams, of which nothing is loaded."""
    async with Bitso(base_url=base_url, **account) as client, client.streams.trades("btc_mxn") as trades:
        return await anext(aiter(trades))


if __name__ == "__main__":
    asyncio.run(main())
    try:
        say("follow", exchanges.follow.__name__)
    except exchanges.ExchangeError as error:
        say("follow", type(error).__name__, str(error))
