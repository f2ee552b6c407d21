"""How orders are found at the simulators of Bitso and Bitstamp. What is particular to one of them has its own file."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve, field, frozen

from exchanges import Bitso, Bitstamp
from exchanges.bitso import v2
from exchanges.bitstamp import v1
from exchanges.endpoint import endpoints_of
from exchanges.endpoint.call import prepare
from exchanges.errors import NotFound
from exchanges.outcomes.response import mismatches
from exchanges.outcomes.search import Matches, Read, Searches
from exchanges.wire import decode, dumps
from tests.support.searches import AT, MINUTE, dated, facts, query_for, search, search_in, specimen
from tests.support.simulator_days import playing_bitso, playing_bitstamp

pytestmark = pytest.mark.sweep

GONE = NotFound("there is no such list")
CANCELS = ("bitso.v2.trading.cancel_order", "bitstamp.v1.trading.cancel_order")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# What no read shows, and why: by client.
WITHOUT_EVIDENCE: dict[type, dict[str, str]] = {
    Bitso: {},
    Bitstamp: {
        "bitstamp.account.revoke_all_api_keys": "a key that is revoked reads nothing",
        "bitstamp.funding.update_deposit_originator": "no read shows what was said of a deposit",
        "bitstamp.funding.reject_crypto_deposit": "no document says how a rejected deposit is shown",
    },
}


@frozen
class Exchange:
    """What the tests need to know of an exchange.

    Attributes:
        low: A price below the market.
        high: A price above the market.
        gone_is_sure: Whether an order that is not open any more shows all that was asked for.
        amount_of: The amount that a match shows.
        shown: Classes of what a match of an order that traded in part holds: if it is open, and if it was cancelled.
        answer: The documented answer to an order to buy, as it was asked for.
        other: Other values for what the answer repeats.
    """

    client: type[Bitso | Bitstamp]
    generation: str
    order: type
    area: Any
    playing: Callable[[], Any]
    currency: str
    low: int
    high: int
    gone_is_sure: bool
    amount_of: Callable[[Any], Decimal]
    shown: tuple[set[type], set[type]]
    answer: Mapping[str, Any]
    other: Mapping[str, Any]
    asked: Mapping[str, Any] = field(factory=dict)

    @property
    def name(self) -> str:
        return self.client.exchange

    @property
    def searches(self) -> Searches:
        return self.client.searches()

    def trading(self, client: Any) -> Any:
        return getattr(client, self.generation).trading

    def call(self, side: str) -> Any:
        return getattr(self.area, side)


BITSO = Exchange(
    Bitso,
    "v2",
    v2.Order,
    v2.Trading,
    playing_bitso,
    currency="mxn",
    low=900_000,
    high=1_300_000,
    gone_is_sure=True,
    amount_of=lambda order: order.amount,
    shown=({v2.Order}, {v2.Order}),
    answer={**specimen("bitso/v2.trading.open_orders")[1], "book": "btc_mxn"},
    other={"amount": "0.1", "price": "4000.01", "book": "eth_mxn"},
    asked={"amount": "0.1268", "price": 4000, "book": "btc_mxn"},
)
BITSTAMP = Exchange(
    Bitstamp,
    "v1",
    v1.Order,
    v1.Trading,
    playing_bitstamp,
    currency="usd",
    low=50_000,
    high=70_000,
    gone_is_sure=False,
    amount_of=lambda trades: sum(trade.amounts["btc"] for trade in trades),
    shown=({v1.Order, v1.UserTransaction}, {v1.UserTransaction}),
    answer={**specimen("bitstamp/v1.trading.open_orders")[0], "datetime": "2013-09-26 23:26:56.849475"},
    other={"amount": "2", "price": "1.02"},
    asked={"amount": 1, "price": "1.01"},
)
EXCHANGES = pytest.mark.parametrize("exchange", [BITSO, BITSTAMP], ids=lambda exchange: exchange.name)
SIDES = pytest.mark.parametrize("side", ["buy", "sell"])


@pytest.mark.parametrize("client", WITHOUT_EVIDENCE)
def test_every_call_that_is_never_repeated_has_a_search_or_a_reason(client):
    """No call of a client is forgotten, and no search is for a call that does not exist; cancels have one too."""
    once = {e.id for e in endpoints_of(client) if e.kind.is_once or e.id in CANCELS}

    assert once == client.searches().keys() | WITHOUT_EVIDENCE[client].keys()


@EXCHANGES
@SIDES
async def test_an_order_that_waits_is_found(exchange, side):
    """It is the one candidate, sure, with the id and the moment of the answer."""
    async with exchange.playing() as (_, client, _):
        asked = {"amount": "0.01", "price": exchange.low if side == "buy" else exchange.high}
        placed = await getattr(exchange.trading(client), side)(**asked)
        query = query_for(exchange.call(side), **asked)
        matches = await search(client, exchange.searches, query)
        answered = exchange.searches[query.intent.endpoint].identify(placed)

        assert [(answered.id, answered.at, True)] == [(m.id, m.at, m.sure) for m in matches.candidates]
        assert (str(placed.id), True) == (answered.id, matches.complete)


@EXCHANGES
@SIDES
async def test_an_order_that_traded_at_once_is_found(exchange, side):
    """Though it traded at better prices than its limit; where only trades show it, it is in doubt."""
    async with exchange.playing() as (_, client, _):
        asked = {"amount": "0.01", "price": exchange.high if side == "buy" else exchange.low}
        placed = await getattr(exchange.trading(client), side)(**asked)
        matches = await search(client, exchange.searches, query_for(exchange.call(side), **asked))
        [match] = matches.candidates

        assert (str(placed.id), exchange.gone_is_sure, True) == (match.id, match.sure, matches.complete)
        assert Decimal("0.01") == abs(exchange.amount_of(match.found))


@EXCHANGES
@pytest.mark.parametrize("cancelled", [False, True])
async def test_an_order_that_traded_in_part_is_found(exchange, cancelled):
    """Its whole amount is compared; where only trades show it, not if the rest was cancelled."""
    async with exchange.playing() as (sim, client, _):
        getattr(sim, exchange.name).deposit(exchange.currency, Decimal(100_000_000))
        best = (await getattr(client, exchange.generation).market.order_book()).asks[0]
        asked = {"amount": best.amount + 1, "price": best.price}
        placed = await exchange.trading(client).buy(**asked)
        if cancelled:
            await exchange.trading(client).cancel_order(placed.id)
        matches = await search(client, exchange.searches, query_for(exchange.area.buy, **asked))

        sure = exchange.gone_is_sure or not cancelled
        found = matches.candidates[0].found
        shown = {type(part) for part in (found if isinstance(found, tuple) else (found,))}
        assert ([(str(placed.id), sure)], True) == (facts(matches), matches.complete)
        assert exchange.shown[cancelled] == shown


@EXCHANGES
async def test_an_order_that_traded_later_is_found(exchange):
    """That its trade took place long after the call does not speak against it."""
    async with exchange.playing() as (sim, client, _):
        book = await getattr(client, exchange.generation).market.order_book()
        asked = {"amount": "0.01", "price": book.bids[0].price + 1}
        placed = await exchange.trading(client).buy(**asked)
        while await exchange.trading(client).open_orders():
            sim.advance(3600)
        matches = await search(client, exchange.searches, query_for(exchange.area.buy, **asked))

        assert ([(str(placed.id), exchange.gone_is_sure)], True) == (facts(matches), matches.complete)


OTHERS = [{}, {"price": 1}, {"amount": "0.009"}, {"at": AT + HOUR}, {"at": AT - HOUR}]
ONLY_BITSO = [{"amount": "0.03"}, {"book": "btc_usd"}]


@pytest.mark.parametrize(
    ("exchange", "level", "changes"),
    [
        *((BITSO, level, changes) for level in ("low", "high") for changes in [*OTHERS, *ONLY_BITSO]),
        *((BITSTAMP, "low", changes) for changes in OTHERS),
        # Trades do not show when their order was placed: one from after the call may be of it.
        *((BITSTAMP, "high", changes) for changes in OTHERS[:-1]),
    ],
)
async def test_other_orders_are_not_found(exchange, level, changes):
    """Another side, price, amount, book or moment is another order, waiting or filled; and nothing was overlooked."""
    async with exchange.playing() as (_, client, _):
        price = getattr(exchange, level)
        await exchange.trading(client).buy(amount="0.02", price=price)
        asked = {"amount": "0.02", "price": price, **changes}
        if "price" in changes:
            asked["price"] = exchange.low + 1
        call = exchange.area.buy if changes else exchange.area.sell
        matches = await search(client, exchange.searches, query_for(call, **asked))

        assert Matches() == dated(matches)
        assert ("at" in changes) is bool(matches.candidates)


@EXCHANGES
@pytest.mark.parametrize("days", [-2, 2])
async def test_orders_of_other_days(exchange, days):
    """An order that is shown as days off is another's: no zone and no wrong date explains that."""
    async with exchange.playing() as (_, client, _):
        await exchange.trading(client).buy(amount="0.01", price=exchange.low)
        query = query_for(exchange.area.buy, AT - days * DAY, amount="0.01", price=exchange.low)

        assert Matches() == await search(client, exchange.searches, evolve(query, age=MINUTE + abs(days) * DAY))


@EXCHANGES
async def test_orders_of_others_are_not_found(exchange):
    """An account sees its own orders alone."""
    async with exchange.playing() as (_, client, other):
        await exchange.trading(other).buy(amount="0.01", price=exchange.low)
        await exchange.trading(other).buy(amount="0.01", price=exchange.high)
        query = query_for(exchange.area.buy, amount="0.01", price=exchange.low)

        assert Matches() == await search(client, exchange.searches, query)


@EXCHANGES
async def test_two_that_are_the_same_are_both_found(exchange):
    """Each is a candidate of its own."""
    async with exchange.playing() as (_, client, _):
        asked = {"amount": "0.01", "price": exchange.low}
        placed = {str((await exchange.trading(client).buy(**asked)).id) for _ in range(2)}
        matches = await search(client, exchange.searches, query_for(exchange.area.buy, **asked))

        assert placed == {match.id for match in matches.candidates if match.sure}


@EXCHANGES
async def test_many_trades_are_read_page_by_page(exchange):
    """An order whose trades lie behind more than a page is found all the same."""
    async with exchange.playing() as (_, client, _):
        asked = {"amount": "0.01", "price": exchange.high}
        trading = exchange.trading(client)
        placed = await trading.buy(**asked)
        for _ in range(60):
            await trading.sell(amount="0.001", price=exchange.low)
            await trading.buy(amount="0.001", price=exchange.high)
        matches = await search(client, exchange.searches, query_for(exchange.area.buy, **asked))
        [match] = [match for match in matches.candidates if match.id == str(placed.id)]

        assert (exchange.gone_is_sure, True) == (match.sure, matches.complete)
        assert Decimal("0.01") == exchange.amount_of(match.found)


@EXCHANGES
@pytest.mark.parametrize("missing", ["open_orders", "user_transactions"])
def test_a_list_that_is_not_there_is_not_complete(exchange, missing):
    """What is not shown may hold the order."""
    answers = {"open_orders": [], "user_transactions": [], missing: GONE}
    query = query_for(exchange.area.buy, amount="1", price="1.01")

    assert Matches(complete=False) == search_in(answers, exchange.searches, query)


@pytest.mark.parametrize(
    ("exchange", "name"),
    [(exchange, name) for exchange in (BITSO, BITSTAMP) for name in (None, "type", *exchange.other)],
)
@SIDES
def test_what_answers_repeat(exchange, side, name):
    """Side, amount, price and book of the documented answer are those of its order; any other is noticed."""
    sides = (0, 1) if side == "buy" else (1, 0)
    ours, other = (type(exchange.answer["type"])(number) for number in sides)
    shown = {**exchange.answer, "type": ours, **({name: {"type": other, **exchange.other}[name]} if name else {})}
    sent = prepare(Read.of(exchange.call(side)).endpoint, dict(exchange.asked), "https://here")

    assert [name] * bool(name) == mismatches(sent, decode(dumps(shown), exchange.order, strict=True))
