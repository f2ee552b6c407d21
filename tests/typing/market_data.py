"""The market data of every exchange fits what they all share. Checked, never run."""

from exchanges import MarketLevel, MarketOrderBook, MarketTicker, MarketTrade, bitex, bitso, bitstamp
from exchanges.bitso import v2
from exchanges.bitstamp import v1


def tickers(
    of_bitex: bitex.Ticker,
    of_bitso: bitso.Ticker,
    of_bitso_v2: v2.Ticker,
    of_bitstamp: bitstamp.Ticker,
    of_bitstamp_v1: v1.Ticker,
) -> list[MarketTicker]:
    return [of_bitex, of_bitso, of_bitso_v2, of_bitstamp, of_bitstamp_v1]


def order_books(
    of_bitex: bitex.OrderBook,
    of_bitso: bitso.OrderBook,
    of_bitso_v2: v2.OrderBook,
    of_bitstamp: bitstamp.OrderBook,
    of_bitstamp_v1: v1.OrderBook,
) -> list[MarketOrderBook]:
    return [of_bitex, of_bitso, of_bitso_v2, of_bitstamp, of_bitstamp_v1]


def levels(
    of_bitex: bitex.PriceLevel,
    of_bitso: bitso.PriceLevel,
    of_bitso_v2: v2.PriceLevel,
    of_bitstamp: bitstamp.PriceLevel,
    of_bitstamp_v1: v1.PriceLevel,
) -> list[MarketLevel]:
    return [of_bitex, of_bitso, of_bitso_v2, of_bitstamp, of_bitstamp_v1]


def trades(
    of_bitex: bitex.Transaction,
    of_bitso: bitso.Trade,
    of_bitso_v2: v2.Transaction,
    of_bitstamp: bitstamp.Transaction,
    of_bitstamp_v1: v1.Transaction,
) -> list[MarketTrade]:
    return [of_bitex, of_bitso, of_bitso_v2, of_bitstamp, of_bitstamp_v1]
