"""Sample history of a Bitex account: one movement of each class, adding up to its balances."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from attrs import frozen

from exchanges import bitex
from exchanges.simulator.engine.snapshots import Shared
from exchanges.simulator.engine.store import FIRST_ID
from exchanges.simulator.venues.calls import second
from exchanges.wire import Json

FIRST_BTC_IN = Decimal("0.25000000")
USD_IN, USD_OUT, USD_SPENT = Decimal("120000.00"), Decimal("1500.00"), Decimal("6000.00")
BTC_IN, BTC_OUT, BTC_SOLD = Decimal("5.00000000"), Decimal("0.50000000"), Decimal("0.05000000")
BUY_PRICE, SELL_PRICE = Decimal("60000.00"), Decimal("62000.00")
NOTHING, USD = Decimal(0), 3
BTC_BOUGHT, USD_RECEIVED = Decimal("0.10000000"), Decimal("3100.00")


class Dated(Protocol):
    """An object with a time of creation."""

    @property
    def created_at(self) -> datetime:
        """When it was created."""
        ...


@frozen
class History(Shared):
    """Movements before the simulator started, newest first, and the balances that they leave."""

    movements: tuple[Dated, ...]
    trades: tuple[bitex.Buy | bitex.Sell, ...]
    usd: Decimal
    btc: Decimal


NO_HISTORY = History((), (), Decimal(0), Decimal(0))


def sample_history(started_ms: int, fee_percent: Decimal) -> History:
    """Return movements of all eight classes in the months before *started_ms*."""
    started = second(started_ms)
    btc_fee, usd_fee = BTC_BOUGHT * fee_percent / 100, USD_RECEIVED * fee_percent / 100
    bid, buy = _bought(started - timedelta(days=4), btc_fee)
    ask, sell = _sold(started - timedelta(days=3), usd_fee)
    deposits = _deposited(started - timedelta(days=20), started - timedelta(days=200))
    withdrawals = _withdrawn(started - timedelta(days=1))
    return History(
        movements=(*withdrawals, sell, ask, buy, bid, *deposits),
        trades=(sell, buy),
        usd=USD_IN - USD_OUT - USD_SPENT + USD_RECEIVED - usd_fee,
        btc=FIRST_BTC_IN + BTC_IN - BTC_OUT + BTC_BOUGHT - btc_fee - BTC_SOLD,
    )


# The fields of rows are given in the order of the wire, as the developer guide lists them.


def _bought(at: datetime, fee: Decimal) -> tuple[bitex.Bid, bitex.Buy]:
    done, bought = (bitex.OrderStatus.COMPLETED, bitex.OrderReason.NOT_CANCELLED), BTC_BOUGHT - fee
    bid = bitex.Bid(1, at, 1, USD_SPENT, NOTHING, BUY_PRICE, *done, bought, "ApiKey#1", fee)
    return bid, bitex.Buy(1, at, 1, BTC_BOUGHT, USD_SPENT, fee, BUY_PRICE, bid.id)


def _sold(at: datetime, fee: Decimal) -> tuple[bitex.Ask, bitex.Sell]:
    done, received = (bitex.OrderStatus.COMPLETED, bitex.OrderReason.NOT_CANCELLED), USD_RECEIVED - fee
    ask = bitex.Ask(1, at, 1, BTC_SOLD, NOTHING, SELL_PRICE, *done, received, "User#1", fee)
    return ask, bitex.Sell(1, at, 1, BTC_SOLD, USD_RECEIVED, fee, SELL_PRICE, ask.id)


def _deposited(at: datetime, first_at: datetime) -> tuple[bitex.UsdDeposit, bitex.SpecieDeposit, bitex.SpecieDeposit]:
    done = (bitex.DepositStatus.DONE, bitex.DepositReason.NOT_CANCELLED)
    method = bitex.DepositMethod.OTHER
    money = bitex.UsdDeposit(1, at, USD_IN, USD_IN, method, *done, "UY", "USD", FIRST_ID, "wire", currency_id=USD)
    return money, bitex.SpecieDeposit(2, at, 1, BTC_IN), bitex.SpecieDeposit(1, first_at, 1, FIRST_BTC_IN)


def _withdrawn(at: datetime) -> tuple[bitex.UsdWithdrawal, bitex.SpecieWithdrawal]:
    done, kept = bitex.WithdrawalStatus.DONE, bitex.UsdWithdrawalReason.NOT_CANCELLED
    note: Json = {"note": "as arranged"}
    money = bitex.UsdWithdrawal(1, at, USD_OUT, done, kept, "UY", "USD", "bb", "staff", FIRST_ID, note, USD)
    sent = ("1SimulatedAddressElsewhere", "cold", FIRST_ID, "51" * 32)
    return money, bitex.SpecieWithdrawal(1, at, 1, BTC_OUT, done, bitex.SpecieWithdrawalReason.NOT_CANCELLED, *sent)
