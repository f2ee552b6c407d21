import pytest

from exchanges.bitex import Bid, Bitex, Buy, UnknownRow
from tests.support.scripted_transport import Script, answer
from tests.support.virtual_time import in_virtual_time

BID = [1, 7, 946685400, 1, 100.0, 0.0, 500.0, 3]
OLD_BID = [1, 6, 946685300, 1, 100.0, 0.0, 500.0, 3]
BUY = [3, 7, 946685400, 1, 2.0, 1000.0, 0.05, 500.0, 7]
UNKNOWN = [99, 7, "new"]
OLD_UNKNOWN = [99, 7, "old"]


def scripted(latest, full):
    """Return the latest movements, or all of them."""
    return Script.of(lambda request: answer(full if "full=true" in request.url.query.decode() else latest))


async def movements(latest, full):
    """Iterate over all movements; return classes and ids, or the cells of unknown classes."""
    async with Bitex(api_key="k", transport=scripted(latest, full)) as bitex:
        every = [movement async for movement in bitex.account.every_movement()]
    return [m.cells if isinstance(m, UnknownRow) else (type(m), m.id) for m in every]


@in_virtual_time
@pytest.mark.parametrize(
    ("latest", "full", "expected"),
    [
        # The latest movements come first, then the rest of the full summary.
        ([BID], [BID, OLD_BID], [(Bid, 7), (Bid, 6)]),
        # A bid and a buy of the same id are two movements.
        ([BID], [BID, BUY], [(Bid, 7), (Buy, 7)]),
        # Movements of an unknown class are identified by all their cells.
        ([UNKNOWN], [UNKNOWN, OLD_UNKNOWN], [tuple(UNKNOWN), tuple(OLD_UNKNOWN)]),
        # A movement that changed between the two answers is yielded as first read.
        ([BID], [[*BID[:7], 4]], [(Bid, 7)]),
    ],
)
async def test_no_movement_twice(latest, full, expected):
    """Each movement is yielded once."""
    assert expected == await movements(latest, full)


@in_virtual_time
@pytest.mark.parametrize(("taken", "asked"), [(1, 1), (2, 2)])
async def test_the_whole_is_read_when_it_is_needed(taken, asked):
    """The full summary is read only when the iteration gets there."""
    script = scripted([BID], [OLD_BID])
    async with Bitex(api_key="k", transport=script) as bitex:
        every = bitex.account.every_movement()
        for _ in range(taken):
            await anext(every)
        await every.aclose()

    assert asked == len(script.came)
