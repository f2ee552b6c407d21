# ruff: noqa: INP001, T201 - examples are not a package, and print
"""Place one post-only order far below the market, look at what became of it, and cancel it.

Against the simulator::

    python examples/place_order.py bitstamp BTC/USD 0.001

With real money::

    BITSTAMP_API_KEY=... BITSTAMP_API_SECRET=... python examples/place_order.py bitstamp BTC/USD 0.001 --live

It shows what each end of a money call proves, and what is left to do.
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal

from exchanges import (
    Ambiguous,
    Bitso,
    Bitstamp,
    Incomplete,
    NoTrace,
    NotSent,
    OutcomeUnknown,
    RateLimitTimeout,
    Reconciled,
    Rejected,
)
from exchanges.simulator import Venue, simulate
from exchanges.spot import Market

CLIENTS: dict[str, type[Bitso | Bitstamp]] = {"bitso": Bitso, "bitstamp": Bitstamp}
BELOW = Decimal("0.9")  # of the best bid: it rests in the book, and does not trade


async def place(client: Bitso | Bitstamp, market: Market, amount: Decimal) -> str | None:
    """Place the order; return its id, or None if it was certainly not placed or is not known to be."""
    await client.spot.markets()
    rules = client.spot.rules(market)
    book = await client.spot.order_book(market)
    price = rules.round_price(book.bids[0].price * BELOW, "buy")
    try:
        order = await client.spot.place_limit(
            market, "buy", amount=rules.round_amount(amount), price=price, post_only=True
        )
    except (NotSent, RateLimitTimeout) as error:
        print("not placed, nothing left this machine; call again:", error)
    except Rejected as error:
        print("not placed, the exchange refused it:", error.code, error.text)
    except OutcomeUnknown as error:
        return await prove(client, error)
    else:
        print(f"placed: {order.order_id}, {order.amount} at {order.price}")
        return order.order_id
    return None


async def prove(client: Bitso | Bitstamp, unknown: OutcomeUnknown) -> str | None:
    """Determine what became of an order whose answer proves nothing; it is never sent again."""
    print("perhaps placed:", unknown)
    # Long enough for the proof that it was not: see docs/unknown-outcomes.md.
    match await client.reconcile(unknown.intent, timeout_seconds=400):
        case Reconciled(found=order, id=order_id):
            print("it was placed:", order)
            return order_id
        case NoTrace():
            print("it was not placed and will not be; it may be placed again")
        case Ambiguous(candidates=orders):
            print("one of these may be it; look at the exchange:", orders)
        case Incomplete(reason=reason, ask_again_at=moment):
            print("not known:", reason, "- ask again at", moment)
    return None


async def trade(client: Bitso | Bitstamp, market: Market, amount: Decimal) -> None:
    """Place the order, cancel it, and print what it traded before that."""
    order_id = await place(client, market, amount)
    if order_id is None:
        return
    was_open = await client.spot.cancel(order_id)
    print("cancelled" if was_open else "no longer open")
    state = await client.spot.wait_settled(order_id, timeout_seconds=30)
    print(f"final: {state.is_settled}; traded {state.filled} {market.base} for {state.value} {market.quote}")


async def simulated(venue: Venue, market: Market, amount: Decimal) -> None:
    """Trade against the simulator."""
    async with simulate(venue) as sim:
        if venue is Venue.BITSO:
            async with Bitso(base_url=sim.base_url, **sim.account(Venue.BITSO)) as bitso:
                await trade(bitso, market, amount)
        else:
            async with Bitstamp(base_url=sim.base_url, **sim.account(Venue.BITSTAMP)) as bitstamp:
                await trade(bitstamp, market, amount)


async def live(exchange: str, market: Market, amount: Decimal) -> None:
    """Trade with the key from the environment."""
    async with CLIENTS[exchange]() as client:
        await trade(client, market, amount)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exchange", choices=sorted(CLIENTS))
    parser.add_argument("market", type=Market.parse, help="such as BTC/USD")
    parser.add_argument("amount", type=Decimal, help="of the base currency")
    parser.add_argument("--live", action="store_true", help="trade with real money")
    given = parser.parse_args()
    trading = (
        live(given.exchange, given.market, given.amount)
        if given.live
        else simulated(Venue(given.exchange), given.market, given.amount)
    )
    asyncio.run(trading)


if __name__ == "__main__":
    main()
