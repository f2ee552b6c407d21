"""What conversions by name, raw answers and undeclared calls return."""

from typing import assert_type

from exchanges import Bitso, Kind, Model, RawAnswer, from_dict, to_dict, to_json
from exchanges.bitso import Ticker
from exchanges.wire import Json
from exchanges.wire.by_name import Named


async def conversions(bitso: Bitso) -> None:
    ticker = await bitso.market.ticker("btc_mxn")
    tickers = await bitso.market.tickers()

    model: Model = ticker
    assert_type(to_dict(ticker), dict[str, Named])
    assert_type(to_dict(tickers), list[Named])
    assert_type(to_json(model), str)
    assert_type(from_dict(Ticker, {}), Ticker)
    assert_type(from_dict(list[Ticker], []), list[Ticker])


async def raw(bitso: Bitso) -> None:
    with bitso.raw() as seen:
        answer = await bitso.request("GET", "/new", kind=Kind.READ, arguments={"a": 1}, signed=False)

    assert_type(seen, list[RawAnswer])
    assert_type(answer, Json)
