"""The example that watches three exchanges: worked out by hand, and run against the simulator."""

from contextlib import aclosing
from decimal import Decimal

from attrs import frozen

from examples.arbitrage import FEES, Opportunity, Venue, Watch, match, opportunities, own_fees, simulated, venues
from exchanges import Bitex, Bitso, Bitstamp
from exchanges.simulator import Venue as Played
from exchanges.simulator import simulate

D = Decimal


@frozen
class Level:
    price: Decimal
    amount: Decimal


@frozen
class Book:
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


def levels(*pairs):
    """Levels from prices and amounts."""
    return tuple(Level(D(price), D(amount)) for price, amount in pairs)


async def nothing():
    """Replace a book that is not read."""
    raise NotImplementedError


CHEAP = Book(bids=levels((99, 1)), asks=levels((100, 1), (101, 2), (104, 5)))
DEAR = Book(bids=levels((103, 2), (102, 2), (100, 9)), asks=levels((105, 1)))


def test_depth():
    """Both books are walked down as long as buying costs less than selling brings."""
    asks = [(level.price, level.amount) for level in CHEAP.asks]
    bids = [(level.price, level.amount) for level in DEAR.bids]

    # 1 at 100 and 1 at 101 for 103, then 1 at 101 for 102; the next ask of 104 is above every bid
    assert (D(3), D(302), D(308)) == match(asks, bids)


def test_nothing_to_gain():
    """If the best ask is above the best bid there is no opportunity."""
    assert (0, 0, 0) == match([(D(101), D(1))], [(D(100), D(1))])


def test_fees_are_counted():
    """The fees of both venues are subtracted: 1 % each leaves 101.97 - 101 of the first coin alone."""
    terms = {"a": Venue(nothing, fee=D("0.01")), "b": Venue(nothing, fee=D("0.01"))}
    found = opportunities({"a": CHEAP, "b": DEAR}, terms, {})

    assert [Opportunity("a", "b", D(1), D("101.00"), D("101.97"))] == found
    assert D("0.97") == found[0].profit


def test_other_currencies_wait_for_a_rate():
    """Prices in another currency are compared once it is known what a dollar costs."""
    terms = {"a": Venue(nothing, fee=D(0)), "b": Venue(nothing, fee=D(0), usd_rate=nothing)}
    pesos = Book(bids=levels((2060, 1)), asks=levels((2100, 1)))
    found = opportunities({"a": CHEAP, "b": pesos}, terms, {"b": D(20)})

    assert [] == opportunities({"a": CHEAP, "b": pesos}, terms, {})
    assert [Opportunity("a", "b", D(1), D(100), D(103))] == found


async def test_fees_of_the_account():
    """With a key the fees are those of the account, each as a fraction; without one they are the highest."""
    async with simulate(delay_seconds=(0, 0), limits=False) as sim:
        keys = [sim.account(venue) for venue in (Played.BITSO, Played.BITSTAMP)]
        async with (
            Bitso(base_url=sim.base_url, limits=None, **keys[0]) as bitso,
            Bitstamp(base_url=sim.base_url, limits=None, **keys[1]) as bitstamp,
        ):
            own = await own_fees(bitso, bitstamp)
        async with (
            Bitso(base_url=sim.base_url, limits=None) as bitso,
            Bitstamp(base_url=sim.base_url, limits=None) as bitstamp,
        ):
            without_keys = await own_fees(bitso, bitstamp)

    assert (FEES, D("0.0025")) == (without_keys, own["bitstamp"])
    assert 0 < own["bitso"] < D("0.02")


async def test_against_the_simulator():
    """All three exchanges and the rate are read, and every opportunity found is one at the prices read."""
    async with (
        simulate(seed=3, delay_seconds=(0, 0), limits=False) as sim,
        Bitex(base_url=sim.base_url, limits=None) as bitex,
        Bitso(base_url=sim.base_url, limits=None) as bitso,
        Bitstamp(base_url=sim.base_url, limits=None) as bitstamp,
    ):
        terms = venues(bitex, bitso, bitstamp)
        free = {name: Venue(v.book, D(0), v.usd_rate) for name, v in terms.items()}
        watch = Watch(free)
        async with aclosing(watch.run(every_seconds=0.01)) as rounds:
            async for found in rounds:
                latest = found
                if len(watch.books) == 3 and watch.usd_rates:
                    break

    assert {} == watch.failing
    assert {v.value for v in Played} == watch.books.keys()
    assert all(o.profit > 0 for o in latest)


async def test_what_is_printed(monkeypatch, capsys):
    """The program says what it found at the simulator, and that it found nothing."""

    async def once(_):
        yield [Opportunity("a", "b", D("1.5"), D("101.00"), D("101.97"))]
        yield []

    monkeypatch.setattr(Watch, "run", once)
    await simulated()

    assert "1.5 BTC from a to b: 0.97 USD\nno opportunity\n" == capsys.readouterr().out
