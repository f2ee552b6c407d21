"""What a new user mistypes, and what help and completion show."""

import inspect
import pydoc

import pytest

from exchanges import Bitex, Bitso, Bitstamp, UsageError
from exchanges.session.config import ClientOptions
from tests.support.scripted_transport import Script
from tests.support.virtual_time import in_virtual_time


def bitstamp():
    """Create a client that sends nothing."""
    return Bitstamp(transport=Script.of(), api_key="k" * 8, api_secret="s" * 8, client_id="1")


@pytest.mark.parametrize("client", [Bitex, Bitso, Bitstamp])
def test_the_signature(client):
    """The signature of a client has each of its options by name, as text."""
    parameters = inspect.signature(client).parameters

    assert ClientOptions.__annotations__.keys() <= parameters.keys()
    assert {"api_key", "timeout_seconds"} <= parameters.keys()
    assert "ForwardRef" not in str(inspect.signature(client))


@pytest.mark.parametrize(
    ("client", "areas"), [(Bitex, "market, rates"), (Bitstamp, "market, account, trading, funding, v1, streams, spot")]
)
def test_help(client, areas):
    """`help` lists the areas, and shows no value for an option that is not passed."""
    words = pydoc.render_doc(client)

    assert (True, False) == (areas in words, "Ellipsis" in words)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("timeout", "no such option: timeout; did you mean timeout_seconds"),
        ("api_ky", "did you mean api_key"),
        ("zzz", "there are base_url"),
        ("testnet", "no such option: testnet; did you mean sandbox"),
    ],
)
def test_an_unknown_option(option, words):
    """An unknown option names the nearest one, or all."""
    with pytest.raises(UsageError, match=words):
        Bitstamp(**{option: 5})


@pytest.mark.parametrize(
    ("find", "words"),
    [
        (lambda client: client.markt, r"Bitstamp has no markt; did you mean market\?; areas: market, account, "),
        (lambda client: client.v9, "Bitstamp has no v9.*; areas: .*v1.*streams"),
        (
            lambda client: client.market.tikcer,
            r"Market has no tikcer; did you mean ticker\?; calls: ticker, ",
        ),
        (lambda client: client.v1.tradng, r"V1 has no tradng; did you mean trading\?; areas: market, "),
        (lambda client: client.__wrapped__, "Bitstamp has no __wrapped__$"),
    ],
)
@in_virtual_time
async def test_an_attribute_that_there_is_not(find, words):
    """The error of a misspelled attribute says what there is."""
    async with bitstamp() as client:
        with pytest.raises(AttributeError, match=words):
            find(client)


@in_virtual_time
async def test_reprs():
    """The repr of an area lists its calls, that of a bundle its areas."""
    async with bitstamp() as client:
        shown = repr(client.trading), repr(client.v1), repr(client.spot)

    assert "Trading(buy, sell, " == shown[0][:19]
    assert "BitstampSpot(markets, rules, ticker, " == shown[2][:37]
    assert "V1(market, account, trading, funding)" == shown[1]


@in_virtual_time
async def test_a_misspelled_argument():
    """A misspelled argument is named before the right one is missed."""
    async with bitstamp() as client:
        with pytest.raises(UsageError, match=r"no such argument: prize; did you mean price\?; nothing was sent"):
            await client.trading.buy(market="btcusd", amount="1", prize="1")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda client: client.market.ticker(symbol="btcusd"), "no such argument: symbol; there are market; nothing"),
        (lambda client: client.trading.cancel_order(id="7"), r"no such argument: id; did you mean order_id\?"),
        (
            lambda client: client.trading.buy("btcusd", "1"),
            r"by name: buy\(market=..., amount=..., price=...\); nothing",
        ),
        (
            lambda client: client.trading.cancel_order("7"),
            r"by name: cancel_order\(order_id=..., client_order_id=...\)",
        ),
    ],
)
@in_virtual_time
async def test_an_argument_by_another_name(call, words):
    """An argument that there is not, or that lacks its name, leads to those that there are."""
    async with bitstamp() as client:
        with pytest.raises(UsageError, match=words):
            await call(client)
