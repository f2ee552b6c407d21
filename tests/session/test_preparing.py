"""Prepared reads that are sent again: only for what is the same call."""

from decimal import Decimal
from enum import StrEnum

import httpx
import pytest
from attrs import evolve

from exchanges import Bitex, Bitstamp
from exchanges.endpoint import Param
from exchanges.errors import UsageError
from exchanges.session.preparing import MOST_READS
from tests.support.specimens import specimen_of

BODY = specimen_of("bitstamp.market.ticker").answer


class Market(StrEnum):
    """A text of the caller's own class."""

    BTCUSD = "btcusd"


@pytest.fixture
def sent():
    """Collect the paths that are requested."""
    return []


@pytest.fixture
async def bitstamp(sent):
    """Create a client whose requests are collected."""

    def answer(request):
        sent.append(request.url.path)
        return httpx.Response(200, content=BODY)

    async with Bitstamp(transport=httpx.MockTransport(answer), limits=None) as client:
        yield client


async def test_the_same_read_again(bitstamp, sent):
    """A read with the same arguments is the same request, and one with others is another."""
    for market in ("btcusd", "btceur", "btcusd", Market.BTCUSD):
        await bitstamp.market.ticker(market)

    assert ["btcusd", "btceur", "btcusd", "btcusd"] == [path.split("/")[-2] for path in sent]
    assert 2 == len(bitstamp._session._preparer._reads)


async def test_equal_arguments_of_other_types(bitstamp):
    """What is refused stays refused after a call with an argument that is equal to it."""
    for limit in (1.0, True, Decimal(1)):
        preparer = bitstamp._session._preparer
        endpoint = bitstamp.market.ohlc.endpoint
        good = {"market": "btcusd", "step": 60, "limit": 1}
        preparer.prepare(endpoint, good, bitstamp._options, "https://a.example")
        with pytest.raises(UsageError, match="limit must be"):
            preparer.prepare(endpoint, {**good, "limit": limit}, bitstamp._options, "https://a.example")


async def test_how_many_are_kept(bitstamp):
    """Ever new arguments do not fill the memory."""
    preparer, endpoint = bitstamp._session._preparer, bitstamp.market.ticker.endpoint
    for number in range(2 * MOST_READS):
        preparer.prepare(endpoint, {"market": f"m{number}"}, bitstamp._options, "https://a.example")

    assert len(preparer._reads) <= MOST_READS


async def test_what_is_not_kept():
    """A call that changes something is prepared each time, and bears another tag."""
    async with Bitex(api_key="key") as client:
        preparer, endpoint = client._session._preparer, client.trading.create_bid.endpoint
        arguments = {"amount": 1, "price": 1}
        first, second = (preparer.prepare(endpoint, arguments, client._options, "https://a.example") for _ in range(2))

        assert (False, {}) == (first is second, preparer._reads)


async def test_secrets_are_not_kept(bitstamp):
    """A read with a secret among its arguments is not kept."""
    preparer, declared = bitstamp._session._preparer, bitstamp.market.ticker.endpoint
    secret = evolve(declared.arguments[0], param=Param(secret=True))
    endpoint = evolve(declared, arguments=(secret,))
    preparer.prepare(endpoint, {"market": "btcusd"}, bitstamp._options, "https://a.example")

    assert {} == preparer._reads
